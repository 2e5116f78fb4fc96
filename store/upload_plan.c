/* SPDX-License-Identifier: Apache-2.0 */
#include "store/upload_plan_private.h"

#include <stdlib.h>
#include <string.h>

#include "store/seal.h"

void
upload_plan_free(struct upload_plan *plan)
{
	free(plan->pieces);
	*plan = (struct upload_plan){0};
}

static bool
is_as_listed(const struct upload_part_info *part,
	const struct upload_part_info *wanted)
{
	if (memcmp(part->md5, wanted->md5, sizeof(part->md5)) != 0)
		return false;
	if (!wanted->checksum_len)
		return true;
	return part->checksum_kind == wanted->checksum_kind &&
	       part->checksum_len == wanted->checksum_len &&
	       !memcmp(part->checksum, wanted->checksum, wanted->checksum_len);
}

static enum store_err
plan_piece(struct db_txn *txn, const struct upload_plan *plan,
	const struct upload_part_info *listed, struct upload_piece *piece)
{
	struct record_part record;
	enum store_err err;

	err = upload_parts_find(txn, plan->upload, listed->number, &record);
	if (err)
		return err == STORE_NOT_FOUND ? STORE_BAD_PART : err;
	upload_parts_describe(listed->number, &record, &piece->info);
	if (!is_as_listed(&piece->info, listed))
		return STORE_BAD_PART;
	piece->stored = plan->is_sealed ? seal_stored_len(piece->info.size)
					: piece->info.size;
	piece->blob = record.blob;
	if (!record.blob)
		piece->offset = (listed->number - 1) * plan->slot;
	return STORE_OK;
}

/* Parts 1, 2, 3..., each as long as its slot but the last. */
static bool
is_regular(const struct upload_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct upload_part_info *info = &plan->pieces[i].info;

		if (info->number != i + 1 || info->size > plan->part_size)
			return false;
		if (i + 1 < plan->count && info->size != plan->part_size)
			return false;
	}
	return true;
}

static enum store_err
choose_way(struct db_txn *txn, const struct upload_wanted *wanted,
	struct upload_plan *plan)
{
	bool is_busy;
	enum store_err err;

	plan->way = UPLOAD_WAY_COPY;
	if (!plan->total)
		plan->way = UPLOAD_WAY_EMPTY;
	else if (plan->count == 1 && plan->pieces[0].blob)
		plan->way = UPLOAD_WAY_PART;
	if (plan->way != UPLOAD_WAY_COPY || wanted->must_copy || !plan->blob ||
		!is_regular(plan))
		return STORE_OK;
	err = upload_parts_arriving(txn, plan->upload, wanted->is_claimed,
		&is_busy);
	if (err || is_busy)
		return err;
	plan->way = UPLOAD_WAY_UPLOAD;
	for (size_t i = 0; i < plan->count; i++)
		plan->has_displaced |= plan->pieces[i].blob != 0;
	return STORE_OK;
}

static enum store_err
plan_pieces(struct db_txn *txn, const struct upload_wanted *wanted,
	struct upload_plan *plan)
{
	for (size_t i = 0; i < wanted->count; i++) {
		struct upload_piece *piece = &plan->pieces[i];
		enum store_err err;

		err = plan_piece(txn, plan, &wanted->parts[i], piece);
		if (err)
			return err;
		if (i + 1 < wanted->count && piece->info.size < UPLOAD_PART_MIN)
			return STORE_PART_TOO_SMALL;
		plan->total += piece->info.size;
		plan->stored += piece->stored;
	}
	return plan->total > OBJECT_SIZE_MAX ? STORE_TOO_BIG : STORE_OK;
}

enum store_err
upload_plan_make(struct db_txn *txn, const struct upload_wanted *wanted,
	struct upload_plan *plan)
{
	struct record_upload record;
	enum store_err err;

	upload_plan_free(plan);
	err = upload_find(txn, &wanted->ref, &plan->upload, &record);
	if (err)
		return err;
	plan->blob = record.blob;
	plan->part_size = record.part_size;
	plan->slot = upload_slot(&record);
	plan->is_sealed = upload_is_sealed(&record);
	plan->count = wanted->count;
	plan->pieces = calloc(wanted->count, sizeof(*plan->pieces));
	if (!plan->pieces)
		return STORE_NO_MEMORY;
	err = plan_pieces(txn, wanted, plan);
	if (!err)
		err = choose_way(txn, wanted, plan);
	return err;
}

bool
upload_plan_is_same(const struct upload_plan *a, const struct upload_plan *b)
{
	if (a->blob != b->blob || a->way != b->way || a->total != b->total)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->pieces[i].blob != b->pieces[i].blob ||
			a->pieces[i].offset != b->pieces[i].offset ||
			a->pieces[i].info.size != b->pieces[i].info.size)
			return false;
	return true;
}
