/* SPDX-License-Identifier: Apache-2.0 */
/* By a mount. */
#include <fcntl.h>
#include <sys/stat.h>

#include "store/base/io.h"
#include "tests/crash/worker.h"

static const struct tree_owner owner = {.mode = S_IFREG | 0644};
static const struct tree_owner dir_owner = {.mode = S_IFDIR | 0755};

/* The component below the worker's directory. */
static struct slice
component_of(const struct worker *worker, const char *key)
{
	return slice_str(key + strlen(worker->tag) + 1);
}

void
worker_write_at(struct file *file, struct slice bytes, uint64_t offset)
{
	must(io_pwrite_all(file_fd(file), bytes.data, bytes.len, offset));
}

static struct file *
create_or_rewrite(struct worker *worker, struct slice name)
{
	struct inode inode;
	struct file *file = NULL;
	enum store_err err = tree_lookup(worker->store, worker->dir, name,
		TREE_FILE, NULL, &inode);

	if (err == STORE_NOT_FOUND) {
		must(file_create(worker->store, worker->dir, name, &owner,
			&inode, &file));
		return file;
	}
	must(err);
	must(file_open(worker->store, inode.ino, O_RDWR | O_TRUNC, &file));
	return file;
}

void
worker_write_file(struct worker *worker, unsigned int thing)
{
	uint64_t version = worker->next_version++;
	struct slice bytes = worker_body(worker, version);
	char key[CONTENT_KEY_MAX + 1];

	worker_name(worker, thing, key);
	worker_begin(worker, thing, version);
	struct file *file =
		create_or_rewrite(worker, component_of(worker, key));
	worker_write_at(file, slice_first(bytes, bytes.len / 2), 0);
	worker_write_at(file, slice_from(bytes, bytes.len / 2), bytes.len / 2);
	if (worker_draw(worker, 2)) {
		must(file_sync(file, worker_draw(worker, 2)));
		worker_done(worker, thing);
	}
	must(file_flush(file));
	must(file_close(&file, O_RDWR | O_TRUNC));
}

void
worker_unlink_file(struct worker *worker, unsigned int thing)
{
	struct inode inode;
	char key[CONTENT_KEY_MAX + 1];

	if (worker_begin_absent(worker, thing, key))
		return;
	must(tree_unlink(worker->store, worker->dir, component_of(worker, key),
		&inode));
}

void
worker_rename_file(struct worker *worker, unsigned int from, unsigned int to)
{
	uint64_t version = worker_version_of(worker, from);
	char keys[2][CONTENT_KEY_MAX + 1];
	struct inode replaced;

	if (!version || from == to)
		return;
	worker_name(worker, from, keys[0]);
	worker_name(worker, to, keys[1]);
	worker_begin(worker, from, 0);
	worker_begin(worker, to, version);
	must(tree_rename(worker->store, worker->dir,
		component_of(worker, keys[0]), TREE_FILE, worker->dir,
		component_of(worker, keys[1]), 0, &replaced));
}

void
worker_rename_dir(struct worker *worker)
{
	unsigned int from = worker->now[THING_TWIN] ? 0 : 1;
	uint64_t version = worker->now[THING_TWIN + from];
	struct inode replaced;

	worker_begin(worker, THING_TWIN + from, 0);
	worker_begin(worker, THING_TWIN + 1 - from, version);
	must(tree_rename(worker->store, worker->dir,
		from ? SLICE("d1") : SLICE("d0"), TREE_DIR, worker->dir,
		from ? SLICE("d0") : SLICE("d1"), 0, &replaced));
}

/* The file named so, which stays open until it is closed by chance. */
static struct file *
open_in_place(struct worker *worker, unsigned int which, struct slice name)
{
	struct inode inode;

	if (worker->open[which])
		return worker->open[which];
	must(tree_lookup(worker->store, worker->dir, name, TREE_FILE, NULL,
		&inode));
	must(file_open(worker->store, inode.ino, O_RDWR, &worker->open[which]));
	return worker->open[which];
}

