/* SPDX-License-Identifier: Apache-2.0 */
/*
 * connection.h - connections of FUSE as others see them: by the number that
 * the kernel gives each (the minor number of what is mounted).
 *
 * Sources: the kernel's Documentation/filesystems/fuse.rst, "Control
 * filesystem"; proc_pid_fdinfo(5).
 */
#pragma once

#include <stdbool.h>

/*
 * Whether all that is left of its process is threads that the kernel does not
 * let go.  Such a one hangs for ever: somebody waits for an answer and holds
 * what the thread waits for.  Known to root alone, and where the kernel tells
 * whose a connection is (Linux 6.18 does); else false.
 */
bool connection_is_left_by_dead(unsigned int number);

/* Who waits for it gets an error from now on.  False: it is not ours, or the
 * kernel's control file system is not mounted. */
bool connection_abort(unsigned int number);
