/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fsx DIR OPERATIONS SEED [COMPARE_EACH]: random operations on a few files
 * below DIR, each also done to a model in memory; whatever is read must be
 * what the model says.
 *
 * After every COMPARE_EACH operations all files are closed, and for each a line
 * "compare NAME SIZE SUM" is printed, SUM being the CRC-32 (zlib's) of its
 * bytes; whoever started us answers with a line, "same" or another one.  The
 * last line is "N passed, N failed".
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/base/compiler.h"
#include "store/base/digest.h"

#define FILES 4
#define OPENS 2
#define SIZE_MAX_FILE (640 * 1024) /* on both sides of passthrough's limit */
#define LENGTH_MAX (96 * 1024)
#define PAGE 4096
#define LOG_LINES 60

struct file {
	char name[16];
	int fds[OPENS]; /* -1: not open */
	uint8_t *bytes; /* the model */
	size_t size;
};

static struct file files[FILES];
static uint8_t buffer[LENGTH_MAX];
static uint64_t state;
static char last[LOG_LINES][160];
static unsigned long step;

/* xorshift64 */
static uint64_t
random_below(uint64_t limit)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % limit;
}

static void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *format, ...)
{
	char *line = last[step % LOG_LINES];
	va_list args;
	int len = snprintf(line, sizeof(last[0]), "%lu: ", step);

	va_start(args, format);
	vsnprintf(line + len, sizeof(last[0]) - (size_t)len, format, args);
	va_end(args);
}

_Noreturn static void
fail(const char *what)
{
	int number = errno;

	for (unsigned long i = step > LOG_LINES ? step - LOG_LINES + 1 : 0;
		i <= step; i++)
		printf("# %s\n", last[i % LOG_LINES]);
	printf("# %s: %s\n0 passed, 1 failed\n", what, strerror(number));
	exit(1);
}

static int
fd_of(struct file *file)
{
	size_t i = random_below(OPENS);

	if (file->fds[i] < 0)
		file->fds[i] =
			open(file->name, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (file->fds[i] < 0)
		fail("open");
	return file->fds[i];
}

static void
fill(size_t len)
{
	uint8_t seed = (uint8_t)random_below(256);

	for (size_t i = 0; i < len; i++)
		buffer[i] = (uint8_t)(seed + i * 13 + (i >> 8));
}

/* The model's size grows, with zeros. */
static void
extend(struct file *file, size_t size)
{
	if (size <= file->size)
		return;
	memset(file->bytes + file->size, 0, size - file->size);
	file->size = size;
}

static void
range(size_t limit, size_t *offset, size_t *len)
{
	*offset = random_below(limit);
	*len = 1 + random_below(LENGTH_MAX - 1);
	if (random_below(4) == 0)
		*offset -= *offset % PAGE;
	if (*len > limit - *offset)
		*len = limit - *offset;
}

static void
compare_bytes(const struct file *file, const uint8_t *got, size_t offset,
	size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (got[i] == file->bytes[offset + i])
			continue;
		printf("# %s: byte %zu of %zu is %02x, not %02x\n", file->name,
			offset + i, file->size, got[i],
			file->bytes[offset + i]);
		errno = 0;
		fail("other bytes");
	}
}

static void
do_read(struct file *file)
{
	size_t offset, len;

	range(SIZE_MAX_FILE, &offset, &len);
	note("read %s %zu+%zu", file->name, offset, len);
	ssize_t got = pread(fd_of(file), buffer, len, (off_t)offset);
	size_t there = offset < file->size ? file->size - offset : 0;
	if (got != (ssize_t)(len < there ? len : there))
		fail("read: another length");
	compare_bytes(file, buffer, offset, (size_t)got);
}

static void
do_write(struct file *file)
{
	size_t offset, len;

	range(SIZE_MAX_FILE, &offset, &len);
	note("write %s %zu+%zu", file->name, offset, len);
	fill(len);
	if (pwrite(fd_of(file), buffer, len, (off_t)offset) != (ssize_t)len)
		fail("write");
	extend(file, offset + len);
	memcpy(file->bytes + offset, buffer, len);
}

