/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/base/privilege.h"

/* From /proc: what another way of asking says. */
static bool
has_capability(int number)
{
	unsigned long effective = 0;
	char line[256];
	FILE *status = fopen("/proc/self/status", "re");

	cr_assert(ne(ptr, status, NULL));
	while (fgets(line, sizeof(line), status))
		if (sscanf(line, "CapEff: %lx", &effective) == 1)
			break;
	(void)fclose(status);
	return effective >> number & 1;
}

Test(privilege, mounting_takes_the_capability)
{
	cr_expect(eq(int, privilege_may_mount(),
		has_capability(CAP_SYS_ADMIN)));
}

Test(privilege, without_capabilities_nobody_mounts)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	cr_assert(eq(i64, syscall(SYS_capset, &header, none), 0));

	cr_expect(not(privilege_may_mount()));
}
