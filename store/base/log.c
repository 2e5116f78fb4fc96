/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"
#include "store/base/slice.h"

/* A pipe takes this much in one piece (PIPE_BUF), so lines never mix. */
#define LOG_LINE_MAX 4096
#define LOG_MESSAGE_MAX 2048
#define LOG_CUT "..."
/* What tells of dropped lines, with a number of any size, ends a line. */
#define LOG_CLOSING_MAX 64

/* Fixed before the first thread starts. */
static enum log_level log_level = LOG_INFO;
static enum log_format log_format = LOG_TEXT;

/* Held through a write, so that what poll(2) has said still holds. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
/* under log_lock */
static uint64_t log_dropped; /* lines since the last that was written */

static const char *const log_level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

/* A line in the making; `end` leaves room for how each line ends. */
struct line {
	char text[LOG_LINE_MAX];
	size_t len;
	size_t end;
};

void
log_setup(enum log_level level, enum log_format format)
{
	log_level = level;
	log_format = format;
}

bool
log_wants(enum log_level level)
{
	return level <= log_level;
}

bool
log_level_from_name(const char *name, enum log_level *level)
{
	for (unsigned i = 0; i < array_len(log_level_names); i++) {
		if (strcmp(name, log_level_names[i]) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static bool
append(struct line *line, struct slice s)
{
	if (s.len > line->end - line->len)
		return false;
	memcpy(line->text + line->len, s.data, s.len);
	line->len += s.len;
	return true;
}

/* C0 and DEL, and C1, which terminals obey too (U+0080 to U+009F). */
static bool
is_control(struct slice character)
{
	uint8_t first = (uint8_t)character.data[0];

	return first < 0x20 || first == 0x7f ||
	       (first == 0xc2 && (uint8_t)character.data[1] < 0xa0);
}

/* Escapes the character, or the stray byte, that the text begins with. */
static struct slice
escape(struct slice text, size_t len, char to[8])
{
	unsigned value = (uint8_t)text.data[0];

	if (len == 2)
		value = (uint8_t)text.data[1]; /* U+0080 to U+009F */
	if (log_format == LOG_JSON && len == 0)
		value = 0xfffd; /* the replacement character */
	snprintf(to, 8, log_format == LOG_JSON ? "\\u%04x" : "\\x%02x",
		value & 0xffff);
	return slice_str(to);
}

static bool
append_character(struct line *line, struct slice text, size_t len)
{
	struct slice character = slice_first(text, len);
	char escaped[8];

	if (len == 0 || is_control(character))
		return append(line, escape(text, len, escaped));
	if (log_format == LOG_JSON && (*text.data == '"' || *text.data == '\\'))
		return line->end - line->len >= 2 &&
		       append(line, SLICE("\\")) && append(line, character);
	return append(line, character);
}

/* False where the line is full before the text ends. */
static bool
append_escaped(struct line *line, struct slice text)
{
	while (text.len) {
		size_t len = slice_utf8_len(text);

		if (!append_character(line, text, len))
			return false;
		text = slice_from(text, len ? len : 1);
	}
	return true;
}

/* Ends the line; the room for it is there. */
static void
close_line(struct line *line)
{
	const bool is_json = log_format == LOG_JSON;
	char closing[LOG_CLOSING_MAX] = "";

	if (log_dropped)
		(void)snprintf(closing, sizeof(closing),
			is_json ? "\",\"lines_dropped\":%" PRIu64 "}\n"
				: " lines_dropped=%" PRIu64 "\n",
			log_dropped);
	else
		(void)snprintf(closing, sizeof(closing),
			is_json ? "\"}\n" : "\n");
	line->end = sizeof(line->text);
	append(line, slice_str(closing));
}

/*
 * A pipe whose reader stands still must not stop a loop.  Where poll(2) finds
 * room in a pipe or a socket, a line fits; a file has always room.
 */
static bool
would_wait(void)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};

	return poll(&out, 1, 0) == 0;
}

/*
 * One write a line: lines of several threads and processes stay whole.  There
 * is nobody to tell when it fails, but with the next one.
 */
static bool
write_line(const struct line *line)
{
	ssize_t written;

	if (would_wait())
		return false;
	do {
		written = write(STDERR_FILENO, line->text, line->len);
	} while (written < 0 && errno == EINTR);
	return written >= 0;
}

static void
finish_line(struct line *line)
{
	mutex_scoped(&log_lock);
	close_line(line);
	log_dropped = write_line(line) ? 0 : log_dropped + 1;
}

static void
log_message(enum log_level level, const char *format, va_list args)
{
	struct line line = {.len = 0};
	char message[LOG_MESSAGE_MAX + 1];
	char now[25];
	bool is_cut;
	int saved = errno;
	int len = vsnprintf(message, sizeof(message), format, args);

	clock_to_iso8601(clock_now_ns(), now);
	line.len = (size_t)snprintf(line.text, sizeof(line.text),
		log_format == LOG_JSON
			? "{\"time\":\"%s\",\"level\":\"%s\",\"message\":\""
			: "%s %-5s ",
		now, log_level_names[level]);
	line.end = sizeof(line.text) - LOG_CLOSING_MAX - strlen(LOG_CUT);
	is_cut = len > LOG_MESSAGE_MAX;
	if (is_cut)
		len = LOG_MESSAGE_MAX;
	if (!append_escaped(&line,
		    slice_of(message, len > 0 ? (size_t)len : 0)))
		is_cut = true;
	line.end += strlen(LOG_CUT);
	if (is_cut)
		append(&line, SLICE(LOG_CUT));
	finish_line(&line);
	errno = saved;
}

void
log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_message(LOG_ERROR, format, args);
	va_end(args);
}

void
log_warn(const char *format, ...)
{
	va_list args;

	if (!log_wants(LOG_WARN))
		return;
	va_start(args, format);
	log_message(LOG_WARN, format, args);
	va_end(args);
}

void
log_info(const char *format, ...)
{
	va_list args;

	if (!log_wants(LOG_INFO))
		return;
	va_start(args, format);
	log_message(LOG_INFO, format, args);
	va_end(args);
}

void
log_debug(const char *format, ...)
{
	va_list args;

	if (!log_wants(LOG_DEBUG))
		return;
	va_start(args, format);
	log_message(LOG_DEBUG, format, args);
	va_end(args);
}
