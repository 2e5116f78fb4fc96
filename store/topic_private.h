/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topic_private.h - topics within a transaction: the documents of the store
 *
 *	topic/ORGANIZATION/NAME
 *
 * A topic has a number of its own: one that is deleted and made again is
 * another, and what waited for the first is not for it.
 */
#pragma once

#include "store/meta/db.h"
#include "store/topic.h"

#define TOPIC_KIND "topic"

struct topic_row {
	uint64_t id;
	int64_t created_ns;
	uint64_t events_max;
	uint32_t days_max;
	struct slice url;
	struct slice sealed; /* the secret; empty: none */
};

/* NOT_FOUND, CORRUPT.  Slices point into the map. */
must_check enum store_err topic_row_get(struct db_txn *txn,
	struct slice organization, struct slice name, struct topic_row *out);

/* Of a document of any kind: false where it is a topic and does not decode. */
bool topic_document_is_sound(struct slice kind, struct slice value);

/* Calls visit for the number of each topic there is; 0: that of one that does
 * not decode. */
must_check enum store_err topic_visit(struct db_txn *txn,
	enum store_err (*visit)(uint64_t id, void *context), void *context);

/* With the organization's record: nothing is added for its topics any more,
 * and what waits is nobody's. */
must_check enum store_err topic_end_organization(struct db_txn *txn,
	struct slice organization);
