/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apply_check.h - whether a manifest can be had as a whole: asked before any of
 * it counts, and told in its words.
 *
 * What another process changes meanwhile shows as it is applied.
 */
#pragma once

#include "store/store.h"
#include "tools/tarn/manifest.h"

struct apply_check {
	struct store *store;
	const char *secret_dir; /* NULL: Secrets are printed */
	bool is_admin;
};

/* False after it has said what is wrong, of each user. */
must_check bool apply_check_all(const struct apply_check *check,
	const struct manifest_user *users, size_t count);

/* Says why that user cannot be had; always false. */
bool apply_check_fail(const struct manifest_user *wanted, enum store_err err);
