/* SPDX-License-Identifier: Apache-2.0 */
/* Rows are lost, mixed up and altered at random: a check tells, a repair ends
 * with a store that is sound, and what was not hit is as it was. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "store/meta/key.h"
#include "tests/store/names.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

static const enum db_table tables[] = {DB_BUCKET, DB_DENTRY, DB_DENTRY,
	DB_INODE, DB_INODE, DB_BLOB, DB_USAGE, DB_LEASE, DB_SESSION};

/* Blobs, and their segment, have the numbers from 1 to that: fill(). */
#define BLOBS_MAX 13

struct damage {
	uint64_t seed;
	int rows;
};

static uint32_t
draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % below;
}

/* A row of the table, copied; false where it has none. */
static bool
pick_row(struct db_txn *txn, enum db_table table, uint64_t *seed,
	struct key *key, struct buffer *value)
{
	scoped(db_cursor_close) struct db_cursor cursor = {0};
	const struct key first = {.len = 1, .bytes = {0}};
	uint64_t count;

	cr_assert(eq(int, db_count(txn, table, &count), STORE_OK));
	if (count == 0)
		return false;
	cr_assert(eq(int, db_cursor_open(txn, table, &cursor), STORE_OK));
	cr_assert(eq(int, db_cursor_seek(&cursor, key_slice(&first)),
		STORE_OK));
	for (uint32_t skip = draw(seed, (uint32_t)count); skip > 0; skip--)
		cr_assert(eq(int, db_cursor_next(&cursor), STORE_OK));
	key->len = cursor.key.len;
	memcpy(key->bytes, cursor.key.data, key->len);
	buffer_clear(value);
	buffer_append(value, cursor.value);
	return true;
}

static enum store_err
apply_damage(struct store *store, struct db_txn *txn, void *arg)
{
	scoped(buffer_free) struct buffer value = {0};
	const struct damage *damage = arg;
	uint64_t seed = damage->seed;
	enum store_err err = STORE_OK;

	(void)store;
	for (int i = 0; !err && i < damage->rows; i++) {
		enum db_table table =
			tables[draw(&seed, (uint32_t)array_len(tables))];
		uint32_t how = draw(&seed, 4);
		struct key key, other;

		if (!pick_row(txn, table, &seed, &key, &value))
			continue;
		if (how == 0) {
			err = db_delete(txn, table, key_slice(&key));
			continue;
		}
		if (how == 1)
			pick_row(txn, table, &seed, &other, &value);
		else if (how == 2 && value.len > 0)
			value.data[draw(&seed, (uint32_t)value.len)] ^=
				(char)(1 << draw(&seed, 8));
		else if (value.len > 0)
			value.len = draw(&seed, (uint32_t)value.len);
		err = db_put(txn, table, key_slice(&key), buffer_slice(&value));
	}
	return err;
}

static void
fill(struct store *store)
{
	uint64_t bucket = names_bucket(store, "bucket");
	uint64_t other = names_bucket(store, "other");
	char key[700], long_name[KEY_CHUNK + 8];
	struct inode inode;

	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	for (int i = 0; i < 12; i++) {
		snprintf(key, sizeof(key), "d%d/e%d/%s%d", i % 2, i % 3,
			i % 4 ? "k" : long_name, i);
		cr_assert(eq(int,
			objects_put(store, i % 5 ? bucket : other, key, "data"),
			STORE_OK));
	}
	cr_assert(eq(int, objects_put(store, other, "dir/", ""), STORE_OK));
	cr_assert(eq(int,
		tree_symlink(store, bucket, SLICE("link"), SLICE("to"),
			&names_owner, &inode),
		STORE_OK));
	cr_assert(eq(int,
		tree_link(store, inode.ino, bucket, SLICE("again"), &inode),
		STORE_OK));
}

static void
count_lasting(const struct check_finding *finding, void *context)
{
	/* Until a scrub has looked at it. */
	if (finding->kind == CHECK_DAMAGED &&
		strstr(finding->text, "is marked as damaged"))
		return;
	/* Of a blob that never was: the number was altered. */
	if (finding->kind == CHECK_BLOB_MISSING &&
		strtoull(strrchr(finding->text, ' ') + 1, NULL, 10) > BLOBS_MAX)
		return;
	/* Shown, and left alone. */
	if (strstr(finding->text, "has attributes that do not decode"))
		return;
	fprintf(stderr, "%s: %s\n", check_kind_name(finding->kind),
		finding->text);
	++*(int *)context;
}

static void
damage_and_repair(uint64_t seed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct damage damage = {seed, 1 + (int)(seed % 9)};
	struct check_result result;
	int lasting = 0;

	fill(temp.store);
	cr_assert(names_are_sound(temp.store));
	cr_assert(eq(int, names_change(temp.store, apply_damage, &damage),
		STORE_OK));

	cr_expect(eq(int,
			  check_store(temp.store, CHECK_LOOK, NULL, NULL,
				  &result),
			  STORE_OK),
		"seed %d", (int)seed);
	cr_expect(eq(int,
			  check_store(temp.store, CHECK_REPAIR, NULL, NULL,
				  &result),
			  STORE_OK),
		"seed %d", (int)seed);
	cr_expect(eq(int,
		check_store(temp.store, CHECK_LOOK, count_lasting, &lasting,
			&result),
		STORE_OK));
	cr_expect(eq(int, lasting, 0), "seed %d", (int)seed);
}

Test(check_random, what_was_damaged_is_sound_after_a_repair)
{
	/* Those that have found something. */
	static const uint64_t known[] = {41, 68, 124, 179, 205, 608, 718};

	for (uint64_t seed = 1; seed <= 40; seed++)
		damage_and_repair(seed);
	for (size_t i = 0; i < array_len(known); i++)
		damage_and_repair(known[i]);
}
