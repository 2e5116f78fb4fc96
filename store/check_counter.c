/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are to be given out next against those in use. */
#include "store/check_private.h"
#include "store/counter_private.h"

void
check_counter_use(uint64_t *last, uint64_t number)
{
	/* No counter comes as far, nor is it to be left there. */
	if (number > *last && number < INT64_MAX)
		*last = number;
}

static enum store_err
check_one(struct check *check, const char *name, const char *what,
	uint64_t last)
{
	uint64_t next = 0;
	enum store_err err = counter_peek(check->txn, name, &next);

	if (err && err != STORE_CORRUPT)
		return err;
	if (next > last)
		return STORE_OK;
	struct check_job *job = check_note(check, CHECK_COUNTER,
		CHECK_FIX_COUNTER,
		"the next %s is to be %llu, and there is %llu already", what,
		(unsigned long long)next, (unsigned long long)last);
	job->name = slice_str(name);
	job->a = last + 1;
	return STORE_OK;
}

enum store_err
check_counter_rows(struct check *check)
{
	enum store_err err = check_one(check, COUNTER_NUMBER, "inode or upload",
		check->last_number);

	if (!err)
		err = check_one(check, COUNTER_BLOB, "blob", check->last_blob);
	if (!err)
		err = check_one(check, COUNTER_SESSION, "session",
			check->last_session);
	return err;
}

enum store_err
check_counter_repair(struct db_txn *txn, const struct check_job *job)
{
	uint64_t next = 0;
	enum store_err err = counter_peek(txn, job->name.data, &next);

	if (err && err != STORE_CORRUPT)
		return err;
	return next >= job->a ? STORE_NOT_FOUND
			      : counter_set(txn, job->name.data, job->a);
}
