/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/crash/disk.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512
#define FILES (1u << 16)

/* Records that are not flushed, in the order of the log. */
struct waiting {
	const struct shim_record **items;
	size_t count;
	size_t room;
};

struct image {
	char *bytes;
	size_t len;
	size_t room;
};

struct file {
	uint64_t id;
	char *dir;     /* the name, where it is a directory */
	char *made_at; /* by the cut, the first of its names */
	struct image durable;
	struct waiting waiting;
};

struct name {
	char *path;
	struct file *file;
};

struct names {
	struct name *items;
	size_t count;
	size_t room;
};

struct disk {
	const char *log;
	size_t log_len;
	uint64_t at;
	uint64_t end;
	uint64_t steps_left;
	bool has_base;
	struct file *files[FILES]; /* by id, the newest of that id */
	struct names durable;
	struct waiting names; /* made, removed, renamed */
};

uint64_t
disk_draw(uint64_t *random, uint64_t below)
{
	uint64_t x = (*random += 0x9e3779b97f4a7c15u);

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return (x ^ x >> 31) % below;
}

static void *
grow(void *items, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return items;
	*room = *room ? 2 * *room : 16;
	items = reallocarray(items, *room, size);
	assert(items);
	return items;
}

static void
wait_for_flush(struct waiting *waiting, const struct shim_record *record)
{
	waiting->items = grow(waiting->items, waiting->count, &waiting->room,
		sizeof(*waiting->items));
	waiting->items[waiting->count++] = record;
}

static const char *
payload_of(const struct shim_record *record)
{
	return (const char *)(record + 1);
}

static uint64_t
place_of(const struct disk *disk, const struct shim_record *record)
{
	return (uint64_t)((const char *)record - disk->log);
}

/* --- bytes -----------------------------------------------------------------
 */

static void
image_reserve(struct image *image, size_t len)
{
	if (len <= image->room)
		return;
	image->room = len < 4096 ? 4096 : 2 * len;
	image->bytes = realloc(image->bytes, image->room);
	assert(image->bytes);
}

static void
image_resize(struct image *image, size_t len)
{
	image_reserve(image, len);
	if (len > image->len)
		memset(image->bytes + image->len, 0, len - image->len);
	image->len = len;
}

/* One sector of a write at most. */
static void
image_write(struct image *image, uint64_t offset, const char *from, size_t len)
{
	if (offset + len > image->len)
		image_resize(image, offset + len);
	memcpy(image->bytes + offset, from, len);
}

static void
image_apply(struct image *image, const struct shim_record *record)
{
	if (record->kind == SHIM_SIZE)
		image_resize(image, record->offset);
	else
		image_write(image, record->offset, payload_of(record),
			record->len);
}

static struct file *
find_file(struct disk *disk, uint64_t id)
{
	for (size_t i = id * 0x9e3779b97f4a7c15u >> 48;; i++) {
		struct file *file = disk->files[i % FILES];

		if (!file || file->id == id)
			return file;
	}
}

/* Makes one, in the place of an earlier one of that id. */
static struct file *
add_file(struct disk *disk, uint64_t id)
{
	struct file *file = calloc(1, sizeof(*file));
	size_t i = id * 0x9e3779b97f4a7c15u >> 48;

	assert(file);
	file->id = id;
	while (disk->files[i % FILES] && disk->files[i % FILES]->id != id)
		i++;
	disk->files[i % FILES] = file;
	return file;
}

/* Rule 1. */
static void
flush_file(struct disk *disk, struct file *file, uint64_t begun)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->waiting.count; i++) {
		const struct shim_record *record = file->waiting.items[i];

		if (place_of(disk, record) < begun)
			image_apply(&file->durable, record);
		else
			file->waiting.items[kept++] = record;
	}
	file->waiting.count = kept;
}

/* --- names -----------------------------------------------------------------
 */

static struct name *
find_name(const struct names *names, const char *path, size_t len)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *found = names->items[i].path;

		if (strncmp(found, path, len) == 0 && found[len] == '\0')
			return &names->items[i];
	}
	return NULL;
}

static void
put_name(struct names *names, const char *path, size_t len, struct file *file)
{
	struct name *name = find_name(names, path, len);

	if (!name) {
		names->items = grow(names->items, names->count, &names->room,
			sizeof(*names->items));
		name = &names->items[names->count++];
		name->path = strndup(path, len);
		assert(name->path);
	}
	name->file = file;
}

static void
drop_name(struct names *names, struct name *name)
{
	free(name->path);
	*name = names->items[--names->count];
}

