/* SPDX-License-Identifier: Apache-2.0 */
#include "store/file_table_private.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"

#define CHAINS 16384 /* a power of two */

struct file_table {
	pthread_mutex_t lock;
	pthread_cond_t turn_given;
	/* under lock */
	uint64_t count;
	struct file *chains[CHAINS];
};

enum store_err
file_table_create(struct file_table **out)
{
	struct file_table *table = calloc(1, sizeof(*table));

	if (!table)
		return STORE_NO_MEMORY;
	mutex_init(&table->lock);
	thread_init_condition(&table->turn_given);
	*out = table;
	return STORE_OK;
}

void
file_table_free(struct file_table **table)
{
	if (!*table)
		return;
	assert((*table)->count == 0);
	pthread_cond_destroy(&(*table)->turn_given);
	mutex_destroy(&(*table)->lock);
	free(*table);
	*table = NULL;
}

/* Inode numbers are given out one after the other: they spread by
 * themselves. */
static struct file **
chain_of(struct file_table *table, uint64_t ino)
{
	return &table->chains[ino & (CHAINS - 1)];
}

static struct file *
find_locked(struct file_table *table, uint64_t ino)
{
	struct file *file = *chain_of(table, ino);

	while (file && file->ino != ino)
		file = file->next;
	return file;
}

static struct file *
add_locked(struct file_table *table, struct store *store, uint64_t ino)
{
	struct file **chain = chain_of(table, ino);
	struct file *file = calloc(1, sizeof(*file));

	if (!file)
		error_out_of_memory();
	file->store = store;
	file->ino = ino;
	file->fd = -1;
	file->next = *chain;
	*chain = file;
	table->count++;
	return file;
}

static void
take_turn_locked(struct file_table *table, struct file *file)
{
	file->waiting++;
	while (file->is_taken)
		pthread_cond_wait(&table->turn_given, &table->lock);
	file->waiting--;
	file->is_taken = true;
}

static void
give_turn_locked(struct file_table *table, struct file *file)
{
	assert(file->is_taken);
	file->is_taken = false;
	/* All wait on one condition, for whichever file.  One reference may
	 * be that of several threads: they read from one handle. */
	if (file->waiting > 0)
		pthread_cond_broadcast(&table->turn_given);
}

static void
take_out_locked(struct file_table *table, struct file *file)
{
	struct file **place = chain_of(table, file->ino);

	while (*place != file)
		place = &(*place)->next;
	*place = file->next;
}

static void
release_locked(struct file_table *table, struct file *file)
{
	assert(file->references > 0);
	if (--file->references > 0)
		return;
	assert(file->fd < 0);
	if (!file->is_retired)
		take_out_locked(table, file);
	table->count--;
	free(file);
}

/* NULL: there is none, and none is to be made. */
static struct file *
take(struct store *store, uint64_t ino, bool makes_one)
{
	struct file_table *table = store->files;

	mutex_scoped(&table->lock);
	for (;;) {
		struct file *file = find_locked(table, ino);
		if (!file && !makes_one)
			return NULL;
		if (!file)
			file = add_locked(table, store, ino);
		file->references++;
		take_turn_locked(table, file);
		if (!file->is_retired)
			return file;
		/* It was while this one waited. */
		give_turn_locked(table, file);
		release_locked(table, file);
	}
}

struct file *
file_table_take(struct store *store, uint64_t ino)
{
	return take(store, ino, true);
}

struct file *
file_table_take_open(struct store *store, uint64_t ino)
{
	struct file *file = take(store, ino, false);

	if (file && file->fd < 0) {
		struct file *with_turn = file;

		file_table_give_turn(&with_turn);
		file_table_release(&file);
	}
	return file;
}

void
file_table_retire(struct file *file)
{
	struct file_table *table = file->store->files;

	mutex_scoped(&table->lock);
	assert(!file->writers);
	if (!file->is_retired)
		take_out_locked(table, file);
	file->is_retired = true;
}

void
file_table_take_turn(struct file *file)
{
	struct file_table *table = file->store->files;

	mutex_scoped(&table->lock);
	take_turn_locked(table, file);
}

void
file_table_give_turn(struct file **file)
{
	if (!*file)
		return;
	struct file_table *table = (*file)->store->files;

	mutex_scoped(&table->lock);
	give_turn_locked(table, *file);
	*file = NULL;
}

void
file_table_pass_turn(struct file *file, int64_t deadline_ns)
{
	struct file_table *table = file->store->files;
	const struct timespec until = {
		.tv_sec = deadline_ns / CLOCK_NS_PER_S,
		.tv_nsec = deadline_ns % CLOCK_NS_PER_S,
	};

	mutex_scoped(&table->lock);
	give_turn_locked(table, file);
	file->waiting++;
	(void)pthread_cond_timedwait(&table->turn_given, &table->lock, &until);
	file->waiting--;
	take_turn_locked(table, file);
}

void
file_table_release(struct file **file)
{
	if (!*file)
		return;
	struct file_table *table = (*file)->store->files;

	mutex_scoped(&table->lock);
	release_locked(table, *file);
	*file = NULL;
}

void
file_table_note_news(struct store *store, uint64_t ino)
{
	mutex_scoped(&store->files->lock);
	struct file *file = find_locked(store->files, ino);

	if (file)
		atomic_fetch_add(&file->news, 1);
}

bool
file_table_is_taken(struct store *store, uint64_t ino)
{
	mutex_scoped(&store->files->lock);
	struct file *file = find_locked(store->files, ino);

	return file && file->is_taken;
}

uint64_t
file_table_count(struct store *store)
{
	mutex_scoped(&store->files->lock);
	return store->files->count;
}

uint64_t *
file_table_inodes(struct store *store, size_t *count)
{
	struct file_table *table = store->files;
	uint64_t *inos = NULL;

	mutex_scoped(&table->lock);
	*count = 0;
	if (table->count == 0)
		return NULL;
	inos = calloc(table->count, sizeof(*inos));
	if (!inos)
		error_out_of_memory();
	for (size_t i = 0; i < CHAINS; i++) {
		for (struct file *file = table->chains[i]; file;
			file = file->next)
			inos[(*count)++] = file->ino;
	}
	return inos;
}
