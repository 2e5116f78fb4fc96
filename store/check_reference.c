/* SPDX-License-Identifier: Apache-2.0 */
/* How many name each blob, and those that name what has no record. */
#include "store/check_private.h"

/* Its place is known: only the record is gone. */
static void
note_lost(struct check *check, struct check_lost *lost, const char *what,
	uint64_t number, uint64_t size)
{
	struct check_job *job = check_note(check, CHECK_REFERENCES,
		CHECK_FIX_PACKED,
		"%s %llu names blob %llu, which has no record", what,
		(unsigned long long)number, (unsigned long long)lost->blob);

	lost->is_named = true;
	job->a = lost->blob;
	job->b = lost->segment;
	job->c = lost->offset;
	job->d = size;
}

/* There is no record of it.  One can be made, where there is data. */
static void
note_unknown(struct check *check, uint64_t id, const char *what,
	uint64_t number, uint64_t size)
{
	struct check_lost *lost = check_find(&check->lost, id);
	struct stat stat;

	if (lost) {
		note_lost(check, lost, what, number, size);
		return;
	}
	check_add(&check->unknown, id);
	if (blob_stat(check->store->blobs, id, &stat) == STORE_NOT_FOUND) {
		check_note(check, CHECK_BLOB_MISSING, CHECK_FIX_NONE,
			"the data of %s %llu is gone: there is no blob %llu",
			what, (unsigned long long)number,
			(unsigned long long)id);
		return;
	}
	struct check_job *job =
		check_note(check, CHECK_REFERENCES, CHECK_FIX_REFERENCES,
			"%s %llu names blob %llu, which has no record", what,
			(unsigned long long)number, (unsigned long long)id);
	job->a = id;
	job->b = 1;
}

void
check_reference_add(struct check *check, uint64_t id, const char *what,
	uint64_t number, uint64_t size)
{
	struct check_blob *blob = check_find(&check->blobs, id);

	if (id == 0)
		return;
	if (!blob) {
		note_unknown(check, id, what, number, size);
		return;
	}
	blob->references++;
}
