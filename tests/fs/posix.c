/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix DIR TABLE...: does what the tables say below DIR, and compares.
 *
 * A table is a text file of cases, each in an empty directory of its own:
 *
 *	== a sentence about behaviour
 *	RESULT  [as UID:GID[,GROUP...]]  VERB WORD...	# posix_verb.c lists
 *them
 *
 * {TEXT*N} in a word stands for N times TEXT: "{n*255}".  The umask is 0. Needs
 * root.  The last line printed is "N passed, N failed"; a case fails with its
 * first line that does.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fs/posix_verb.h"

#define LINE_MAX_LEN 1024
#define EXPANDED_MAX 65536
#define GROUPS_MAX 8

struct run {
	int top; /* the directory that all happens in */
	unsigned passed;
	unsigned failed;
	char title[LINE_MAX_LEN]; /* of the case under way; empty: none */
	bool has_failed;
};

static void
fatal(const char *what)
{
	perror(what);
	exit(2);
}

static int
remove_one(const char *path, const struct stat *info, int type,
	struct FTW *where)
{
	(void)info;
	(void)where;
	return remove(path) && type != FTW_DP ? -1 : 0;
}

static void
end_case(struct run *run)
{
	posix_verb_reset();
	if (run->title[0] == '\0')
		return;
	if (run->has_failed)
		run->failed++;
	else
		run->passed++;
	if (fchdir(run->top))
		fatal("fchdir");
	(void)nftw("case", remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (rmdir("case") && errno != ENOENT)
		fatal("rmdir: what a case left behind");
	run->title[0] = '\0';
}

static void
begin_case(struct run *run, const char *title)
{
	end_case(run);
	snprintf(run->title, sizeof(run->title), "%s", title);
	run->has_failed = false;
	/* Any user may do what he likes here. */
	if (mkdir("case", 0777) || chdir("case"))
		fatal("case");
}

/* Writes the word with its {TEXT*N} spelled out. */
static char *
expand(const char *word)
{
	static char buffers[POSIX_WORDS_MAX][EXPANDED_MAX];
	static unsigned next;
	char *out = buffers[next++ % POSIX_WORDS_MAX];
	size_t len = 0;

	while (*word) {
		const char *star = strchr(word, '*');
		const char *end = strchr(word, '}');

		if (*word != '{') {
			out[len++] = *word++;
			continue;
		}
		size_t text_len = star ? (size_t)(star - word) - 1 : 0;
		for (long n = star ? strtol(star + 1, NULL, 10) : 0; n > 0;
			n--) {
			memcpy(out + len, word + 1, text_len);
			len += text_len;
		}
		word = end + 1;
	}
	out[len] = '\0';
	return out;
}

static int
split(char *line, char **words)
{
	char *save = NULL;
	int count = 0;

	for (char *word = strtok_r(line, " \t\n", &save);
		word && word[0] != '#' && count < POSIX_WORDS_MAX;
		word = strtok_r(NULL, " \t\n", &save))
		words[count++] = expand(word);
	return count;
}

/* Becomes the user that UID:GID,GROUP... names. */
static void
become(const char *who)
{
	gid_t groups[GROUPS_MAX];
	size_t count = 0;
	uid_t uid = (uid_t)strtoul(who, NULL, 10);

	for (const char *at = strpbrk(who, ":,"); at && count < GROUPS_MAX;
		at = strpbrk(at + 1, ","))
		groups[count++] = (gid_t)strtoul(at + 1, NULL, 10);
	if (!count || setgroups(count, groups) || setgid(groups[0]) ||
		setuid(uid))
		_exit(2);
}

/* As another user: in a child, which sends back what came of it. */
static bool
run_as(const char *who, char **words, int count, char *result)
{
	int pipe_fds[2];
	int status;

	if (pipe(pipe_fds))
		fatal("pipe");
	pid_t child = fork();
	if (child == 0) {
		become(who);
		if (!posix_verb_run(words, count, result))
			_exit(1);
		size_t len = strlen(result) + 1;
		_exit(write(pipe_fds[1], result, len) == (ssize_t)len ? 0 : 2);
	}
	(void)close(pipe_fds[1]);
	ssize_t len = read(pipe_fds[0], result, POSIX_RESULT_MAX);
	(void)close(pipe_fds[0]);
	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0 && len > 0;
}

static void
run_line(struct run *run, const char *table, unsigned number, char *line)
{
	char *words[POSIX_WORDS_MAX];
	char result[POSIX_RESULT_MAX] = "";
	int count = split(line, words);
	bool is_known;

	if (count == 0 || run->has_failed)
		return;
	if (count > 3 && !strcmp(words[1], "as"))
		is_known = run_as(words[2], words + 3, count - 3, result);
	else
		is_known = count > 1 &&
			   posix_verb_run(words + 1, count - 1, result);
	if (is_known && !strcmp(result, words[0]))
		return;
	run->has_failed = true;
	printf("%s:%u: %s: expected %s, got %s\n", table, number, run->title,
		words[0], is_known ? result : "no such verb");
}

static void
run_table(struct run *run, const char *table)
{
	FILE *file = fopen(table, "re");
	char line[LINE_MAX_LEN];
	unsigned number = 0;

	if (!file)
		fatal(table);
	while (fgets(line, sizeof(line), file)) {
		number++;
		if (!strncmp(line, "== ", 3)) {
			line[strcspn(line, "\n")] = '\0';
			begin_case(run, line + 3);
		} else {
			run_line(run, table, number, line);
		}
	}
	end_case(run);
	(void)fclose(file);
}

int
main(int argc, char **argv)
{
	struct run run = {.title = ""};

	if (argc < 3) {
		fprintf(stderr, "usage: posix DIR TABLE...\n");
		return 2;
	}
	(void)umask(0);
	(void)signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IONBF, 0);
	for (int i = 2; i < argc; i++) {
		char *table = realpath(argv[i], NULL);

		if (!table)
			fatal(argv[i]);
		argv[i] = table;
	}
	run.top = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run.top < 0 || fchdir(run.top))
		fatal(argv[1]);
	for (int i = 2; i < argc; i++)
		run_table(&run, argv[i]);
	printf("%u passed, %u failed\n", run.passed, run.failed);
	return run.failed > 0;
}
