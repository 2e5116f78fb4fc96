/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "store/audit_private.h"
#include "store/base/clock.h"
#include "store/base/io.h"
#include "store/base/log.h"
#include "store/base/owner.h"

static void
make_name(const struct audit_file *file, char *to, size_t size)
{
	int64_t now_ns = clock_now_ns();
	time_t seconds = (time_t)(now_ns / CLOCK_NS_PER_S);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(to, size,
		"audit-%04d%02d%02dT%02d%02d%02d.%03dZ-%s-%d-%llu.jsonl",
		tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		tm.tm_min, tm.tm_sec, (int)(now_ns / 1000000 % 1000),
		file->role, (int)getpid(), (unsigned long long)file->sequence);
}

/* Locked before anybody can take it for one that was left behind: it is empty
 * until then, and the empty ones are passed over. */
static enum store_err
begin(struct audit_file *file)
{
	char name[128];
	int fd;

	/* Another log of this process may have begun one in the same moment. */
	do {
		make_name(file, name, sizeof(name));
		fd = owner_openat(file->dir_fd, name, O_WRONLY | O_EXCL);
		file->sequence++;
	} while (fd < 0 && errno == EEXIST);
	if (fd < 0)
		return error_from_errno(errno);
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		(void)close(fd);
		return STORE_BUSY;
	}
	file->fd = fd;
	file->size = 0;
	file->began_ms = clock_monotonic_ms();
	return STORE_OK;
}

enum store_err
audit_file_append(struct audit_file *file, struct slice lines)
{
	enum store_err err = file->fd < 0 ? begin(file) : STORE_OK;

	if (err)
		return err;
	err = io_pwrite_all(file->fd, lines.data, lines.len, file->size);
	if (!err)
		file->size += lines.len;
	/* Half a line must not stay in front of the next try. */
	else if (ftruncate(file->fd, (off_t)file->size))
		log_error("audit: half a line stays: %s",
			error_sentence(error_from_errno(errno)));
	return err;
}

void
audit_file_complete(struct audit_file *file)
{
	if (file->fd < 0)
		return;
	if (fdatasync(file->fd) || fsync(file->dir_fd))
		log_error("audit: a file may not be durable: %s",
			error_sentence(error_from_errno(errno)));
	(void)close(file->fd);
	file->fd = -1;
}
