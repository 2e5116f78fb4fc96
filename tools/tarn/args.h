/* SPDX-License-Identifier: Apache-2.0 */
/*
 * args.h - command lines, and the help that explains them, from one table.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/base/compiler.h"

#define ARGS_REPEAT_MAX 16
#define ARGS_OPTIONS_MAX 64
#define ARGS_REGION_MAX 63

/* Where the key of the store lies; see open.h. */
#define ARGS_KEY_FILE "TARN_KEY_FILE"

/* One --name, or -n where the name is one letter.  Exactly one of the three
 * targets is given. */
struct args_option {
	const char *name;
	const char *value_name; /* as the help shows it; NULL for a switch */
	const char *help;
	const char **value; /* given once at most */
	bool *flag;
	struct args_list *list; /* all that are given */
};

struct args_list {
	const char *values[ARGS_REPEAT_MAX];
	unsigned int count;
};

struct args_command {
	const char *usage;   /* "tarn token create NAME [OPTION]..." */
	const char *summary; /* what it does, in a sentence or two */
	const struct args_option *options;
	size_t option_count;
	const char **positional; /* where the words go */
	int positional_min;
	int positional_max;
};

/*
 * Fills in what the command line says.  --help prints and exits with 0; a
 * wrong line prints what is wrong and exits with 2.  Every command also takes
 * --key-file, which stands for ARGS_KEY_FILE in the environment.
 */
void args_parse(const struct args_command *command, int argc, char **argv);

/* Says what is wrong with the line, points at --help, exits with 2. */
_Noreturn void args_refuse(const struct args_command *command,
	const char *format, ...) printf_like(2, 3);

/* A whole number from min to max, or exits as args_refuse(). */
unsigned long args_number(const struct args_command *command, const char *name,
	const char *text, unsigned long min, unsigned long max);

/* The name of a region, or exits as args_refuse(): it ends up in files that a
 * shell reads. */
void args_check_region(const struct args_command *command, const char *text);

/* A word that says what a command is to do. */
struct args_verb {
	const char *name;
	int (*run)(int argc, char **argv);
};

/* Runs the verb that argv[1] names with the words from there on, and gives
 * its status; --help and a wrong verb end as in args_parse(). */
int args_run_verb(const struct args_command *command,
	const struct args_verb *verbs, size_t count, int argc, char **argv);
