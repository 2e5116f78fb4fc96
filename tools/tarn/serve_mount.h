/* SPDX-License-Identifier: Apache-2.0 */
/* serve_mount.h - a mount on a thread of its own, beside the server. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "fs/mount.h"
#include "tools/tarn/mount_options.h"

/* Zeros: none. */
struct serve_mount {
	struct mount *mount;
	pthread_t thread;
	atomic_bool is_stopping;
};

/* *out stays where it is until serve_mount_stop().  False: the reason has been
 * told. */
bool serve_mount_start(struct store *store, const struct mount_words *words,
	struct audit *audit, struct serve_mount *out);
/* Also where there is none. */
void serve_mount_stop(struct serve_mount *mounted);
