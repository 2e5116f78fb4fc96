/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_linger_private.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/file_open_private.h"
#include "store/file_settle_private.h"

#define CHAINS 4096 /* a power of two */
/* Calls of file_linger_run() before one is looked at: a second at least. */
#define ROUNDS 2

struct entry {
	uint64_t ino;
	uint64_t due; /* the round in which it is looked at */
	struct entry *next;
};

struct file_lingers {
	atomic_size_t count;

	pthread_mutex_t lock;
	/* under lock */
	uint64_t round;
	struct entry *chains[CHAINS];
};

enum store_err
file_linger_create(struct file_lingers **out)
{
	struct file_lingers *lingers = calloc(1, sizeof(*lingers));

	if (!lingers)
		return STORE_NO_MEMORY;
	mutex_init(&lingers->lock);
	*out = lingers;
	return STORE_OK;
}

static void
free_list(struct entry *list)
{
	while (list) {
		struct entry *entry = list;

		list = entry->next;
		free(entry);
	}
}

void
file_linger_free(struct file_lingers **lingers)
{
	if (!*lingers)
		return;
	for (size_t i = 0; i < CHAINS; i++)
		free_list((*lingers)->chains[i]);
	mutex_destroy(&(*lingers)->lock);
	free(*lingers);
	*lingers = NULL;
}

/* Where the entry is, or would be. */
static struct entry **
find_locked(struct file_lingers *lingers, uint64_t ino)
{
	struct entry **place = &lingers->chains[ino & (CHAINS - 1)];

	while (*place && (*place)->ino != ino)
		place = &(*place)->next;
	return place;
}

static void
note_locked(struct file_lingers *lingers, uint64_t ino, uint64_t rounds)
{
	struct entry **place = find_locked(lingers, ino);

	if (!*place) {
		*place = calloc(1, sizeof(**place));
		if (!*place)
			error_out_of_memory();
		(*place)->ino = ino;
		atomic_fetch_add(&lingers->count, 1);
	}
	(*place)->due = lingers->round + rounds;
}

void
file_linger_note(struct file *file)
{
	struct file_lingers *lingers = file->store->lingers;
	mutex_scoped(&lingers->lock);

	note_locked(lingers, file->ino, ROUNDS);
}

static struct entry *
take_locked(struct file_lingers *lingers, struct entry **place)
{
	struct entry *entry = *place;

	*place = entry->next;
	atomic_fetch_sub(&lingers->count, 1);
	return entry;
}

void
file_linger_forget(struct file *file)
{
	struct file_lingers *lingers = file->store->lingers;
	mutex_scoped(&lingers->lock);
	struct entry **place = find_locked(lingers, file->ino);

	if (*place)
		free(take_locked(lingers, place));
}

bool
file_linger_has(struct store *store, uint64_t ino)
{
	struct file_lingers *lingers = store->lingers;

	if (!atomic_load(&lingers->count))
		return false;
	mutex_scoped(&lingers->lock);
	return *find_locked(lingers, ino) != NULL;
}

/* Those that have waited long enough; they are remembered no more. */
static struct entry *
take_due(struct file_lingers *lingers)
{
	struct entry *list = NULL;
	mutex_scoped(&lingers->lock);

	lingers->round++;
	for (size_t i = 0; i < CHAINS; i++) {
		struct entry **place = &lingers->chains[i];

		while (*place) {
			if ((*place)->due > lingers->round) {
				place = &(*place)->next;
				continue;
			}
			struct entry *entry = take_locked(lingers, place);
			entry->next = list;
			list = entry;
		}
	}
	return list;
}

/* Rule 2.  Sealed data is not changed in place. */
static void
mark_again(struct file *file)
{
	if (!file->is_listed || file->seal)
		return;
	enum store_err err = file_open_mark(file, true);
	if (err && err != STORE_PRECONDITION)
		log_warn("inode %llu: not marked as being written: %s",
			(unsigned long long)file->ino, error_sentence(err));
}

static void
look_again(struct store *store, uint64_t ino)
{
	struct file_lingers *lingers = store->lingers;
	mutex_scoped(&lingers->lock);

	note_locked(lingers, ino, 1);
}

/* Rule 3. */
static void
look_at_left(struct file *file)
{
	bool lingers;
	enum store_err err = file_settle_left(file->store, file->ino, &lingers);

	if (err)
		log_warn("inode %llu: not brought up to date: %s",
			(unsigned long long)file->ino, error_sentence(err));
	if (err || lingers)
		look_again(file->store, file->ino);
}

static void
look_at(struct store *store, uint64_t ino)
{
	scoped(file_table_release) struct file *file =
			file_table_take(store, ino);
	scoped(file_table_give_turn) struct file *with_turn = file;

	if (file->writers > 0)
		mark_again(file);
	else
		look_at_left(file);
}

void
file_linger_run(struct store *store)
{
	struct entry *due = take_due(store->lingers);

	for (struct entry *entry = due; entry; entry = entry->next)
		look_at(store, entry->ino);
	free_list(due);
}
