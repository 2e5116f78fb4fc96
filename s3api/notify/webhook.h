/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook.h - one document on its way to a URL, by libcurl.
 *
 * Nothing but http and https is spoken, no redirect followed, no proxy asked,
 * and of the reply the status alone matters: its body is not kept, and not read
 * on after 64 KiB.  It ends within 15 seconds.
 *
 * Threads:   that of the multi handle.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>

#include "store/base/buffer.h"
#include "store/base/compiler.h"
#include "store/base/error.h"

struct webhook;

struct webhook_post {
	CURLM *multi;
	struct slice url;
	struct slice body;
	struct slice topic;  /* its ARN */
	struct slice secret; /* empty: it is not signed */
};

/* topic_url_is_valid(), one that libcurl takes, and without a user or a
 * password: URLs are listed and logged. */
bool webhook_url_is_valid(struct slice url);

/* Begins to send it; the slices are copied.  NO_MEMORY, INVALID. */
must_check enum store_err webhook_begin(const struct webhook_post *post,
	struct webhook **out);

/* The one that has come to its end; NULL: none has. */
struct webhook *webhook_next(CURLM *multi);

/* After its end: whether somebody has taken it: all of it was sent, and 2xx
 * came back.  *why: else, or how. */
bool webhook_is_taken(const struct webhook *webhook, const char **why);

/* Cuts it off where it is under way.  NULL is allowed. */
void webhook_free(struct webhook **webhook);
