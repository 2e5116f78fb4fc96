/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "store/durable_private.h"
#include "store/flush_ahead_private.h"
#include "tests/support/temp_store.h"

#define STEP (8ull << 20)

/* No flush of a pipe succeeds, so each that is tried shows. */
static int
unflushable(void)
{
	int ends[2];

	cr_assert(eq(int, pipe(ends), 0));
	close(ends[1]);
	return ends[0];
}

static void
stream(struct flush_ahead *ahead, int fd, uint64_t start, uint64_t len)
{
	const uint64_t piece = 256 * 1024;

	for (uint64_t at = start; at < start + len; at += piece)
		flush_ahead_note(ahead, fd, at, at + piece);
}

Test(flush_ahead, what_is_no_longer_than_a_step_is_left_to_the_commit)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct flush_ahead ahead = {.has_begun = false};
	int fd = unflushable();

	stream(&ahead, fd, 0, STEP);
	cr_expect(eq(int, flush_ahead_end(&ahead, temp.store), STORE_OK));
	/* A part's place is not the file's beginning. */
	stream(&ahead, fd, 5 * STEP, STEP);
	cr_expect(eq(int, flush_ahead_end(&ahead, temp.store), STORE_OK));
	cr_expect(not(durable_has_failed(temp.store)));
	close(fd);
}

Test(flush_ahead, a_flush_that_failed_is_everybodys_failure)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct flush_ahead ahead = {.has_begun = false};
	int fd = unflushable();

	stream(&ahead, fd, 0, 3 * STEP);
	cr_expect(eq(int, flush_ahead_end(&ahead, temp.store), STORE_IO));
	cr_expect(durable_has_failed(temp.store));
	/* It has been told. */
	cr_expect(eq(int, flush_ahead_end(&ahead, temp.store), STORE_OK));
	close(fd);
}
