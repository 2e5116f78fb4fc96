/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cut_private.h"

#include <errno.h>
#include <sys/stat.h>

#include "store/feed_private.h"
#include "store/shared_private.h"

/*
 * A word: the commit of the last mark, then the count of cuts, which begins
 * anew at its end.  2^44 commits are 500 years of a thousand a second.
 */
#define COUNT_BITS 20
#define COUNT_MASK ((1ull << COUNT_BITS) - 1)

/* NULL: the store is open for reading only. */
static _Atomic(uint64_t) *
word_of(struct store *store, uint64_t blob)
{
	struct shared_cuts *cuts = feed_cuts(store);

	return cuts ? &cuts->words[blob & (SHARED_CUTS - 1)] : NULL;
}

struct cut_guard
cut_begin(struct store *store, const struct inode *inode, uint64_t blob,
	uint64_t commit)
{
	_Atomic(uint64_t) *word = word_of(store, blob);
	uint64_t value = word ? atomic_load(word) : 0;

	return (struct cut_guard){
		.watch = {word, value},
		.is_written = (inode->flags & INODE_DIRTY) ||
			      value >> COUNT_BITS > commit,
	};
}

bool
cut_is_written(const struct cut_guard *guard)
{
	return guard->is_written || io_watch_is_over(&guard->watch);
}

enum store_err
cut_check(const struct cut_guard *guard, int fd, uint64_t end)
{
	const struct io_watch *watch = &guard->watch;
	struct stat stat;

	if (!end || !cut_is_written(guard))
		return STORE_OK;
	if (fstat(fd, &stat))
		return error_from_errno(errno);
	if (stat.st_size < 0 || (uint64_t)stat.st_size < end)
		return STORE_BUSY;
	return watch->word && ((atomic_load(watch->word) ^ watch->value) &
				      COUNT_MASK)
		       ? STORE_BUSY
		       : STORE_OK;
}

void
cut_note_mark(struct store *store, uint64_t blob, uint64_t commit)
{
	_Atomic(uint64_t) *word = word_of(store, blob);
	uint64_t was = atomic_load(word);

	/* Another's may be later, and in the word already. */
	while (was >> COUNT_BITS < commit &&
		!atomic_compare_exchange_weak(word, &was,
			commit << COUNT_BITS | (was & COUNT_MASK)))
		continue;
}

void
cut_note(struct store *store, uint64_t blob)
{
	_Atomic(uint64_t) *word = word_of(store, blob);
	uint64_t was = atomic_load(word);

	while (!atomic_compare_exchange_weak(word, &was,
		(was & ~COUNT_MASK) | ((was + 1) & COUNT_MASK)))
		continue;
}
