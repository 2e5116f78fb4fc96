/* SPDX-License-Identifier: Apache-2.0 */
#include "store/tier_private.h"

#include "store/access_day_private.h"
#include "store/base/arena.h"
#include "store/base/codec.h"
#include "store/bucket.h"
#include "store/dentry_private.h"
#include "store/meta/key.h"
#include "store/usage_private.h"

#define ARCHIVE_VERSION 1

const char *
tier_name(enum tier tier)
{
	static const char *const names[TIERS] = {
		[TIER_HOT] = "hot",
		[TIER_WARM] = "warm",
		[TIER_COLD] = "cold",
		[TIER_ARCHIVE] = "archive",
	};

	return names[tier];
}

uint64_t
tier_sum(const struct tier_bytes *bytes)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < TIERS; i++)
		sum += bytes->of[i];
	return sum;
}

/* --- the archive ---------------------------------------------------------- */

static bool
are_days(uint64_t days)
{
	return days >= TIER_ARCHIVE_DAYS_MIN && days <= TIER_ARCHIVE_DAYS_MAX;
}

static enum store_err
decode_archive(struct slice value, uint32_t *days)
{
	struct decoder decoder = codec_decoder(value);
	uint8_t version = codec_decode_u8(&decoder);

	*days = codec_decode_u32(&decoder);
	return decoder.is_bad || codec_decode_left(&decoder) ||
			       version != ARCHIVE_VERSION || !are_days(*days)
		       ? STORE_CORRUPT
		       : STORE_OK;
}

bool
tier_archive_is_sound(struct slice value)
{
	uint32_t days;

	return decode_archive(value, &days) == STORE_OK;
}

enum store_err
tier_archive_days(struct store *store, uint64_t bucket, uint32_t *days)
{
	scoped(arena_free) struct arena arena = {0};
	struct slice value;
	enum store_err err = bucket_get_document(store, bucket,
		SLICE(TIER_ARCHIVE_KIND), &arena, &value);

	*days = 0;
	if (err)
		return err == STORE_NOT_FOUND ? STORE_OK : err;
	return decode_archive(value, days);
}

enum store_err
tier_set_archive_days(struct store *store, uint64_t bucket, uint32_t days)
{
	scoped(buffer_free) struct buffer value = {0};
	struct usage usage;

	if (days && !are_days(days))
		return STORE_INVALID;
	enum store_err err = usage_of_bucket(store, bucket, &usage);
	if (err)
		return err;
	codec_encode_u8(&value, ARCHIVE_VERSION);
	codec_encode_u32(&value, days);
	struct slice document = buffer_slice(&value);
	return bucket_set_document(store, bucket, SLICE(TIER_ARCHIVE_KIND),
		days ? &document : NULL);
}

/* Without an archive, too, where its document is damaged: that is fsck's. */
static enum store_err
read_archive(struct db_txn *txn, uint64_t bucket, uint32_t *days)
{
	struct key key = key_dentry(bucket, SLICE(TIER_ARCHIVE_KIND));
	struct slice value;
	enum store_err err = db_get(txn, DB_DOCUMENT, key_slice(&key), &value);

	if (!err && decode_archive(value, days))
		err = STORE_NOT_FOUND;
	if (err)
		*days = 0;
	return err == STORE_NOT_FOUND ? STORE_OK : err;
}

/* --- sums ----------------------------------------------------------------- */

struct sums {
	uint32_t today;
	uint32_t archive_days; /* 0: none */
	struct tier_bytes bytes;
	uint64_t left; /* of what the bucket holds */
	size_t rows;
};

static enum tier
tier_after(const struct sums *sums, uint32_t days)
{
	if (days < TIER_WARM_DAYS)
		return TIER_HOT;
	if (days < TIER_COLD_DAYS)
		return TIER_WARM;
	return sums->archive_days && days >= sums->archive_days ? TIER_ARCHIVE
								: TIER_COLD;
}

/* Rows that are wrong tell of no more than there is. */
static void
add_row(uint32_t day, uint64_t bytes, void *context)
{
	struct sums *sums = context;
	uint32_t days = sums->today > day ? sums->today - day : 0;

	if (bytes > sums->left)
		bytes = sums->left;
	sums->left -= bytes;
	sums->bytes.of[tier_after(sums, days)] += bytes;
	sums->rows++;
}

enum store_err
tier_counted(struct db_txn *txn, uint64_t bucket,
	const struct record_usage *usage, uint32_t today,
	struct tier_bytes *out, size_t *rows)
{
	struct sums sums = {.today = today, .left = usage->bytes};
	enum store_err err = read_archive(txn, bucket, &sums.archive_days);

	if (!err)
		err = access_day_each(txn, bucket, add_row, &sums);
	sums.bytes.of[TIER_WARM] += sums.left;
	sums.bytes.of[TIER_HOT] += usage->part_bytes;
	*out = sums.bytes;
	*rows = sums.rows;
	return err;
}

enum store_err
tier_of_bucket(struct store *store, uint64_t bucket, uint32_t today,
	struct tier_bytes *out)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	struct record_usage usage;
	struct inode root;
	size_t rows;
	enum store_err err = db_begin_read(store->db, &txn);

	if (!err)
		err = dentry_inode(txn, bucket, &root);
	if (err)
		return err == STORE_STALE ? STORE_NO_BUCKET : err;
	err = usage_counted(txn, bucket, &usage);
	return err ? err : tier_counted(txn, bucket, &usage, today, out, &rows);
}
