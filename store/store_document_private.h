/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_document_private.h - documents of the store itself (owner 0), inside a
 * transaction.  Those of buckets: bucket.h.
 */
#pragma once

#include "store/base/compiler.h"
#include "store/meta/db.h"

#define STORE_DOCUMENT_KIND_MAX 160

struct store_document_kind {
	char text[STORE_DOCUMENT_KIND_MAX + 1];
	size_t len;
};

/* The caller has bounded what goes in. */
struct store_document_kind store_document_kind(const char *format, ...)
	printf_like(1, 2);

static inline struct slice
store_document_kind_slice(const struct store_document_kind *kind)
{
	return slice_of(kind->text, kind->len);
}

/* NOT_FOUND. */
must_check enum store_err store_document_get(struct db_txn *txn,
	const struct store_document_kind *kind, struct slice *value);
must_check enum store_err store_document_put(struct db_txn *txn,
	const struct store_document_kind *kind, struct slice value);
/* One that is not there is no error. */
must_check enum store_err store_document_remove(struct db_txn *txn,
	const struct store_document_kind *kind);

/* The first whose kind is not below `from`, where that begins with the
 * prefix.  NOT_FOUND. */
must_check enum store_err store_document_find(struct db_txn *txn,
	struct slice prefix, struct slice from,
	struct store_document_kind *kind, struct slice *value);

/* The last whose kind is below `before`, where that begins with the prefix.
 * NOT_FOUND. */
must_check enum store_err store_document_find_before(struct db_txn *txn,
	struct slice prefix, struct slice before,
	struct store_document_kind *kind, struct slice *value);

/* All whose kinds begin with the prefix. */
must_check enum store_err store_document_remove_all(struct db_txn *txn,
	struct slice prefix);
