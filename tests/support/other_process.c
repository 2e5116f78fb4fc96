/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/other_process.h"

#include <assert.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/temp_store.h"

static void
run(const char *path,
	void (*work)(struct store *store, struct other_process *self),
	struct other_process *self)
{
	/* It does not outlive a test that was ended. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	work(temp_store_open_at(path, false), self);
	for (;;)
		pause();
}

struct other_process
other_process_start(const char *path,
	void (*work)(struct store *store, struct other_process *self))
{
	struct other_process process;
	int from[2];
	int to[2];
	int rc = pipe(from);

	assert(rc == 0);
	rc = pipe(to);
	assert(rc == 0);
	process.pid = fork();
	assert(process.pid >= 0);
	if (process.pid == 0) {
		process.from = from[1];
		process.to = to[0];
		close(from[0]);
		close(to[1]);
		run(path, work, &process);
	}
	close(from[1]);
	close(to[0]);
	process.from = from[0];
	process.to = to[1];
	return process;
}

void
other_process_tell(struct other_process *self, uint64_t number)
{
	ssize_t put = write(self->from, &number, sizeof(number));

	assert(put == (ssize_t)sizeof(number));
}

void
other_process_pause(struct other_process *self)
{
	char go;
	ssize_t got = read(self->to, &go, 1);

	assert(got == 1);
}

uint64_t
other_process_hear(struct other_process *process)
{
	uint64_t number = 0;
	ssize_t got = read(process->from, &number, sizeof(number));

	assert(got == (ssize_t)sizeof(number));
	return number;
}

void
other_process_resume(struct other_process *process)
{
	ssize_t put = write(process->to, "", 1);

	assert(put == 1);
}

void
other_process_kill(struct other_process *process)
{
	kill(process->pid, SIGKILL);
	waitpid(process->pid, NULL, 0);
	close(process->from);
	close(process->to);
}
