/* SPDX-License-Identifier: Apache-2.0 */
/* needs_mount.h - what every test of a real mount begins with. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <unistd.h>

#include "tests/fs/temp_mount.h"

#define NEEDS_MOUNT()                                                          \
	do {                                                                   \
		if (temp_mount_why_not())                                      \
			cr_skip_test("%s", temp_mount_why_not());              \
	} while (0)

#define NEEDS_RING()                                                           \
	do {                                                                   \
		NEEDS_MOUNT();                                                 \
		if (access(TEMP_MOUNT_RING_SWITCH, W_OK))                      \
			cr_skip_test("the kernel has no FUSE over io_uring");  \
	} while (0)
