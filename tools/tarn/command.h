/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - the subcommands of tarn, one a file, and what they share.
 *
 * Each gets its own arguments (argv[0] is its name) and returns the exit
 * status of the process.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/base/error.h"
#include "store/store.h"

/* As the manual page has them. */
enum command_status {
	COMMAND_OK = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = 2,
	COMMAND_REFUSED = 3, /* policy test, idp explain */
	COMMAND_FOUND = 4,   /* fsck, scrub, backup, restore: damage */
};

int apply_run(int argc, char **argv);
int users_delete_run(int argc, char **argv);
int users_get_run(int argc, char **argv);
int idp_run(int argc, char **argv);
int init_run(int argc, char **argv);
int token_run(int argc, char **argv);
int org_run(int argc, char **argv);
int policy_run(int argc, char **argv);
int quota_run(int argc, char **argv);
int topic_run(int argc, char **argv);
int usage_run(int argc, char **argv);
int serve_run(int argc, char **argv);
int mount_run_command(int argc, char **argv);
int fsck_run(int argc, char **argv);
int status_run(int argc, char **argv);
int lifecycle_run_command(int argc, char **argv);
int scrub_run_command(int argc, char **argv);
int backup_run_command(int argc, char **argv);
int restore_run_command(int argc, char **argv);
