/* SPDX-License-Identifier: Apache-2.0 */
/* The mount of a process that was killed and cannot end: one of its threads
 * waits for a directory's lock, which is held by who waits for its answer. */
#include <dirent.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/connection.h"
#include "fs/mount_point.h"
#include "tests/fs/needs_mount.h"

static char mount_point[] = "/tmp/tarn-left-XXXXXX";
static struct fuse_session *session;

static void *
drop_name(void *arg)
{
	(void)fuse_lowlevel_notify_inval_entry(session, FUSE_ROOT_ID, "b", 1);
	return arg;
}

/* Never answered. */
static void
lookup(fuse_req_t request, fuse_ino_t parent, const char *name)
{
	pthread_t thread;

	(void)request;
	(void)parent;
	(void)name;
	(void)pthread_create(&thread, NULL, drop_name, NULL);
	for (;;)
		(void)pause();
}

static const struct fuse_lowlevel_ops ops = {.lookup = lookup};

static pid_t
serve(void)
{
	char *argv[] = {(char[]){"test"}, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int ready[2];
	char byte = 0;

	cr_assert(not(pipe(ready)));
	pid_t pid = fork();
	if (pid == 0) {
		session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
		if (!session || fuse_session_mount(session, mount_point) ||
			write(ready[1], "r", 1) != 1)
			_exit(1);
		_exit(fuse_session_loop(session));
	}
	(void)close(ready[1]);
	cr_assert(eq(i64, read(ready[0], &byte, 1), 1));
	(void)close(ready[0]);
	return pid;
}

static pid_t
ask(void)
{
	char path[64];
	pid_t pid = fork();

	if (pid == 0) {
		(void)snprintf(path, sizeof(path), "%s/a", mount_point);
		_exit(access(path, F_OK) ? 0 : 1);
	}
	return pid;
}

/* "4712 (name) D": a thread that the kernel does not let go. */
static bool
has_thread_in_kernel(pid_t pid)
{
	char path[512];
	char text[128];
	struct dirent *entry;
	bool found = false;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);
	cr_assert(ne(ptr, dir, NULL));
	while (!found && (entry = readdir(dir))) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", pid,
			entry->d_name);
		FILE *file = fopen(path, "re");
		found = file && fgets(text, sizeof(text), file) &&
			strstr(text, ") D");
		if (file)
			(void)fclose(file);
	}
	(void)closedir(dir);
	return found;
}

/* Linux 6.18 does. */
static bool
kernel_tells_connections(pid_t server)
{
	char command[64];

	(void)snprintf(command, sizeof(command),
		"grep -qs fuse_connection /proc/%d/fdinfo/*", server);
	return system(command) == 0;
}

Test(connection, what_a_dead_process_left_is_ended_by_the_next_mount)
{
	NEEDS_MOUNT();
	cr_assert(ne(ptr, mkdtemp(mount_point), NULL));
	pid_t server = serve();
	bool is_told = kernel_tells_connections(server);
	pid_t asker = ask();
	int status = -1;

	unsigned int connection = mount_point_connection(mount_point);
	cr_assert(ne(u32, connection, 0));
	while (!has_thread_in_kernel(server))
		sched_yield();
	cr_expect(not(connection_is_left_by_dead(connection)));
	cr_assert(not(kill(server, SIGKILL)));
	if (is_told)
		cr_expect(not(mount_point_prepare(mount_point)));
	else
		(void)umount2(mount_point, MNT_FORCE | MNT_DETACH);

	cr_assert(eq(int, waitpid(server, &status, 0), server));
	cr_assert(eq(int, waitpid(asker, &status, 0), asker));
	cr_expect(eq(int, status, 0));
	cr_expect(eq(u32, mount_point_connection(mount_point), 0));
	cr_expect(not(rmdir(mount_point)));
	if (!is_told)
		cr_skip_test("the kernel does not say whose connections are");
}
