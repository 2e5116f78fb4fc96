/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/slice.h"

/* Standard error goes to a file from here on; each test is a process. */
static int
capture(void)
{
	int fd = memfd_create("log", 0);

	cr_assert(ge(int, fd, 0));
	cr_assert(ge(int, dup2(fd, STDERR_FILENO), 0));
	return fd;
}

static struct slice
captured(int fd, char *to, size_t room)
{
	ssize_t len = pread(fd, to, room - 1, 0);

	cr_assert(ge(long, len, 0));
	to[len] = '\0';
	return slice_of(to, (size_t)len);
}

/* What follows the time. */
static const char *
logged(int fd)
{
	static char text[100000];
	struct slice line = captured(fd, text, sizeof(text));

	return line.len > 25 ? text + 25 : text;
}

Test(log, a_line_is_time_level_and_message)
{
	int fd = capture();
	char text[200];
	struct slice line;
	int64_t time_ns;

	log_info("opened %s in %d ms", "store", 3);

	line = captured(fd, text, sizeof(text));
	cr_expect(clock_from_iso8601(slice_first(line, 24), &time_ns));
	cr_expect(eq(str, text + 24, " info  opened store in 3 ms\n"));
}

Test(log, each_level_has_its_name)
{
	int fd = capture();

	log_setup(LOG_DEBUG, LOG_TEXT);
	log_error("a");
	log_warn("b");
	log_debug("c");

	cr_expect(slice_find(slice_str(logged(fd)), SLICE("error a\n")) == 0);
	cr_expect(ge(long,
		slice_find(slice_str(logged(fd)), SLICE("Z warn  b\n")), 0));
	cr_expect(ge(long,
		slice_find(slice_str(logged(fd)), SLICE("Z debug c\n")), 0));
}

Test(log, what_is_below_the_level_is_not_written)
{
	int fd = capture();

	log_setup(LOG_WARN, LOG_TEXT);
	log_info("no");
	log_debug("no");
	cr_expect(eq(str, (char *)logged(fd), ""));
	log_warn("yes");

	cr_expect(eq(str, (char *)logged(fd), "warn  yes\n"));
	cr_expect(log_wants(LOG_ERROR));
	cr_expect(log_wants(LOG_WARN));
	cr_expect(not(log_wants(LOG_INFO)));
}

Test(log, info_is_wanted_by_default_and_debug_is_not)
{
	cr_expect(log_wants(LOG_INFO));
	cr_expect(not(log_wants(LOG_DEBUG)));
}

Test(log, a_message_cannot_forge_a_second_line)
{
	int fd = capture();

	log_info("a\nb\r\x1b[31m\x7f\x01");

	cr_expect(eq(str, (char *)logged(fd),
		"info  a\\x0ab\\x0d\\x1b[31m\\x7f\\x01\n"));
}

Test(log, bytes_that_are_no_utf8_and_c1_controls_are_escaped)
{
	int fd = capture();

	log_info("\xc3\xa4 \xff \x9b \xc2\x9b");

	cr_expect(eq(str, (char *)logged(fd),
		"info  \xc3\xa4 \\xff \\x9b \\x9b\n"));
}

Test(log, json_is_one_valid_object_a_line)
{
	int fd = capture();
	char text[500];
	json_t *line;

	log_setup(LOG_INFO, LOG_JSON);
	log_warn("say \"hi\" \\ \n\x1b \xff \xc3\xa4");

	captured(fd, text, sizeof(text));
	cr_expect(eq(ptr, strchr(text, '\n'), text + strlen(text) - 1));
	line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(ne(ptr, line, NULL));
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(line, "level")),
		"warn"));
	cr_expect(eq(str,
		(char *)json_string_value(json_object_get(line, "message")),
		"say \"hi\" \\ \n\x1b \xef\xbf\xbd \xc3\xa4"));
	cr_expect(eq(sz,
		strlen(json_string_value(json_object_get(line, "time"))), 24));
	json_decref(line);
}

Test(log, a_long_message_is_cut_and_its_line_still_ends)
{
	int fd = capture();
	char text[20000];
	char message[10001];
	struct slice line;

	memset(message, 'x', 10000);
	message[10000] = '\0';
	log_error("%s", message);

	line = captured(fd, text, sizeof(text));
	cr_expect(le(sz, line.len, 4096));
	cr_expect(slice_has_suffix(line, SLICE("x...\n")));
}

