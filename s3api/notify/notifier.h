/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notifier.h - a thread that delivers what waits for topics, as long as no
 * other process does: store/outbox.h.
 *
 * Each topic gets its events in order, at least once: the next ones leave when
 * those before have been taken, or when they have to be tried again, after a
 * second, then two, and so on up to five minutes.  One topic waits for no
 * other.
 */
#pragma once

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/store.h"

struct notifier;

/* The store outlives it.  NO_MEMORY. */
must_check enum store_err notifier_start(struct store *store,
	struct notifier **out);

/* Cuts off what is on its way, which is delivered again then.  NULL is
 * allowed. */
void notifier_stop(struct notifier **notifier);
