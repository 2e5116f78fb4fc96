/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_private.h"
#include "tests/support/temp_store.h"

static void
write_file(const struct store_path *path, const char *text)
{
	int fd = open(path->text, O_WRONLY | O_TRUNC);

	cr_assert(ge(int, fd, 0));
	cr_assert(eq(sz, (size_t)write(fd, text, strlen(text)), strlen(text)));
	close(fd);
}

static struct store_path
path_in(const struct temp_store *temp, const char *name)
{
	struct store_path path;

	snprintf(path.text, sizeof(path.text), "%s/%s", temp->path, name);
	return path;
}

static enum store_err
try_open(const char *path)
{
	const struct store_options options = {
		.path = path,
		.map_size = 1ull << 30,
	};
	struct store *store = NULL;
	enum store_err err = store_open(&options, &store);

	store_close(&store);
	return err;
}

Test(store, remembers_its_region_across_openings)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();

	temp_store_reopen(&temp);

	cr_expect(slice_equal(store_region(temp.store), SLICE("default")));
}

Test(store, is_not_made_twice_nor_over_other_files)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();

	cr_expect(eq(int, store_create(temp.path, SLICE("r"), NULL),
		STORE_EXISTS));
	cr_expect(eq(int, store_create(temp.dir, SLICE("r"), NULL),
		STORE_NOT_EMPTY));
}

Test(store, is_made_in_an_empty_directory_that_then_is_private)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct store_path path = path_in(&temp, "data/there");
	struct stat st;

	cr_assert(zero(int, mkdir(path.text, 0755)));

	cr_assert(zero(int, store_create(path.text, SLICE("r"), NULL)));
	cr_assert(zero(int, stat(path.text, &st)));
	cr_expect(eq(int, st.st_mode & 0777, 0700));
	cr_expect(zero(int, try_open(path.text)));
}

Test(store, refuses_a_directory_that_is_none)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();

	cr_expect(eq(int, try_open(temp.dir), STORE_NOT_A_STORE));
	cr_expect(eq(int, try_open("/nonexistent/x"), STORE_NOT_A_STORE));
}

Test(store, refuses_a_format_of_another_version)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct store_path path = path_in(&temp, "format");

	write_file(&path, "tarn store 999\n");
	cr_expect(eq(int, try_open(temp.path), STORE_BAD_VERSION));
	/* Without segments. */
	write_file(&path, "tarn store 1\n");
	cr_expect(eq(int, try_open(temp.path), STORE_BAD_VERSION));
	write_file(&path, "something else\n");
	cr_expect(eq(int, try_open(temp.path), STORE_NOT_A_STORE));
}

Test(store, refuses_a_key_that_others_can_read)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct store_path path = path_in(&temp, "store.key");

	cr_assert(zero(int, chmod(path.text, 0640)));

	cr_expect(eq(int, try_open(temp.path), STORE_ACCESS));
}

Test(store, opened_read_only_changes_nothing)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct store *store = temp_store_open_at(temp.path, true);
	struct store_session sessions[4];
	struct store_status status;
	size_t count;

	cr_expect(eq(int, store_sync(store), STORE_READ_ONLY));
	cr_expect(zero(int, store_status(store, &status)));
	cr_expect(eq(u64, status.last_checkpoint, status.last_commit));
	cr_expect(zero(int, store_sessions(store, sessions, 4, &count)));
	cr_expect(zero(sz, count));
	store_close(&store);
}

Test(store, says_who_has_it_open)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct store_session sessions[4];
	size_t count;

	cr_assert(zero(int, store_sessions(temp.store, sessions, 4, &count)));

	cr_assert(eq(sz, count, 1));
	cr_expect(sessions[0].is_alive);
	cr_expect(eq(u32, sessions[0].pid, (uint32_t)getpid()));
	cr_expect(eq(str, sessions[0].role, "test"));
}

Test(store, is_durable_when_closed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct store_status status;

	store_close(&temp.store);
	struct store *store = temp_store_open_at(temp.path, true);

	cr_expect(zero(int, store_status(store, &status)));
	cr_expect(eq(u64, status.last_checkpoint, status.last_commit));
	store_close(&store);
}