static void
do_append(struct file *file)
{
	size_t len = 1 + random_below(5000);

	if (file->size + len > SIZE_MAX_FILE)
		return;
	note("append %s %zu+%zu", file->name, file->size, len);
	fill(len);
	int fd = open(file->name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
		0644);
	if (fd < 0 || write(fd, buffer, len) != (ssize_t)len || close(fd))
		fail("append");
	size_t at = file->size;
	extend(file, at + len);
	memcpy(file->bytes + at, buffer, len);
}

static void
do_map(struct file *file, bool writes)
{
	size_t offset, len;

	if (file->size == 0)
		return;
	range(file->size, &offset, &len);
	note("map to %s %s %zu+%zu", writes ? "write" : "read", file->name,
		offset, len);
	size_t skip = offset % PAGE;
	uint8_t *map = mmap(NULL, len + skip,
		writes ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED,
		fd_of(file), (off_t)(offset - skip));
	if (map == MAP_FAILED)
		fail("mmap");
	if (writes) {
		fill(len);
		memcpy(map + skip, buffer, len);
		memcpy(file->bytes + offset, buffer, len);
	}
	compare_bytes(file, map + skip, offset, len);
	(void)munmap(map, len + skip);
}

static void
do_truncate(struct file *file)
{
	size_t size = random_below(SIZE_MAX_FILE);
	bool by_name = random_below(2) && file->size > 0;

	note("truncate %s from %zu to %zu%s", file->name, file->size, size,
		by_name ? " by name" : "");
	if (by_name ? truncate(file->name, (off_t)size)
		    : ftruncate(fd_of(file), (off_t)size))
		fail("truncate");
	extend(file, size);
	file->size = size;
}

static void
do_allocate(struct file *file)
{
	static const struct {
		const char *name;
		int mode;
		bool extends, clears;
	} ways[] = {
		{"allocate", 0, true, false},
		{"keep", FALLOC_FL_KEEP_SIZE, false, false},
		{"punch", FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, false,
			true},
		{"zero", FALLOC_FL_ZERO_RANGE, true, true},
		{"zero, keep", FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE,
			false, true},
	};
	size_t way = random_below(array_len(ways));
	size_t offset, len;

	range(SIZE_MAX_FILE, &offset, &len);
	note("%s %s %zu+%zu", ways[way].name, file->name, offset, len);
	if (fallocate(fd_of(file), ways[way].mode, (off_t)offset, (off_t)len))
		fail("fallocate");
	if (ways[way].extends)
		extend(file, offset + len);
	if (ways[way].clears && offset < file->size)
		memset(file->bytes + offset, 0,
			offset + len < file->size ? len : file->size - offset);
}

static void
do_copy(struct file *from, struct file *to)
{
	size_t from_at, len;

	if (from->size == 0)
		return;
	range(from->size, &from_at, &len);
	size_t to_at = random_below(SIZE_MAX_FILE - len + 1);
	if (from == to && from_at < to_at + len && to_at < from_at + len)
		return;
	note("copy %s %zu+%zu to %s %zu", from->name, from_at, len, to->name,
		to_at);
	off_t in = (off_t)from_at, out = (off_t)to_at;
	if (copy_file_range(fd_of(from), &in, fd_of(to), &out, len, 0) !=
		(ssize_t)len)
		fail("copy_file_range");
	extend(to, to_at + len);
	memmove(to->bytes + to_at, from->bytes + from_at, len);
}

static void
close_all(struct file *file)
{
	for (size_t i = 0; i < OPENS; i++) {
		if (file->fds[i] >= 0 && close(file->fds[i]))
			fail("close");
		file->fds[i] = -1;
	}
}

static void
do_close(struct file *file)
{
	size_t i = random_below(OPENS);

	note("close %s", file->name);
	if (file->fds[i] >= 0 && close(file->fds[i]))
		fail("close");
	file->fds[i] = -1;
}

static void
do_sync(struct file *file)
{
	bool is_data_only = random_below(2);

	note("sync %s%s", file->name, is_data_only ? ", data only" : "");
	int fd = fd_of(file);
	if (is_data_only ? fdatasync(fd) : fsync(fd))
		fail("sync");
}

/* As a shell's >: the file may be open elsewhere. */
static void
do_rewrite(struct file *file)
{
	size_t len = random_below(LENGTH_MAX);

	note("rewrite %s %zu", file->name, len);
	fill(len);
	int fd = open(file->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		0644);
	if (fd < 0 || write(fd, buffer, len) != (ssize_t)len || close(fd))
		fail("rewrite");
	file->size = len;
	memcpy(file->bytes, buffer, len);
}

