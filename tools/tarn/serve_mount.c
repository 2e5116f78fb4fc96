/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/serve_mount.h"

#include <stdio.h>

#include "store/base/log.h"
#include "store/base/thread.h"

static void
run_mount(void *context)
{
	struct serve_mount *mounted = context;
	enum store_err err = mount_run(mounted->mount);

	if (err)
		log_error("mount: %s", error_sentence(err));
	if (!atomic_load(&mounted->is_stopping))
		log_info("mount: unmounted; S3 goes on");
}

static void
log_mount(struct mount *mount, void *context)
{
	struct mount_status status;

	(void)context;
	mount_status(mount, &status);
	if (!status.has_passthrough)
		log_info("mount: no passthrough: %s",
			status.why_not ? status.why_not : "not known why");
}

bool
serve_mount_start(struct store *store, const struct mount_words *words,
	struct audit *audit, struct serve_mount *out)
{
	struct mount_options options = {
		.store = store,
		.audit = audit,
		.ready = log_mount,
	};

	mount_options_fill(words, &options);
	if (!mount_options_find_top(words, store, &options.top))
		return false;

	if (mount_create(&options, &out->mount))
		return false; /* the reason is logged */
	if (thread_start(&out->thread, "tarn-mount", run_mount, out)) {
		fprintf(stderr, "tarn: cannot start a thread\n");
		mount_destroy(&out->mount);
		return false;
	}
	return true;
}

void
serve_mount_stop(struct serve_mount *mounted)
{
	if (!mounted->mount)
		return;
	atomic_store(&mounted->is_stopping, true);
	mount_stop(mounted->mount);
	pthread_join(mounted->thread, NULL);
	mount_destroy(&mounted->mount);
}
