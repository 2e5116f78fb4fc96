/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_json.h - events as S3 writes them ("Event message structure", 2.2).
 *
 * Keys are encoded as in the query of a URL, but for their slashes.
 */
#pragma once

#include "store/base/buffer.h"
#include "store/object_event.h"

/* {"Records": [...]}; of one EVENT_TEST s3:TestEvent.  region: of the store. */
void event_json_append(struct buffer *to, struct slice region,
	const struct object_event *events, size_t count);
