/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/mount_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/base/arena.h"
#include "store/base/buffer.h"
#include "store/base/compiler.h"
#include "tools/tarn/command.h"
#include "tools/tarn/mount_options.h"

/* mount(8), "EXIT STATUS" */
#define MOUNT_USAGE 1
#define MOUNT_SYSTEM 2
#define MOUNT_FAILED 32

#define WORDS_MAX 64

/* The words of the command "mount". */
struct words {
	const char *list[WORDS_MAX];
	int count;
	struct buffer flags; /* that the kernel takes: one word */
	struct arena arena;
};

static void
words_free(struct words *words)
{
	buffer_free(&words->flags);
	arena_free(&words->arena);
}

/* Of fstab(5) and mount(8), for others than the file system. */
static const char *const passed_over[] = {"defaults", "rw", "auto", "noauto",
	"user", "nouser", "users", "owner", "group", "nofail", "_netdev"};

static bool
is_passed_over(const char *option)
{
	for (size_t i = 0; i < array_len(passed_over); i++)
		if (!strcmp(option, passed_over[i]))
			return true;
	return !strncmp(option, "x-", 2) || !strncmp(option, "X-", 2) ||
	       !strncmp(option, "comment=", 8);
}

/* NAME or NAME=VALUE of an option that the command has. */
static const char *
option_of_command(struct words *words, const char *option)
{
	static const char *const names[] = {"bucket", "uid", "gid", "umask",
		"key-file", "sse-c-key", "log-level", "log-format", "audit",
		"audit-file-bytes", "audit-file-seconds", "audit-when-full",
		"audit-bucket"};
	/* As mount(8) has them, and as the command. */
	static const struct {
		const char *option;
		const char *word;
	} switches[] = {
		{"ro", "--read-only"},
		{"read-only", "--read-only"},
		{"allow_other", "--allow-other"},
		{"allow-other", "--allow-other"},
		{"private", "--private"},
		{"small-files", "--small-files"},
		{"no-io-uring", "--no-io-uring"},
	};
	const char *equals = strchr(option, '=');

	for (size_t i = 0; i < array_len(switches); i++)
		if (!strcmp(option, switches[i].option))
			return switches[i].word;
	for (size_t i = 0; equals && i < array_len(names); i++) {
		size_t len = strlen(names[i]);

		if ((size_t)(equals - option) != len ||
			strncmp(option, names[i], len) != 0)
			continue;
		return arena_str(&words->arena,
			arena_printf(&words->arena, "--%s", option));
	}
	return NULL;
}

static bool
add(struct words *words, const char *word)
{
	if (words->count + 1 == WORDS_MAX) {
		fprintf(stderr, "tarn: too many options\n");
		return false;
	}
	words->list[words->count++] = word;
	return true;
}

/* mount(8) puts the options of its command line behind those of fstab(5), and
 * the last one wins; keys of several prefixes are all meant. */
static bool
add_word(struct words *words, const char *word)
{
	size_t len = strcspn(word, "=") + 1;

	for (int i = 0; i < words->count; i++) {
		if (strncmp(word, "--sse-c-key=", len) != 0 &&
			!strncmp(words->list[i], word, len)) {
			words->list[i] = word;
			return true;
		}
	}
	return add(words, word);
}

static bool
add_option(struct words *words, const char *option)
{
	const char *word = option_of_command(words, option);

	if (word)
		return add_word(words, word);
	if (mount_options_is_flag(slice_str(option))) {
		buffer_append(&words->flags,
			words->flags.len ? SLICE(",") : SLICE("--flags="));
		buffer_append(&words->flags, slice_str(option));
		return true;
	}
	if (is_passed_over(option))
		return true;
	fprintf(stderr, "tarn: there is no mount option %s\n", option);
	return false;
}

static bool
add_options(struct words *words, char *list)
{
	char *save = NULL;

	for (char *option = strtok_r(list, ",", &save); option;
		option = strtok_r(NULL, ",", &save))
		if (!add_option(words, option))
			return false;
	if (words->flags.len == 0)
		return true;
	buffer_append_char(&words->flags, '\0');
	return add(words, (const char *)words->flags.data);
}

bool
mount_helper_is_meant(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');

	name = name ? name + 1 : argv[0];
	if (!strncmp(name, "mount.", 6))
		return true;
	return argc >= 5 && argv[1][0] == '/' && argv[2][0] == '/' &&
	       argv[3][0] == '-';
}

int
mount_helper_run(int argc, char **argv)
{
	scoped(words_free) struct words words = {
		.list = {"mount"},
		.count = 1,
	};
	char *options = NULL;
	bool is_fake = false;
	int letter;

	if (argc < 3) {
		fprintf(stderr, "Usage: mount -t fuse.tarn STORE DIR "
				"[-o OPTION,...]\n");
		return MOUNT_USAGE;
	}
	for (optind = 3; (letter = getopt(argc, argv, "sfnvo:t:N:")) != -1;) {
		if (letter == 'o')
			options = optarg;
		else if (letter == 'f')
			is_fake = true;
		else if (letter == '?' || letter == 'N')
			return MOUNT_USAGE;
	}
	if (!add(&words, argv[2]) || !add(&words, "--store") ||
		!add(&words, argv[1]) || !add(&words, "--background") ||
		(options && !add_options(&words, options)))
		return MOUNT_USAGE;
	if (is_fake)
		return 0;
	/* Ends in the waiting parent, too: process_begin(). */
	pid_t child = fork();
	int status;

	if (child == 0)
		exit(mount_run_command(words.count, (char **)words.list));
	if (child < 0 || waitpid(child, &status, 0) != child)
		return MOUNT_SYSTEM;
	if (!WIFEXITED(status))
		return MOUNT_FAILED;
	switch (WEXITSTATUS(status)) {
	case COMMAND_OK:
		return 0;
	case COMMAND_USAGE:
		return MOUNT_USAGE;
	default:
		return MOUNT_FAILED;
	}
}
