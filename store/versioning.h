/* SPDX-License-Identifier: Apache-2.0 */
/*
 * versioning.h - whether a bucket keeps what its objects were before.
 *
 * S3 API: PutBucketVersioning, GetBucketVersioning.  What a mount replaces or
 * removes is kept as well: docs/posix.md.
 *
 * Threads:   any.
 */
#pragma once

#include "store/base/version.h"
#include "store/store.h"

/* Durable.  INVALID: VERSIONING_NEVER; STALE: the bucket is gone; REPLICATED:
 * with rules for replicas it keeps versions. */
must_check enum store_err versioning_set(struct store *store, uint64_t bucket,
	enum versioning versioning);
must_check enum store_err versioning_get(struct store *store, uint64_t bucket,
	enum versioning *out);
