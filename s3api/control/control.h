/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - the control API: /v1/cwobject/..., JSON in and out.
 *
 * It shares the listeners with S3.  Nothing collides: "v1" is too short for
 * the name of a bucket, and a host of a bucket's own (virtual-host style) is
 * that bucket's alone.
 *
 * Whoever asks has a bearer token of `tarn token create --control`; signing in
 * needs none.
 */
#pragma once

#include "s3api/request.h"

bool control_is_for(const struct request *request);

/* Always replies. */
void control_handle(struct request *request);
