/* SPDX-License-Identifier: Apache-2.0 */
/* needs_mount.h - what every test of a real mount begins with. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "tests/fs/temp_mount.h"

#define NEEDS_MOUNT()                                                          \
	do {                                                                   \
		if (temp_mount_why_not())                                      \
			cr_skip_test("%s", temp_mount_why_not());              \
	} while (0)
