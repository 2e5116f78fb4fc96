/* SPDX-License-Identifier: Apache-2.0 */
/*
 * site.h - a bucket as a website: what browsers get of http://BUCKET.DOMAIN
 * (S3 API: Hosting a static website).
 *
 * Everybody is a stranger here, whatever they sign, and gets what a stranger
 * may GET.  Nothing but the path counts, and nothing can be changed.
 *
 * Threads:   the fiber of the connection.
 */
#pragma once

#include "s3api/request.h"

/* Replies to a request with is_website; error: what address_parse() said. */
void site_handle(struct request *request, enum s3_error error);
