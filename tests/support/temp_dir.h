/* SPDX-License-Identifier: Apache-2.0 */
/* temp_dir.h - a directory of a test's own, gone with its scope. */
#pragma once

#include <assert.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/base/compiler.h"

struct temp_dir {
	char path[PATH_MAX];
};

static inline struct temp_dir
temp_dir_make(void)
{
	struct temp_dir dir;
	const char *base = getenv("TMPDIR");
	int len = snprintf(dir.path, sizeof(dir.path), "%s/tarn-test-XXXXXX",
		base ? base : "/tmp");

	assert(len > 0 && (size_t)len < sizeof(dir.path));
	assert(mkdtemp(dir.path));
	return dir;
}

static inline int
temp_dir_visit(const char *path, const struct stat *st, int type,
	struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void
temp_dir_remove(struct temp_dir *dir)
{
	nftw(dir->path, temp_dir_visit, 16, FTW_DEPTH | FTW_PHYS);
}

/* A path in it; good until the next call but three. */
static inline const char *
temp_dir_at(const struct temp_dir *dir, const char *name)
{
	static _Thread_local char paths[4][PATH_MAX + 256];
	static _Thread_local unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir->path, name);
	return path;
}