static void
names_apply(struct disk *disk, struct names *names,
	const struct shim_record *record)
{
	const char *path = payload_of(record);
	size_t len = strnlen(path, record->len);
	struct name *name;

	switch ((enum shim_kind)record->kind) {
	case SHIM_FILE:
	case SHIM_DIR:
	case SHIM_LINK:
		put_name(names, path, len, find_file(disk, record->file));
		return;
	case SHIM_REMOVE:
		name = find_name(names, path, len);
		if (name)
			drop_name(names, name);
		return;
	case SHIM_RENAME:
		name = find_name(names, path, len);
		if (!name)
			return;
		struct file *file = name->file;
		drop_name(names, name);
		put_name(names, path + len + 1, record->len - len - 1, file);
		return;
	case SHIM_WRITE:
	case SHIM_SIZE:
	case SHIM_FLUSH:
	case SHIM_FLUSH_DIR:
	case SHIM_FLUSH_ALL:
	case SHIM_BASE:
	case SHIM_NOTE:
		break;
	}
	assert(!"a record of a name");
}

static bool
is_in_dir(const struct shim_record *record, const char *dir)
{
	const char *path = payload_of(record);
	const char *slash = memrchr(path, '/', strnlen(path, record->len));
	size_t len = slash ? (size_t)(slash - path) : 0;

	return strlen(dir) == len && memcmp(dir, path, len) == 0;
}

/* Rule 2; dir NULL: of all directories. */
static void
flush_names(struct disk *disk, const char *dir, uint64_t begun)
{
	size_t kept = 0;

	for (size_t i = 0; i < disk->names.count; i++) {
		const struct shim_record *record = disk->names.items[i];

		if (place_of(disk, record) < begun &&
			(!dir || is_in_dir(record, dir)))
			names_apply(disk, &disk->durable, record);
		else
			disk->names.items[kept++] = record;
	}
	disk->names.count = kept;
}

static void
flush_all(struct disk *disk, uint64_t begun)
{
	flush_names(disk, NULL, begun);
	for (size_t i = 0; i < FILES; i++) {
		if (disk->files[i])
			flush_file(disk, disk->files[i], begun);
	}
}

/* --- the log ---------------------------------------------------------------
 */

static void
happen(struct disk *disk, const struct shim_record *record)
{
	struct file *file = find_file(disk, record->file);

	switch ((enum shim_kind)record->kind) {
	case SHIM_WRITE:
	case SHIM_SIZE:
		assert(file);
		wait_for_flush(&file->waiting, record);
		return;
	case SHIM_FILE:
	case SHIM_DIR:
		/* Before the base: another link to one that was listed. */
		if (!file || disk->has_base)
			file = add_file(disk, record->file);
		if (record->kind == SHIM_DIR)
			file->dir = strndup(payload_of(record), record->len);
		wait_for_flush(&disk->names, record);
		return;
	case SHIM_REMOVE:
	case SHIM_RENAME:
	case SHIM_LINK:
		wait_for_flush(&disk->names, record);
		return;
	case SHIM_FLUSH:
		if (file)
			flush_file(disk, file, record->begun);
		return;
	case SHIM_FLUSH_DIR:
		if (file)
			flush_names(disk, file->dir, record->begun);
		return;
	case SHIM_BASE:
		disk->has_base = true;
		flush_all(disk, UINT64_MAX);
		return;
	case SHIM_FLUSH_ALL:
		flush_all(disk, record->begun);
		return;
	case SHIM_NOTE:
		return;
	}
	assert(!"a record of a known kind");
}

static const struct shim_record *
next_record(struct disk *disk)
{
	const struct shim_record *record;

	if (disk->at == disk->end)
		return NULL;
	record = (const struct shim_record *)(disk->log + disk->at);
	disk->at += sizeof(*record) + ((uint64_t)record->len + 7) / 8 * 8;
	return record;
}

const struct shim_record *
disk_step(struct disk *disk)
{
	const struct shim_record *record = next_record(disk);

	if (record) {
		happen(disk, record);
		disk->steps_left--;
	}
	return record;
}

uint64_t
disk_steps_left(const struct disk *disk)
{
	return disk->steps_left;
}

struct disk *
disk_open(const char *log_path)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	const struct shim_record *record;
	struct shim_head head;
	int fd = open(log_path, O_RDONLY | O_CLOEXEC);
	ssize_t got = read(fd, &head, sizeof(head));

	assert(disk && got == sizeof(head));
	disk->log_len = head.end;
	disk->log = mmap(NULL, head.end, PROT_READ, MAP_SHARED, fd, 0);
	assert(disk->log != MAP_FAILED);
	close(fd);
	disk->at = head.start;
	disk->end = head.end;
	while (next_record(disk))
		disk->steps_left++;
	disk->at = head.start;
	do
		record = disk_step(disk);
	while (record->kind != SHIM_BASE);
	return disk;
}

static void
free_file(struct file *file)
{
	free(file->dir);
	free(file->made_at);
	free(file->durable.bytes);
	free(file->waiting.items);
	free(file);
}

/* Files whose ids were used again stay until the process ends. */
void
disk_close(struct disk **ptr)
{
	struct disk *disk = *ptr;

	*ptr = NULL;
	for (size_t i = 0; i < FILES; i++) {
		if (disk->files[i])
			free_file(disk->files[i]);
	}
	while (disk->durable.count)
		drop_name(&disk->durable, &disk->durable.items[0]);
	free(disk->durable.items);
	free(disk->names.items);
	munmap((void *)(uintptr_t)disk->log, disk->log_len);
	free(disk);
}

