/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/mount.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/thread.h"
#include "store/file.h"
#include "store/last_access.h"
#include "tools/tarn/args.h"
#include "tools/tarn/audit_options.h"
#include "tools/tarn/command.h"
#include "tools/tarn/mount_options.h"
#include "tools/tarn/open.h"
#include "tools/tarn/process.h"
#include "tools/tarn/sse_c_keys.h"

/* Opens that wait for the disk of the audit log have this long to end. */
#define DRAIN_MS 1000

struct served {
	struct mount *mount;
	struct audit *audit;
};

static void
stop_on_signal(void *context)
{
	struct served *served = context;

	(void)process_wait_signal(NULL, NULL);
	process_stopping();
	audit_wait_until(served->audit, clock_monotonic_ms() + DRAIN_MS);
	mount_stop(served->mount);
}

static void
announce(struct mount *mount, void *context)
{
	const char *mount_point = context;
	struct mount_status status;
	char line[1024];

	mount_status(mount, &status);
	(void)snprintf(line, sizeof(line), "mounted at %s%s%s%s", mount_point,
		status.has_io_uring ? " over io_uring" : "",
		status.has_passthrough ? " with passthrough"
				       : " without passthrough: ",
		status.has_passthrough || !status.why_not ? ""
							  : status.why_not);
	process_ready(line);
}

static int
serve_mount(struct mount *mount, struct audit *audit)
{
	struct served served = {mount, audit};
	pthread_t signals;

	if (thread_start(&signals, "tarn-signals", stop_on_signal, &served)) {
		fprintf(stderr, "tarn: cannot start a thread\n");
		return COMMAND_FAILED;
	}
	enum store_err err = mount_run(mount);

	/* Unmounted by somebody else: the thread still waits. */
	(void)pthread_kill(signals, SIGTERM);
	pthread_join(signals, NULL);
	return err ? open_fail("mount", err) : COMMAND_OK;
}

static int
mount_store(const char *path, const struct mount_words *words,
	const struct audit_words *audit_words)
{
	process_block_signals();
	process_set_limits();
	process_keep_memory();

	scoped(keyring_free) struct keyring *ring = keyring_create();
	if (!sse_c_keys_read(&words->sse_c_keys, ring))
		return COMMAND_FAILED;
	scoped(store_close) struct store *store =
			open_store(path, "mount", false);
	scoped(audit_close) struct audit *audit = NULL;
	if (!store || !audit_options_open(store, audit_words, "mount", &audit))
		return COMMAND_FAILED;
	if (!mount_options_fit(words, path, audit_words->dir))
		return COMMAND_FAILED;
	file_set_keyring(store, ring);
	if (last_access_thread_start(store))
		log_error("cannot start the thread that writes last accesses "
			  "down");

	struct mount_options options = {
		.store = store,
		.audit = audit,
		.ready = announce,
		.context = (void *)(uintptr_t)words->mount_point,
	};
	scoped(mount_destroy) struct mount *mount = NULL;

	mount_options_fill(words, &options);
	if (!mount_options_find_top(words, store, &options.top))
		return COMMAND_FAILED;

	if (mount_create(&options, &mount))
		return COMMAND_FAILED; /* the reason is logged */
	return serve_mount(mount, audit);
}

int
mount_run_command(int argc, char **argv)
{
	const char *path = NULL;
	const char *log_level = "info";
	const char *log_format = "text";
	bool in_background = false;
	struct mount_words words = {0};
	struct audit_words audit = {0};
	const struct args_option options[] = {
		{"store", "DIR", "the store", &path, NULL, NULL},
		MOUNT_OPTIONS(words),
		AUDIT_OPTIONS(audit),
		{"background", NULL,
			"return once mounted; logs to a file only (2>)", NULL,
			&in_background, NULL},
		{"log-level", "LEVEL", "error, warn, info or debug (info)",
			&log_level, NULL, NULL},
		{"log-format", "FORMAT", "text or json (text)", &log_format,
			NULL, NULL},
	};
	const struct args_command command = {
		.usage = "tarn mount DIR --store DIR [OPTION]...",
		.summary = "Mounts the buckets at a directory that exists, "
			   "until it is\nunmounted (fusermount3 -u DIR) or "
			   "SIGTERM or SIGINT comes.",
		.options = options,
		.option_count = array_len(options),
		.positional = &words.mount_point,
		.positional_min = 1,
		.positional_max = 1,
	};

	args_parse(&command, argc, argv);
	if (!path)
		args_refuse(&command, "--store DIR is missing");
	process_log_options(&command, log_level, log_format);
	mount_options_check(&command, &words);
	audit_options_check(&command, &audit, &words);
	process_begin(in_background);
	return mount_store(path, &words, &audit);
}
