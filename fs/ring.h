/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - FUSE over io_uring: the kernel hands a request to a thread on the
 * CPU that asks, and takes the answer and waits for the next one in a single
 * system call.  Linux 6.14, where /sys/module/fuse/parameters/enable_uring is
 * Y; Documentation/filesystems/fuse/fuse-io-uring.rst.
 *
 * libfuse goes on decoding requests and encoding answers: it is given them as
 * if they had been read, and what it writes is taken from it.  INIT, INTERRUPT
 * and FORGET still come by way of workers.h.
 *
 * Threads:   one a CPU, between the reply to INIT and ring_stop(), and those
 *            of helper.h.
 */
#pragma once

#include <fuse_lowlevel.h>

#include "store/base/error.h"

struct mount;
struct ring;

/* Once, after the session was mounted and before it is run.  NULL: the kernel
 * has none, or it is switched off. */
struct ring *ring_attach(struct mount *mount);

/* Ends the threads, also where the connection goes on: what they have begun is
 * answered, and nothing more.  Before the session's descriptor is closed, and
 * when nobody else uses the session any more.  NULL is allowed. */
void ring_stop(struct ring **ring);
