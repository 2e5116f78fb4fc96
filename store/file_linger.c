/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_linger_private.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/file_left_private.h"
#include "store/file_mark_private.h"
#include "store/file_open_private.h"
#include "store/file_settle_private.h"

#define CHAINS 4096 /* a power of two */
/* Calls of file_linger_run() before one is looked at: a second at least. */
#define ROUNDS 2

struct entry {
	uint64_t ino;
	uint64_t due; /* the round in which it is looked at */
	bool has_failed;
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

static struct entry *
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
	return *place;
}

void
file_linger_note(struct file *file)
{
	struct file_lingers *lingers = file->store->lingers;
	mutex_scoped(&lingers->lock);

	note_locked(lingers, file->ino, ROUNDS);
}

void
file_linger_note_kept(struct store *store, uint64_t ino)
{
	mutex_scoped(&store->lingers->lock);

	note_locked(store->lingers, ino, ROUNDS);
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

/* Those that have waited that many rounds; they are remembered no more. */
static struct entry *
take_due(struct file_lingers *lingers, uint64_t rounds)
{
	struct entry *list = NULL;
	mutex_scoped(&lingers->lock);

	lingers->round += rounds;
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

static void
look_again(struct store *store, const struct entry *entry)
{
	struct file_lingers *lingers = store->lingers;
	mutex_scoped(&lingers->lock);

	note_locked(lingers, entry->ino, 1)->has_failed |= entry->has_failed;
}

/* Told once for each file: it is tried each second. */
static void
note_failure(struct entry *entry, enum store_err err)
{
	if (!entry->has_failed)
		log_warn("inode %llu: what is written to it does not show yet: "
			 "%s",
			(unsigned long long)entry->ino, error_sentence(err));
	entry->has_failed = true;
}

/* Rule 2.  True: it is to be looked at again. */
static bool
mark_again(struct file *file, struct entry *entry)
{
	enum store_err err = STORE_OK;

	if (file->is_listed)
		err = file_mark(file, true);
	if (!err || err == STORE_PRECONDITION)
		return false;
	note_failure(entry, err);
	return true;
}

/* Rule 3. */
static bool
look_at_left(struct file *file, struct entry *entry)
{
	bool lingers;
	enum store_err err = file_left_close(file->store, file->ino, &lingers);

	if (err)
		note_failure(entry, err);
	return err || lingers;
}

bool
file_linger_hold(struct file *file)
{
	if (!file->may_linger || !file_settle_is_idle(file))
		return false;
	/* Who has it open for writing is told by descriptors. */
	if (file_open_as(file, false))
		log_warn("inode %llu: its descriptor stays writable",
			(unsigned long long)file->ino);
	file->writers++;
	file->is_held = true;
	file->is_closing = false;
	file_linger_note(file);
	return true;
}

void
file_linger_unhold(struct file *file)
{
	struct file *held = file;

	file->is_held = false;
	file->writers--;
	file->opens--;
	file_table_release(&held);
}

/* Rule 4.  *with_turn: the file's, which is given. */
static bool
close_held(struct file *file, struct file **with_turn, struct entry *entry)
{
	struct file *held = file;

	file->is_held = false;
	file_table_give_turn(with_turn);
	enum store_err err = file_close(&held, O_RDWR);
	if (err)
		note_failure(entry, err);
	return err;
}

static bool
look_at_held(struct file *file, struct file **with_turn, struct entry *entry)
{
	if (file_settle_is_idle(file)) {
		if (blob_has_writer(file->store->blobs, file->blob))
			return true;
		file->may_linger = false;
	}
	return close_held(file, with_turn, entry);
}

static bool
look_at(struct store *store, struct entry *entry)
{
	/* One who copies a large file has its turn for minutes. */
	if (file_table_is_taken(store, entry->ino))
		return true;
	scoped(file_table_release) struct file *file =
			file_table_take(store, entry->ino);
	scoped(file_table_give_turn) struct file *with_turn = file;

	if (file->is_held)
		return look_at_held(file, &with_turn, entry);
	return file->writers > 0 ? mark_again(file, entry)
				 : look_at_left(file, entry);
}

void
file_linger_run(struct store *store)
{
	struct entry *due = take_due(store->lingers, 1);

	for (struct entry *entry = due; entry; entry = entry->next) {
		if (look_at(store, entry))
			look_again(store, entry);
	}
	free_list(due);
}

void
file_linger_stop(struct store *store)
{
	if (!store->lingers)
		return;
	struct entry *all = take_due(store->lingers, ROUNDS);

	for (struct entry *entry = all; entry; entry = entry->next) {
		scoped(file_table_release) struct file *file =
				file_table_take(store, entry->ino);
		scoped(file_table_give_turn) struct file *with_turn = file;

		if (!file->is_held)
			continue;
		/* What a map stores from now on, the session that follows
		 * finds: as a version of its own. */
		if (blob_has_writer(store->blobs, file->blob))
			file->is_copy = false;
		else
			file->may_linger = false;
		(void)close_held(file, &with_turn, entry);
	}
	free_list(all);
}