Test(log, a_cut_json_line_is_still_valid)
{
	int fd = capture();
	char text[20000];
	char message[10001];
	json_t *line;

	log_setup(LOG_INFO, LOG_JSON);
	memset(message, '\x01', 10000);
	message[10000] = '\0';
	log_error("%s", message);

	cr_expect(le(sz, captured(fd, text, sizeof(text)).len, 4096));
	line = json_loads(text, 0, NULL);
	cr_assert(ne(ptr, line, NULL));
	json_decref(line);
}

Test(log, errno_is_kept_even_where_the_line_cannot_be_written)
{
	close(STDERR_FILENO);

	errno = EXDEV;
	log_error("to nobody");

	cr_expect(eq(int, errno, EXDEV));
}

Test(log, level_names_are_read)
{
	enum log_level level = LOG_INFO;

	cr_expect(log_level_from_name("error", &level));
	cr_expect(eq(int, level, LOG_ERROR));
	cr_expect(log_level_from_name("debug", &level));
	cr_expect(eq(int, level, LOG_DEBUG));
	cr_expect(not(log_level_from_name("loud", &level)));
	cr_expect(not(log_level_from_name("", &level)));
	cr_expect(not(log_level_from_name("Error", &level)));
	cr_expect(eq(int, level, LOG_DEBUG));
}

static void *
log_many(void *arg)
{
	for (int i = 0; i < 200; i++)
		log_info("%s %03d end", (const char *)arg, i);
	return NULL;
}

Test(log, lines_of_several_threads_stay_whole)
{
	int pipe_fds[2];
	pthread_t threads[3];
	static char text[100000];
	struct slice rest;
	struct slice line;
	size_t count = 0;
	ssize_t len;

	/* 600 lines of less than 60 bytes fit into a pipe's 64 KiB. */
	cr_assert(eq(int, pipe(pipe_fds), 0));
	dup2(pipe_fds[1], STDERR_FILENO);
	for (size_t i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, log_many, "thread");
	for (size_t i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);

	len = read(pipe_fds[0], text, sizeof(text));
	cr_assert(gt(long, len, 0));
	rest = slice_of(text, (size_t)len);
	while (slice_split(&rest, '\n', &line) && line.len) {
		cr_expect(eq(sz, line.len,
			strlen("2026-11-21T20:18:00.000Z "
			       "info  thread 000 end")));
		cr_expect(slice_has_suffix(line, SLICE(" end")));
		count++;
	}
	cr_expect(eq(sz, count, 600));
}

/* A pipe as standard error, in which so many lines were too many. */
#define TOO_MANY 5000

static size_t
count_lines(const char *text)
{
	size_t count = 0;

	for (; (text = strchr(text, '\n')); text++)
		count++;
	return count;
}

/* What has come through a pipe that is open at its other end. */
static size_t
drain(int fd, char *text, size_t room)
{
	ssize_t len = read(fd, text, room - 1);

	cr_assert(gt(long, len, 0));
	text[len] = '\0';
	return count_lines(text);
}

static int
log_too_much(void)
{
	int pipe_fds[2];

	cr_assert(eq(int, pipe(pipe_fds), 0));
	cr_assert(ge(int, dup2(pipe_fds[1], STDERR_FILENO), 0));
	for (int i = 0; i < TOO_MANY; i++)
		log_info("nobody reads this line in time");
	return pipe_fds[0];
}

Test(log, lines_that_a_pipe_does_not_take_are_dropped_and_counted)
{
	static char text[1 << 20];
	char wanted[100];
	int fd = log_too_much();
	size_t before = drain(fd, text, sizeof(text));
	cr_expect(lt(sz, before, TOO_MANY));
	cr_expect(slice_has_suffix(slice_str(text), SLICE(" in time\n")));

	log_info("now");
	log_info("then");

	snprintf(wanted, sizeof(wanted), "info  now lines_dropped=%zu\n",
		TOO_MANY - before);
	cr_expect(eq(sz, drain(fd, text, sizeof(text)), 2));
	cr_expect(strstr(text, wanted) != NULL, "%s", text);
	cr_expect(slice_has_suffix(slice_str(text), SLICE(" info  then\n")));
}

Test(log, a_json_line_tells_of_dropped_ones_too)
{
	static char text[1 << 20];
	log_setup(LOG_INFO, LOG_JSON);
	int fd = log_too_much();
	size_t before = drain(fd, text, sizeof(text));

	log_info("now");

	drain(fd, text, sizeof(text));
	json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	cr_assert(ne(ptr, line, NULL));
	cr_expect(eq(i64,
		json_integer_value(json_object_get(line, "lines_dropped")),
		TOO_MANY - before));
	json_decref(line);
}
