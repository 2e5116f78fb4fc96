/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/mount_options.h"

#include <string.h>
#include <unistd.h>

#include "store/base/slice.h"

#define UMASK_DEFAULT 022

/* Three octal digits, perhaps with a 0 before them. */
static bool
parse_umask(const char *text, uint32_t *out)
{
	size_t len = strlen(text);

	*out = 0;
	if (len == 0 || len > 4)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		*out = *out * 8 + (uint32_t)(*text - '0');
	}
	return *out <= 0777;
}

static uint32_t
id_or(const char *text, uint32_t otherwise)
{
	unsigned long number;

	if (!text || !slice_to_u64(slice_str(text), UINT32_MAX - 1, &number))
		return otherwise;
	return (uint32_t)number;
}

void
mount_options_check(const struct args_command *command,
	const struct mount_words *words)
{
	uint32_t mask;

	if (words->uid)
		(void)args_number(command, "uid", words->uid, 0,
			UINT32_MAX - 1);
	if (words->gid)
		(void)args_number(command, "gid", words->gid, 0,
			UINT32_MAX - 1);
	if (words->umask && !parse_umask(words->umask, &mask))
		args_refuse(command, "--umask takes octal digits, as in 022");
}

void
mount_options_fill(const struct mount_words *words,
	struct mount_options *options)
{
	options->mount_point = words->mount_point;
	options->allow_other = !words->is_private && geteuid() == 0;
	options->is_read_only = words->is_read_only;
	options->uid = id_or(words->uid, geteuid());
	options->gid = id_or(words->gid, getegid());
	options->umask = UMASK_DEFAULT;
	if (words->umask)
		(void)parse_umask(words->umask, &options->umask);
}
