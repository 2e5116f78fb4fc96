/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_store.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
must(enum store_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "temp_store: %s: %s\n", what, error_sentence(err));
	abort();
}

struct temp_store
temp_store_create(void)
{
	struct temp_store temp = {0};
	const char *parent = getenv("TMPDIR");

	snprintf(temp.dir, sizeof(temp.dir), "%s/tarn-test-XXXXXX",
		parent && strlen(parent) < 40 ? parent : "/tmp");
	must(mkdtemp(temp.dir) ? STORE_OK : STORE_IO, "mkdtemp");
	snprintf(temp.path, sizeof(temp.path), "%s/store", temp.dir);
	must(store_create(temp.path, SLICE("default"), NULL), "create");
	return temp;
}

static void
open_it(struct temp_store *temp)
{
	const struct store_options options = {
		.path = temp->path,
		.spares_everywhere = true,
		.role = "test",
		.map_size = temp->map_size,
		.segment_size = temp->segment_size,
	};

	must(store_open(&options, &temp->store), "open");
}

struct temp_store
temp_store_open_small(uint64_t map_size)
{
	struct temp_store temp = temp_store_create();

	temp.map_size = map_size;
	open_it(&temp);
	return temp;
}

/* Sanitizers and many tests at once leave less than a TiB. */
#define MAP_SIZE (1ull << 30)

struct temp_store
temp_store_open(void)
{
	return temp_store_open_small(MAP_SIZE);
}

struct temp_store
temp_store_open_segments(uint64_t segment_size)
{
	struct temp_store temp = temp_store_create();

	temp.map_size = MAP_SIZE;
	temp.segment_size = segment_size;
	open_it(&temp);
	return temp;
}

void
temp_store_reopen(struct temp_store *temp)
{
	store_close(&temp->store);
	open_it(temp);
}

struct store *
temp_store_open_at(const char *path, bool is_read_only)
{
	const struct store_options options = {
		.path = path,
		.spares_everywhere = true,
		.role = "test",
		.is_read_only = is_read_only,
		.map_size = MAP_SIZE,
	};
	struct store *store = NULL;

	must(store_open(&options, &store), "open");
	return store;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

void
temp_store_close(struct temp_store *temp)
{
	store_close(&temp->store);
	if (temp->dir[0])
		nftw(temp->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	temp->dir[0] = '\0';
}
