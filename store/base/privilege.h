/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privilege.h - what the kernel lets this process do, as root or by a
 * capability (capabilities(7)).
 */
#pragma once

#include <stdbool.h>

/* CAP_SYS_ADMIN, for mounts.  It may hold in a user namespace alone: what the
 * kernel then refuses is not known beforehand. */
bool privilege_may_mount(void);
