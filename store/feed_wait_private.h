/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed_wait_private.h - waiting until all listeners have come so far: one
 * thread, begun when it is first needed, sleeps on their futex for all who
 * wait in this process, so that a fiber costs no thread.
 */
#pragma once

#include "store/feed_private.h"

/* For feed.c alone; the waiting itself is feed_wait_seen(). */
must_check enum store_err feed_wait_open(struct store *store);
void feed_wait_close(struct store *store);
