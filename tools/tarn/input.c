/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
input_read(const char *path, size_t max, struct arena *arena, struct slice *out)
{
	/* One byte more, so that too much is seen. */
	char *text = arena_alloc(arena, max + 1);
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC)
				   : dup(STDIN_FILENO);
	ssize_t got = fd < 0 ? -1 : 1;
	size_t len = 0;

	while (got > 0 && len < max + 1) {
		got = read(fd, text + len, max + 1 - len);
		len += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		fprintf(stderr, "tarn: %s: %s\n", path, strerror(errno));
	else if (len > max)
		fprintf(stderr, "tarn: %s: larger than %zu bytes\n", path, max);
	if (fd >= 0)
		close(fd);
	*out = slice_of(text, len);
	return got >= 0 && len <= max;
}
