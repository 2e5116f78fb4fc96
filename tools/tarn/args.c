/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/args.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/base/slice.h"
#include "tools/tarn/command.h"

static void
print_help(const struct args_command *command)
{
	printf("Usage: %s\n\n%s\n", command->usage, command->summary);
	if (command->option_count > 0)
		printf("\nOptions:\n");
	for (size_t i = 0; i < command->option_count; i++) {
		const struct args_option *option = &command->options[i];
		char left[64];

		(void)snprintf(left, sizeof(left), "%s%s%s%s",
			option->name[1] ? "--" : "-", option->name,
			option->value_name ? " " : "",
			option->value_name ? option->value_name : "");
		printf("  %-26s %s\n", left, option->help);
	}
	printf("  %-26s %s\n", "--key-file FILE",
		"where the store's key lies (" ARGS_KEY_FILE ")");
	printf("  %-26s %s\n", "--help", "show this");
}

_Noreturn void
args_refuse(const struct args_command *command, const char *format, ...)
{
	va_list list;

	fprintf(stderr, "tarn: ");
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fprintf(stderr, "\nUsage: %s\n(--help tells more)\n", command->usage);
	exit(COMMAND_USAGE);
}

static const struct args_option *
find_option(const struct args_command *command, struct slice name)
{
	for (size_t i = 0; i < command->option_count; i++) {
		const struct args_option *option = &command->options[i];

		if (slice_equal(slice_str(option->name), name))
			return option;
	}
	return NULL;
}

/* A command line that is being read. */
struct reading {
	const struct args_command *command;
	bool is_given[ARGS_OPTIONS_MAX];
	bool has_key_file;
};

static void
store_value(struct reading *reading, const struct args_option *option,
	const char *value)
{
	const struct args_command *command = reading->command;
	bool *is_given = &reading->is_given[option - command->options];

	if (option->value) {
		/* One of them would mean nothing. */
		if (*is_given)
			args_refuse(command, "--%s is given twice",
				option->name);
		*option->value = value;
		*is_given = true;
		return;
	}
	if (option->list->count == ARGS_REPEAT_MAX)
		args_refuse(command, "--%s is given too often", option->name);
	option->list->values[option->list->count++] = value;
}

static int
take_key_file(struct reading *reading, int left, char **words,
	const char *equals)
{
	const struct args_command *command = reading->command;
	const char *path = equals ? equals + 1 : left > 1 ? words[1] : "";

	if (!*path)
		args_refuse(command, "--key-file needs a value (FILE)");
	if (reading->has_key_file)
		args_refuse(command, "--key-file is given twice");
	reading->has_key_file = true;
	if (setenv(ARGS_KEY_FILE, path, 1))
		args_refuse(command, "--key-file: out of memory");
	return equals ? 1 : 2;
}

/* Takes one --name, --name=value or --name value; gives how many words.  -n
 * has one letter. */
static int
parse_option(struct reading *reading, int left, char **words)
{
	const struct args_command *command = reading->command;
	size_t dashes = words[0][1] == '-' ? 2 : 1;
	struct slice name = slice_from(slice_str(words[0]), dashes);
	const char *equals = strchr(words[0], '=');

	if (equals)
		name = slice_first(name, (size_t)(equals - words[0]) - dashes);
	if (slice_equal(name, SLICE("help")) || slice_equal(name, SLICE("h"))) {
		print_help(command);
		exit(COMMAND_OK);
	}
	if (dashes == 2 && slice_equal(name, SLICE("key-file")))
		return take_key_file(reading, left, words, equals);

	const struct args_option *option = find_option(command, name);

	if (!option || (dashes == 1) != (name.len == 1))
		args_refuse(command, "there is no option %.*s%.*s", (int)dashes,
			"--", (int)name.len, name.data);
	if (!option->value_name) {
		if (equals)
			args_refuse(command, "--%s takes no value",
				option->name);
		*option->flag = true;
		return 1;
	}
	if (equals) {
		store_value(reading, option, equals + 1);
		return 1;
	}
	if (left < 2)
		args_refuse(command, "--%s needs a value (%s)", option->name,
			option->value_name);
	store_value(reading, option, words[1]);
	return 2;
}

void
args_parse(const struct args_command *command, int argc, char **argv)
{
	struct reading reading = {.command = command};
	int positional = 0;
	bool only_words = false;

	assert(command->option_count <= ARGS_OPTIONS_MAX);
	for (int i = 1; i < argc;) {
		if (!only_words && !strcmp(argv[i], "--")) {
			only_words = true;
			i++;
			continue;
		}
		if (!only_words && argv[i][0] == '-' && argv[i][1]) {
			i += parse_option(&reading, argc - i, argv + i);
			continue;
		}
		if (positional == command->positional_max)
			args_refuse(command, "%s is one word too many",
				argv[i]);
		command->positional[positional++] = argv[i++];
	}
	if (positional < command->positional_min)
		args_refuse(command, "a word is missing");
}

unsigned long
args_number(const struct args_command *command, const char *name,
	const char *text, unsigned long min, unsigned long max)
{
	unsigned long number;

	if (!slice_to_u64(slice_str(text), max, &number) || number < min)
		args_refuse(command,
			"--%s takes a whole number from %lu to %lu", name, min,
			max);
	return number;
}

void
args_check_region(const struct args_command *command, const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_.");

	if (len == 0 || len > ARGS_REGION_MAX || text[len])
		args_refuse(command,
			"--region takes 1 to %d letters, digits, '-', '_' and "
			"'.'",
			ARGS_REGION_MAX);
}

int
args_run_verb(const struct args_command *command, const struct args_verb *verbs,
	size_t count, int argc, char **argv)
{
	if (argc < 2)
		args_refuse(command, "a verb is missing");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		args_parse(command, argc, argv);
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	}
	args_refuse(command, "there is no such verb");
}
