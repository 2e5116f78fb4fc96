/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/base/compiler.h"
#include "tools/tarn/command.h"
#include "tools/tarn/mount_helper.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{"init", init_run, "make a new store"},
	{"token", token_run, "create, list, change and delete key pairs"},
	{"org", org_run, "organizations: who owns buckets and tokens"},
	{"apply", apply_run, "make users that a manifest declares"},
	{"get", users_get_run, "list the users that manifests have declared"},
	{"delete", users_delete_run, "delete such a user"},
	{"idp", idp_run, "identity providers, and why they are refused"},
	{"policy", policy_run, "who may do what, and why"},
	{"quota", quota_run, "how much may be kept"},
	{"topic", topic_run, "whom events of buckets are told to"},
	{"usage", usage_run, "tell what is kept, and what it costs"},
	{"serve", serve_run, "serve S3, and with --mount a file system too"},
	{"mount", mount_run_command, "mount the buckets as directories"},
	{"fsck", fsck_run, "check a store, and repair it"},
	{"scrub", scrub_run_command, "look for data that is damaged"},
	{"lifecycle", lifecycle_run_command,
		"delete what has reached the age that its bucket sets"},
	{"backup", backup_run_command, "copy a store that is in use"},
	{"restore", restore_run_command, "make a store of a backup"},
	{"status", status_run, "tell how a store is"},
};

static void
print_help(FILE *to)
{
	fprintf(to, "Usage: tarn COMMAND --store DIR [OPTION]...\n\n"
		    "One store, S3 on it, a file system on it.\n\n"
		    "Commands:\n");
	for (size_t i = 0; i < array_len(commands); i++)
		fprintf(to, "  %-9s %s\n", commands[i].name,
			commands[i].summary);
	fprintf(to, "\ntarn COMMAND --help tells more; so does man tarn.\n"
		    "Exit status: 0 done, 1 failed, 2 wrong usage, "
		    "3 policy test or idp explain: refused, "
		    "4 damage was found that is still there.\n");
}

/* Else the first file that is opened gets the number of one that was closed,
 * and what is printed, or logged, goes there: into the store. */
static void
open_standard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(COMMAND_FAILED);
	}
}

/* What has not been written has not been told. */
static int
end(int status)
{
	if ((!fflush(stdout) && !ferror(stdout)) || status != COMMAND_OK)
		return status;
	fprintf(stderr, "tarn: the output cannot be written\n");
	return COMMAND_FAILED;
}

int
main(int argc, char **argv)
{
	open_standard_streams();
	if (argc > 0 && mount_helper_is_meant(argc, argv))
		return mount_helper_run(argc, argv);
	if (argc < 2) {
		print_help(stderr);
		return COMMAND_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
		!strcmp(argv[1], "help")) {
		print_help(stdout);
		return end(COMMAND_OK);
	}
	if (!strcmp(argv[1], "--version")) {
		printf("tarn %s\n", TARN_VERSION);
		return end(COMMAND_OK);
	}
	for (size_t i = 0; i < array_len(commands); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return end(commands[i].run(argc - 1, argv + 1));
	}
	fprintf(stderr,
		"tarn: there is no command %s; tarn --help lists them\n",
		argv[1]);
	return COMMAND_USAGE;
}
