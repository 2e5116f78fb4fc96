/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/mount_point.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/log.h"

#ifndef FUSE_SUPER_MAGIC
#define FUSE_SUPER_MAGIC 0x65735546
#endif

/* argv as execvp(3) has it. */
static bool
run(char *const argv[], bool waits)
{
	posix_spawn_file_actions_t actions;
	int status = 0;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions))
		return false;
	int failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
		"/dev/null", O_WRONLY, 0);
	if (!failed)
		failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv,
			environ);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return false;
	while (waits && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Only root may detach by itself. */
static bool
detach_by_fusermount(const char *path)
{
	char *const argv[] = {(char *)"fusermount3", (char *)"-u", (char *)"-z",
		(char *)"--", (char *)path, NULL};

	return run(argv, true);
}

/* True where the path is the top of a mount of FUSE. */
static bool
is_fuse_mount(const char *path, const struct stat *stat)
{
	struct statfs info;
	struct stat above;
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return false;
	bool is_top = !fstatat(dir, "..", &above, 0) &&
		      (above.st_dev != stat->st_dev);
	bool is_fuse = !fstatfs(dir, &info) &&
		       (unsigned long)info.f_type == FUSE_SUPER_MAGIC;
	(void)close(dir);
	return is_top && is_fuse;
}

/* stat(2) may be answered from what the kernel remembers of a dead mount;
 * statfs(2) always asks. */
static int
look_at(const char *path, struct stat *info)
{
	struct statfs space;

	if (stat(path, info) || statfs(path, &space))
		return errno;
	return 0;
}

enum store_err
mount_point_prepare(const char *path)
{
	struct stat info;
	int failed = look_at(path, &info);

	if (failed == ENOTCONN) {
		log_info("mount: detaching the dead mount at %s", path);
		if (umount2(path, MNT_DETACH) && !detach_by_fusermount(path)) {
			log_error("mount: cannot detach the dead mount at %s",
				path);
			return STORE_BUSY;
		}
		failed = look_at(path, &info);
	}
	if (failed) {
		log_error("mount: %s: %s", path,
			error_sentence(error_from_errno(failed)));
		return error_from_errno(failed);
	}
	if (!S_ISDIR(info.st_mode)) {
		log_error("mount: %s is not a directory", path);
		return STORE_NOT_DIR;
	}
	if (is_fuse_mount(path, &info)) {
		log_error("mount: something is mounted at %s already", path);
		return STORE_BUSY;
	}
	return STORE_OK;
}

void
mount_point_abort(const char *path)
{
	char *const look[] = {
		(char *)"stat", (char *)"-f", (char *)"--", (char *)path, NULL};

	if (!umount2(path, MNT_FORCE | MNT_DETACH) || errno != EPERM)
		return; /* or somebody was faster */
	/* A request that wakes the loop; it may never be answered, so another
	 * process makes it. */
	(void)run(look, false);
	if (!detach_by_fusermount(path))
		log_warn("mount: cannot unmount %s", path);
}
