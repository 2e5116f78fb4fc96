/* SPDX-License-Identifier: Apache-2.0 */
/* lifecycle_private.h - a run of the lifecycle rules, bucket by bucket. */
#pragma once

#include "store/lifecycle.h"
#include "store/meta/db.h"

#define LIFECYCLE_PAGE 1000

struct lifecycle_job {
	struct store *store;
	const struct lifecycle_options *options;
	int64_t now_ns;
	struct lifecycle_result *result;
};

/* Of one bucket. */
struct lifecycle_look {
	struct lifecycle_job *job;
	const struct bucket *bucket;
	struct lifecycle_rules rules;
	bool is_stale; /* the bucket has other rules by now */
};

bool lifecycle_run_goes_on(const struct lifecycle_job *job);
void lifecycle_run_report(const struct lifecycle_look *look,
	const struct lifecycle_finding *finding);

/* NOT_FOUND: the bucket has none. */
must_check enum store_err lifecycle_run_read_rules(struct lifecycle_look *look,
	struct arena *arena);
/* Whether they are still the bucket's: look->is_stale. */
must_check enum store_err
lifecycle_run_compare_rules(struct lifecycle_look *look, struct db_txn *txn);

/* What all keys begin with that rules of that sort can take; false: none can.
 */
bool lifecycle_run_common_prefix(const struct lifecycle_rules *rules,
	bool (*is_of_sort)(const struct lifecycle_rule *rule),
	struct slice *out);

/* lifecycle_versions.c: older versions, and delete markers, that are due. */
must_check enum store_err
lifecycle_versions_expire(struct lifecycle_look *look);
