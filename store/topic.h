/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topic.h - whom events of buckets are told to: a URL that an organization has
 * given a name.
 *
 * Events wait in the store until they have been delivered: outbox.h.
 *
 * Threads:   any.
 * Ownership: slices of what was listed live in the arena it was given.
 * Failure:   NO_ORGANIZATION, NO_TOPIC, TOPIC_EXISTS, BAD_NAME (1 to 64 of
 *            A-Z a-z 0-9 _ and -).
 */
#pragma once

#include "store/base/arena.h"
#include "store/organization.h"
#include "store/store.h"

#define TOPIC_NAME_MAX 64
#define TOPIC_URL_MAX 1024
#define TOPIC_SECRET_MIN 16
#define TOPIC_SECRET_MAX 256
#define TOPIC_EVENTS_DEFAULT 1000000
#define TOPIC_EVENTS_MAX 100000000
/* That each which may wait has on average, as it is stored. */
#define TOPIC_EVENT_BYTES 512u
#define TOPIC_DAYS_DEFAULT 7
#define TOPIC_DAYS_MAX 3650

struct topic_draft {
	struct slice organization;
	struct slice name;
	struct slice url;
	struct slice secret; /* signs what is delivered; empty: nothing does */
	uint64_t events_max; /* that wait; 0: the default */
	uint32_t days_max;   /* that one waits; 0: the default */
};

struct topic {
	uint64_t id;
	struct slice organization;
	struct slice name;
	struct slice url;
	bool has_secret;
	int64_t created_ns;
	uint64_t events_max;
	uint32_t days_max;
	uint64_t waiting;
	uint64_t dropped; /* were too many, or waited for too long */
};

bool topic_name_is_valid(struct slice name);
/* http or https, a host, and nothing that a URL cannot have. */
bool topic_url_is_valid(struct slice url);

/* Durable.  INVALID: the URL, the secret's length, or a limit. */
must_check enum store_err topic_create(struct store *store,
	const struct topic_draft *draft);

/* Durable; what waits for it goes. */
must_check enum store_err topic_delete(struct store *store,
	struct slice organization, struct slice name);

/* NO_TOPIC. */
must_check enum store_err topic_check(struct store *store,
	struct slice organization, struct slice name);

/* Of one organization (SLICE_NULL: of all), by organization, then name. */
must_check enum store_err topic_list(struct store *store,
	struct slice organization, struct arena *arena, struct topic **out,
	size_t *count);

/* The secret itself; empty where there is none.  The caller wipes it.
 * NO_TOPIC, CORRUPT. */
must_check enum store_err topic_secret(struct store *store,
	const struct topic *topic, uint8_t to[TOPIC_SECRET_MAX], size_t *len);