void
worker_close_in_place(struct worker *worker, unsigned int which)
{
	if (!worker->open[which])
		return;
	must(file_flush(worker->open[which]));
	must(file_close(&worker->open[which], O_RDWR));
}

/* Sectors from `first` on, each of the same new version. */
static void
write_sectors(struct worker *worker, struct file *file, unsigned int first,
	unsigned int count, uint64_t offset)
{
	uint64_t version = worker->next_version++;

	content_fill(version, worker->bytes, CONTENT_SECTOR);
	for (unsigned int i = 0; i < count; i++) {
		worker_begin(worker, first + i, version);
		memmove(worker->bytes + i * CONTENT_SECTOR, worker->bytes,
			CONTENT_SECTOR);
	}
	worker_write_at(file,
		slice_of(worker->bytes, (size_t)count * CONTENT_SECTOR),
		offset);
}

static void
sync_sectors(struct worker *worker, struct file *file, unsigned int first,
	unsigned int count)
{
	must(file_sync(file, worker_draw(worker, 2)));
	for (unsigned int i = first; i < first + count; i++) {
		if (worker->is_begun[i])
			worker_done(worker, i);
	}
}

void
worker_write_in_place(struct worker *worker)
{
	unsigned int at = (unsigned int)worker_draw(worker, SECTORS);
	unsigned int count =
		1 + (unsigned int)worker_draw(worker, SECTORS - at);
	struct file *file = open_in_place(worker, 0, SLICE("disk"));

	write_sectors(worker, file, THING_SECTOR + at, count,
		(uint64_t)at * CONTENT_SECTOR);
	if (worker_draw(worker, 2))
		sync_sectors(worker, file, THING_SECTOR, SECTORS);
	if (worker_draw(worker, 2))
		worker_close_in_place(worker, 0);
}

void
worker_append(struct worker *worker)
{
	struct file *file;

	if (worker->chunks == CHUNKS)
		return;
	file = open_in_place(worker, 1, SLICE("log"));
	write_sectors(worker, file, THING_CHUNK + worker->chunks, 1,
		(uint64_t)worker->chunks * CONTENT_SECTOR);
	worker->chunks++;
	if (worker_draw(worker, 2))
		sync_sectors(worker, file, THING_CHUNK, CHUNKS);
	if (worker_draw(worker, 2))
		worker_close_in_place(worker, 1);
}

/* Files that are closed and not flushed, until all are at once. */
void
worker_write_burst(struct worker *worker)
{
	struct inode inode;
	uint64_t dir = worker->dir;

	must(tree_mkdir(worker->store, dir, SLICE("burst"), &dir_owner,
		&inode));
	worker->dir = inode.ino;
	for (unsigned int i = 0; i < BURST; i++) {
		struct file *file = NULL;
		char name[CONTENT_KEY_MAX + 1];
		uint64_t version = worker->next_version++;

		worker_name(worker, THING_BURST + i, name);
		worker_begin(worker, THING_BURST + i, version);
		must(file_create(worker->store, worker->dir,
			slice_str(strrchr(name, '/') + 1), &owner, &inode,
			&file));
		worker_write_at(file, worker_body(worker, version), 0);
		must(file_flush(file));
		must(file_close(&file, O_RDWR));
	}
	worker->dir = dir;
	worker_sync_all(worker);
}

void
worker_set_up(struct worker *worker)
{
	struct inode inode;
	struct file *file = NULL;

	must(tree_mkdir(worker->store, worker->bucket, slice_str(worker->tag),
		&dir_owner, &inode));
	worker->dir = inode.ino;
	must(file_create(worker->store, worker->dir, SLICE("log"), &owner,
		&inode, &file));
	must(file_close(&file, O_RDWR));
	must(file_create(worker->store, worker->dir, SLICE("disk"), &owner,
		&inode, &file));
	write_sectors(worker, file, THING_SECTOR, SECTORS, 0);
	sync_sectors(worker, file, THING_SECTOR, SECTORS);
	must(file_close(&file, O_RDWR));
	/* An empty version could not be told from another. */
	while (content_size(worker->next_version) == 0)
		worker->next_version++;
	worker_put(worker, THING_TWIN, false);
}
