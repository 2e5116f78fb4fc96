/* SPDX-License-Identifier: Apache-2.0 */
/* posix_look.h - the verbs that look at what a system call has done. */
#pragma once

#include <stddef.h>

#include "tests/fs/posix_verb.h"

/* A path, or "@A". */
struct posix_place {
	int fd; /* of "@A"; else -1 */
	const char *path;
};

struct posix_place posix_place_of(const char *word);

/* Writes what came of a line to `result`. */
void posix_say(char *result, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* The same after what is there. */
void posix_add(char *result, const char *text);

long posix_number(const char *word);

struct posix_verb {
	const char *name;
	int words_min; /* after the name */
	int words_max;
	/* 0, with the result in `result` where it is not "0"; or an errno. */
	int (*run)(char **words, int count, char *result);
};

extern const struct posix_verb posix_look_verbs[];
extern const size_t posix_look_count;