/* Two files change their names; who has them open keeps them. */
static void
do_exchange(struct file *a, struct file *b)
{
	char name[sizeof(a->name)];

	if (a == b)
		return;
	note("exchange %s and %s", a->name, b->name);
	(void)fd_of(a);
	(void)fd_of(b);
	if (renameat2(AT_FDCWD, a->name, AT_FDCWD, b->name, RENAME_EXCHANGE))
		fail("renameat2");
	memcpy(name, a->name, sizeof(name));
	memcpy(a->name, b->name, sizeof(name));
	memcpy(b->name, name, sizeof(name));
}

/* The new file takes the name of the old one, which is open and read from. */
static void
do_replace(struct file *file)
{
	size_t len = random_below(LENGTH_MAX);

	note("replace %s by %zu new bytes", file->name, len);
	int old = fd_of(file);
	int fd = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	fill(len);
	if (fd < 0 || write(fd, buffer, len) != (ssize_t)len || close(fd) ||
		rename("new", file->name))
		fail("rename");
	size_t first = file->size < PAGE ? file->size : PAGE;
	uint8_t got[PAGE];
	if (pread(old, got, PAGE, 0) != (ssize_t)first)
		fail("read of what was replaced");
	compare_bytes(file, got, 0, first);
	close_all(file);
	file->size = len;
	memcpy(file->bytes, buffer, len);
}

static void
do_something(void)
{
	struct file *file = &files[random_below(FILES)];
	struct stat info;

	switch (random_below(32)) {
	case 0 ... 6:
		do_read(file);
		break;
	case 7 ... 12:
		do_write(file);
		break;
	case 13 ... 14:
		do_map(file, false);
		break;
	case 15 ... 17:
		do_map(file, true);
		break;
	case 18 ... 19:
		do_truncate(file);
		break;
	case 20 ... 21:
		do_allocate(file);
		break;
	case 22 ... 23:
		do_copy(file, &files[random_below(FILES)]);
		break;
	case 24 ... 26:
		do_close(file);
		break;
	case 27:
		do_append(file);
		break;
	case 28:
		do_rewrite(file);
		break;
	case 29:
		do_exchange(file, &files[random_below(FILES)]);
		break;
	case 30:
		do_replace(file);
		break;
	default:
		if (random_below(8) == 0)
			do_sync(file);
	}
	if (random_below(4))
		return;
	(void)fd_of(file);
	if (stat(file->name, &info) || (size_t)info.st_size != file->size)
		fail("stat: another size");
}

static void
compare_elsewhere(void)
{
	char answer[64];

	for (size_t i = 0; i < FILES; i++) {
		uint8_t sum[DIGEST_LEN_MAX];

		(void)fd_of(&files[i]);
		close_all(&files[i]);
		digest_of(DIGEST_CRC32,
			slice_of((const char *)files[i].bytes, files[i].size),
			sum);
		printf("compare %s %zu %02x%02x%02x%02x\n", files[i].name,
			files[i].size, sum[0], sum[1], sum[2], sum[3]);
		fflush(stdout);
		errno = 0;
		if (!fgets(answer, sizeof(answer), stdin) ||
			strcmp(answer, "same\n"))
			fail("other bytes elsewhere");
	}
}

int
main(int argc, char **argv)
{
	if (argc < 4 || chdir(argv[1])) {
		fprintf(stderr, "usage: fsx DIR OPERATIONS SEED "
				"[COMPARE_EACH]\n");
		return 2;
	}
	unsigned long steps = strtoul(argv[2], NULL, 10);
	unsigned long each = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;

	state = strtoull(argv[3], NULL, 10) * 2 + 1;
	for (size_t i = 0; i < FILES; i++) {
		snprintf(files[i].name, sizeof(files[i].name), "f%zu", i);
		files[i].bytes = calloc(1, SIZE_MAX_FILE);
		for (size_t j = 0; j < OPENS; j++)
			files[i].fds[j] = -1;
		(void)fd_of(&files[i]);
	}
	for (step = 0; step < steps; step++) {
		do_something();
		if (each && step % each == each - 1)
			compare_elsewhere();
	}
	for (size_t i = 0; i < FILES; i++) {
		close_all(&files[i]);
		free(files[i].bytes);
	}
	printf("1 passed, 0 failed\n");
	return 0;
}
