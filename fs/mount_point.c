/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. Nothing here asks a file system in this process: the one behind a mount
 *    of FUSE may hang, and who asks it hangs with it, not to be killed.
 */
#include "fs/mount_point.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/connection.h"
#include "store/base/clock.h"
#include "store/base/log.h"

/* Whoever lives has answered by then. */
#define ANSWER_MS 5000
#define LOOK_NS 2000000

enum answer {
	ALIVE,
	DEAD,
	STUCK,
};

/* argv as execvp(3) has it; its output goes nowhere.  -1: not started. */
static pid_t
start(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions))
		return -1;
	int failed = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO,
		"/dev/null", O_WRONLY, 0);
	if (!failed)
		failed = posix_spawn_file_actions_adddup2(&actions,
			STDOUT_FILENO, STDERR_FILENO);
	if (!failed)
		failed = posix_spawnp(&pid, argv[0], &actions, NULL, argv,
			environ);
	posix_spawn_file_actions_destroy(&actions);
	return failed ? -1 : pid;
}

/* Asks what is mounted there; another process does, which may hang. */
static pid_t
start_asking(const char *path)
{
	char *const argv[] = {
		(char *)"stat", (char *)"-f", (char *)"--", (char *)path, NULL};

	return start(argv);
}

static enum answer
ask(const char *path)
{
	int64_t deadline_ms = clock_monotonic_ms() + ANSWER_MS;
	pid_t pid = start_asking(path);
	int status = 0;

	while (pid > 0 && clock_monotonic_ms() < deadline_ms) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return WIFEXITED(status) && !WEXITSTATUS(status) ? ALIVE
									 : DEAD;
		(void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
	}
	if (pid > 0)
		(void)kill(pid, SIGKILL);
	return STUCK;
}

/* Only root may detach by itself. */
static bool
detach_by_fusermount(const char *path)
{
	char *const argv[] = {(char *)"fusermount3", (char *)"-u", (char *)"-z",
		(char *)"--", (char *)path, NULL};
	pid_t pid = start(argv);
	int status = 0;

	if (pid < 0)
		return false;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The type of a line of /proc/self/mountinfo: proc(5), the word after " - ". */
static bool
is_fuse_line(const char *line)
{
	const char *type = strstr(line, " - fuse");

	return type && strchr(" .b", type[strlen(" - fuse")]);
}

/* Whether the mount of that number is one of FUSE. */
static bool
is_fuse(unsigned long long number)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	while (mounts && !found && getline(&line, &room, mounts) > 0)
		found = strtoull(line, NULL, 10) == number &&
			is_fuse_line(line);
	free(line);
	if (mounts)
		(void)fclose(mounts);
	return found;
}

/* Whether the directory is the top of a mount of FUSE, and the number of its
 * connection; or the errno. */
static int
look_at(const char *path, bool *is_mounted, unsigned int *connection)
{
	struct statx info;
	int dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	*is_mounted = false;
	*connection = 0;
	if (dir < 0)
		return errno;
	int failed = statx(dir, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC,
			     STATX_MNT_ID, &info)
			     ? errno
			     : 0;

	(void)close(dir);
	if (failed)
		return failed;
	if (info.stx_attributes & STATX_ATTR_MOUNT_ROOT)
		*is_mounted = is_fuse(info.stx_mnt_id);
	*connection = info.stx_dev_minor;
	return 0;
}

static enum store_err
detach_dead(const char *path)
{
	log_info("mount: detaching the dead mount at %s", path);
	if (!umount2(path, MNT_DETACH) || detach_by_fusermount(path))
		return STORE_OK;
	log_error("mount: cannot detach the dead mount at %s", path);
	return STORE_BUSY;
}

/* Nobody would ever answer who waits for it. */
static bool
end_left(const char *path, unsigned int connection)
{
	if (!connection_is_left_by_dead(connection))
		return false;
	log_info("mount: the process of the mount at %s is dead, but hangs on",
		path);
	return connection_abort(connection) || !umount2(path, MNT_FORCE) ||
	       errno == EBUSY;
}

enum store_err
mount_point_prepare(const char *path)
{
	unsigned int connection;
	bool is_mounted;
	int failed = look_at(path, &is_mounted, &connection);
	enum store_err err;

	if (failed == ENOTDIR) {
		log_error("mount: %s is not a directory", path);
		return STORE_NOT_DIR;
	}
	if (failed == ENOENT) {
		log_error("mount: there is no directory %s; make it first",
			path);
		return STORE_NOT_FOUND;
	}
	if (failed) {
		log_error("mount: %s: %s", path,
			error_sentence(error_from_errno(failed)));
		return error_from_errno(failed);
	}
	if (!is_mounted)
		return STORE_OK;
	enum answer answer = ask(path);
	if (answer == STUCK && end_left(path, connection))
		answer = DEAD;
	switch (answer) {
	case DEAD:
		err = detach_dead(path);
		return err ? err : mount_point_prepare(path); /* below it */
	case STUCK:
		log_error("mount: what is mounted at %s does not answer; end "
			  "its process",
			path);
		return STORE_BUSY;
	case ALIVE:
		break;
	}
	log_error("mount: something is mounted at %s already", path);
	return STORE_BUSY;
}

unsigned int
mount_point_connection(const char *path)
{
	unsigned int connection;
	bool is_mounted;
	int failed = look_at(path, &is_mounted, &connection);

	return !failed && is_mounted ? connection : 0;
}

void
mount_point_abort(const char *path, unsigned int connection)
{
	/* Somebody may have detached it and mounted something else there. */
	bool is_there =
		!connection || mount_point_connection(path) == connection;

	if (is_there && !umount2(path, MNT_FORCE | MNT_DETACH))
		return;
	if (is_there && errno == EPERM && !detach_by_fusermount(path))
		log_warn("mount: cannot unmount %s", path);
	/* Who is still in it waits for answers. */
	if (connection)
		(void)connection_abort(connection);
}
