/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/connection.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_SIZE 128
#define TEXT_SIZE 1024 /* longer than what is read of any file here */

/* The beginning of a file; empty where it is gone. */
static void
read_text(const char *path, char text[TEXT_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? 0 : read(fd, text, TEXT_SIZE - 1);

	text[got < 0 ? 0 : got] = '\0';
	if (fd >= 0)
		(void)close(fd);
}

/* The next name of the directory that is a number; false: there is none. */
static bool
next_number(DIR *dir, unsigned long *number)
{
	struct dirent *entry;
	char *end = NULL;

	while (dir && (entry = readdir(dir))) {
		*number = strtoul(entry->d_name, &end, 10);
		if (end != entry->d_name && *end == '\0')
			return true;
	}
	return false;
}

static void
end_numbers(DIR *dir)
{
	if (dir)
		(void)closedir(dir);
}

static bool
thread_holds(unsigned long pid, unsigned long tid, unsigned int connection)
{
	char wanted[64];
	char text[TEXT_SIZE];
	char path[PATH_SIZE];
	unsigned long fd;
	bool found = false;

	(void)snprintf(wanted, sizeof(wanted), "fuse_connection:\t%u\n",
		connection);
	(void)snprintf(path, sizeof(path), "/proc/%lu/task/%lu/fdinfo", pid,
		tid);
	DIR *dir = opendir(path);
	while (!found && next_number(dir, &fd)) {
		(void)snprintf(path, sizeof(path),
			"/proc/%lu/task/%lu/fdinfo/%lu", pid, tid, fd);
		read_text(path, text);
		found = strstr(text, wanted) != NULL;
	}
	end_numbers(dir);
	return found;
}

/* proc_pid_stat(5): the state follows the name, which may be anything. */
static bool
is_dead(unsigned long pid)
{
	char text[TEXT_SIZE];
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "/proc/%lu/stat", pid);
	read_text(path, text);
	const char *end = strrchr(text, ')');
	return end && strncmp(end, ") Z", 3) == 0;
}

/* A dead process itself holds nothing: threads of it may. */
static bool
threads_hold(unsigned long pid, unsigned int connection)
{
	char path[PATH_SIZE];
	unsigned long tid;
	bool found = false;

	(void)snprintf(path, sizeof(path), "/proc/%lu/task", pid);
	DIR *dir = opendir(path);
	while (!found && next_number(dir, &tid))
		found = thread_holds(pid, tid, connection);
	end_numbers(dir);
	return found;
}

bool
connection_is_left_by_dead(unsigned int number)
{
	unsigned long pid;
	bool found = false;
	DIR *dir = opendir("/proc");

	while (!found && next_number(dir, &pid))
		found = is_dead(pid) && threads_hold(pid, number);
	end_numbers(dir);
	return found;
}

bool
connection_abort(unsigned int number)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "/sys/fs/fuse/connections/%u/abort",
		number);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool is_done = write(fd, "1", 1) == 1;
	(void)close(fd);
	return is_done;
}