/* --- the cut ---------------------------------------------------------------
 */

struct cut {
	struct disk *disk;
	enum disk_cut kind;
	uint64_t random;
	uint64_t moment; /* DISK_CUT_ORDERED: what is kept lies below */
	uint64_t odds;	 /* of 16: that a thing is kept */
	const char *to;
	struct image image; /* of the file that is being made */
};

static bool
is_kept(struct cut *cut, const struct shim_record *record)
{
	switch (cut->kind) {
	case DISK_CUT_LOST:
		return false;
	case DISK_CUT_KEPT:
		return true;
	case DISK_CUT_ORDERED:
		return place_of(cut->disk, record) < cut->moment;
	case DISK_CUT_WHOLE:
	case DISK_CUT_TORN:
	case DISK_CUTS:
		break;
	}
	return disk_draw(&cut->random, 16) < cut->odds;
}

/* Rule 3: each sector for itself. */
static void
apply_torn(struct cut *cut, struct image *image,
	const struct shim_record *record)
{
	uint64_t at = record->offset;
	uint64_t end = at + record->len;

	while (at < end) {
		uint64_t next = at / SECTOR * SECTOR + SECTOR;

		next = next < end ? next : end;
		if (is_kept(cut, record))
			image_write(image, at,
				payload_of(record) + (at - record->offset),
				next - at);
		at = next;
	}
}

/* In the room of the one before. */
static void
image_after(struct cut *cut, const struct file *file)
{
	struct image *image = &cut->image;

	image_reserve(image, file->durable.len);
	image->len = file->durable.len;
	if (image->len)
		memcpy(image->bytes, file->durable.bytes, image->len);
	for (size_t i = 0; i < file->waiting.count; i++) {
		const struct shim_record *record = file->waiting.items[i];

		if (cut->kind == DISK_CUT_TORN && record->kind == SHIM_WRITE)
			apply_torn(cut, image, record);
		else if (is_kept(cut, record))
			image_apply(image, record);
	}
}

/* Rule 5. */
static void
spoil(struct cut *cut, struct image *image)
{
	if (disk_draw(&cut->random, 2))
		return;
	for (size_t i = 0; i < image->len; i++)
		image->bytes[i] = (char)disk_draw(&cut->random, 256);
}

static void
write_image(const char *path, const struct image *image)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t put = write(fd, image->bytes, image->len);

	assert(fd >= 0 && put == (ssize_t)image->len);
	close(fd);
}

static void
make_file(struct cut *cut, const struct name *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", cut->to, name->path);
	if (name->file->made_at) {
		/* Rule 4; its directory may be lost. */
		(void)!link(name->file->made_at, path);
		return;
	}
	image_after(cut, name->file);
	if (strcmp(name->path, "meta/lock.mdb") == 0 ||
		strcmp(name->path, "run/shared") == 0)
		spoil(cut, &cut->image);
	/* Its directory may be lost, and all in it. */
	char *slash = strrchr(path, '/');
	*slash = '\0';
	bool has_dir = stat(path, &st) == 0;
	*slash = '/';
	if (!has_dir)
		return;
	write_image(path, &cut->image);
	name->file->made_at = strdup(path);
	assert(name->file->made_at);
}

static int
compare_names(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;

	return strcmp(x->path, y->path);
}

static struct names
names_after(struct cut *cut)
{
	const struct names *durable = &cut->disk->durable;
	const struct waiting *waiting = &cut->disk->names;
	struct names names = {0};

	for (size_t i = 0; i < durable->count; i++)
		put_name(&names, durable->items[i].path,
			strlen(durable->items[i].path), durable->items[i].file);
	for (size_t i = 0; i < waiting->count; i++) {
		if (is_kept(cut, waiting->items[i]))
			names_apply(cut->disk, &names, waiting->items[i]);
	}
	/* A directory comes before what is in it. */
	qsort(names.items, names.count, sizeof(*names.items), compare_names);
	return names;
}

void
disk_cut(struct disk *disk, enum disk_cut kind, uint64_t seed, const char *to)
{
	struct cut cut = {.disk = disk, .kind = kind, .random = seed, .to = to};
	char path[PATH_MAX];

	cut.odds = 1 + disk_draw(&cut.random, 15);
	/* Not long ago: older ones have mostly been flushed. */
	cut.moment = disk->at - disk_draw(&cut.random, 1 + disk->at / 16);
	struct names names = names_after(&cut);
	for (size_t i = 0; i < names.count; i++) {
		const struct name *name = &names.items[i];

		snprintf(path, sizeof(path), "%s/%s", to, name->path);
		if (!name->file->dir)
			make_file(&cut, name);
		else if (mkdir(path, 0700) && name->path[0])
			continue; /* the one above is lost */
	}
	while (names.count)
		drop_name(&names, &names.items[0]);
	free(names.items);
	free(cut.image.bytes);
}
