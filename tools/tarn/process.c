/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/process.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/log.h"
#include "tools/tarn/command.h"

/* In the background child: where the waiting parent listens; else -1. */
static int ready_fd = -1;

void
process_log_options(const struct args_command *command, const char *level,
	const char *format)
{
	enum log_level parsed;
	bool is_json = !strcmp(format, "json");

	if (!log_level_from_name(level, &parsed))
		args_refuse(command, "%s is not a log level", level);
	if (!is_json && strcmp(format, "text"))
		args_refuse(command, "--log-format takes text or json");
	log_setup(parsed, is_json ? LOG_JSON : LOG_TEXT);
}

static _Noreturn void
wait_for_child(pid_t child, int from)
{
	char byte;

	/* The child's end closes without a byte when the child dies. */
	if (read(from, &byte, 1) == 1)
		exit(COMMAND_OK);

	int status = 0;

	if (waitpid(child, &status, 0) == child && WIFEXITED(status) &&
		WEXITSTATUS(status))
		exit(WEXITSTATUS(status));
	exit(COMMAND_FAILED);
}

void
process_begin(bool is_background)
{
	int ends[2];

	if (!is_background)
		return;
	if (pipe2(ends, O_CLOEXEC)) {
		perror("tarn: pipe");
		exit(COMMAND_FAILED);
	}
	fflush(stdout);
	pid_t child = fork();

	if (child < 0) {
		perror("tarn: fork");
		exit(COMMAND_FAILED);
	}
	if (child > 0) {
		close(ends[1]);
		wait_for_child(child, ends[0]);
	}
	close(ends[0]);
	ready_fd = ends[1];
	(void)setsid();
}

static void
tell_systemd(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!path || !*path || strlen(path) >= sizeof(address.sun_path))
		return;
	size_t len = strlen(path);

	memcpy(address.sun_path, path, len);
	if (address.sun_path[0] == '@')
		address.sun_path[0] = '\0';

	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	socklen_t size =
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		    (struct sockaddr *)&address, size) < 0)
		log_warn("cannot notify systemd");
	close(fd);
}

/* Whoever reads our output from a terminal or a pipe is not to wait for us
 * any more; a file goes on to get the log. */
static void
leave_caller(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct stat info;

	if (null < 0)
		return;
	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	if (fstat(STDERR_FILENO, &info) || !S_ISREG(info.st_mode))
		(void)dup2(null, STDERR_FILENO);
	close(null);
}

void
process_ready(const char *line)
{
	printf("%s\n", line);
	fflush(stdout);
	tell_systemd("READY=1\n");
	if (ready_fd < 0)
		return;
	if (write(ready_fd, "r", 1) != 1)
		log_warn("nobody waits for us to be ready");
	close(ready_fd);
	ready_fd = -1;
	leave_caller();
}

void
process_stopping(void)
{
	tell_systemd("STOPPING=1\n");
}

static sigset_t
stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	return set;
}

void
process_block_signals(void)
{
	sigset_t set = stop_signals();

	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int
process_wait_signal(void (*on_hangup)(void *context), void *context)
{
	sigset_t set = stop_signals();

	for (;;) {
		int number = sigwaitinfo(&set, NULL);

		if (number == SIGHUP && on_hangup)
			on_hangup(context);
		else if (number > 0 && number != SIGHUP)
			return number;
	}
}

static volatile sig_atomic_t is_interrupted;

static void
note_interrupt(int number)
{
	(void)number;
	is_interrupted = 1;
}

void
process_note_interrupts(void)
{
	const struct sigaction action = {.sa_handler = note_interrupt};

	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGHUP, &action, NULL);
}

bool
process_is_interrupted(void)
{
	return is_interrupted;
}

void
process_set_limits(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	limit = (struct rlimit){0, 0};
	(void)setrlimit(RLIMIT_CORE, &limit);
#ifndef __SANITIZE_ADDRESS__ /* its leak check traces the process */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
}

/* Giving back a request's buffers and faulting them in anew for the next one
 * is half of what a PUT of 1 MiB costs: docs/decisions/0010. */
void
process_keep_memory(void)
{
	(void)mallopt(M_TRIM_THRESHOLD, 64 * 1024 * 1024);
	(void)mallopt(M_MMAP_THRESHOLD, 32 * 1024 * 1024);
}
