/* SPDX-License-Identifier: Apache-2.0 */
/* backups.h - a store backed up to a place, and brought back. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <sys/wait.h>

#include "store/backup_private.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

struct backups_place {
	char to[160];
	char restored[160];
};

static inline struct backups_place
backups_place_in(const struct temp_store *temp, const char *name)
{
	struct backups_place place;

	(void)snprintf(place.to, sizeof(place.to), "%s/%s", temp->dir, name);
	(void)snprintf(place.restored, sizeof(place.restored), "%s/%s-restored",
		temp->dir, name);
	return place;
}

static inline struct backup_result
backups_make(struct store *store, const char *to, uint64_t since)
{
	const struct backup_options options = {.to = to, .since = since};
	struct backup_result result;

	cr_assert(zero(int, backup_make(store, &options, &result)));
	return result;
}

static inline struct restore_result
backups_restore(const struct backups_place *place, uint64_t commit)
{
	const struct restore_options options = {
		.from = place->to,
		.to = place->restored,
		.commit = commit,
	};
	struct restore_result result;

	cr_assert(zero(int, backup_restore(&options, &result)));
	cr_expect(zero(u64, result.findings));
	return result;
}
