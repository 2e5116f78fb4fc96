/* SPDX-License-Identifier: Apache-2.0 */
/*
 * posix_verb.h - what a line of a POSIX table can ask for: one system call, or
 * one look at what it did.
 *
 * Paths are taken as seen from the current directory, links are not followed
 * but where the system call does.  "@A" in the place of a path is the
 * descriptor that "hold A" opened.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define POSIX_WORDS_MAX 12
#define POSIX_RESULT_MAX 4096

/* Runs words[0] with the words after it.  What comes of it is put into
 * result: "0", the name of an errno, or what was asked for.  False: there is
 * no such verb, or not with so many words. */
bool posix_verb_run(char **words, int count, char result[POSIX_RESULT_MAX]);

/* Closes what is held and ends what was started. */
void posix_verb_reset(void);

/* "EPERM" */
const char *posix_errno_name(int number);
