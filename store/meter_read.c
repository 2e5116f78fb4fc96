/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta/record.h"
#include "store/meter_private.h"
#include "store/store_private.h"

/* Rows looked at in one transaction. */
#define LOOKS_MAX 1024

_Static_assert(sizeof(((struct meter_place *)0)->next) >
		       sizeof(((struct store_document_kind *)0)->text),
	"a place has room for any kind");

struct page {
	struct db_txn *txn;
	const struct meter_range *range;
	struct store_document_kind prefix;
	struct meter_place *place;
};

static void
go_to(struct page *page, const struct store_document_kind *next)
{
	memcpy(page->place->next, next->text, next->len);
	page->place->len = next->len;
}

static enum store_err
decode(const struct store_document_kind *kind, struct slice value,
	struct meter_name *name, struct record_sample *sample)
{
	if (!meter_name_parse(store_document_kind_slice(kind), name))
		return STORE_CORRUPT;
	return record_sample_decode(value, sample);
}

/* What the bucket held in the first hour of the range, before which it has a
 * sample. */
static enum store_err
carry_in(const struct page *page, struct meter_name *name,
	struct record_sample *sample)
{
	struct store_document_kind group = meter_name_group(name);
	struct store_document_kind kind;
	struct slice value;

	name->hour = page->range->from_hour + 1;
	kind = meter_name_kind(name);
	enum store_err err = store_document_find_before(page->txn,
		store_document_kind_slice(&group),
		store_document_kind_slice(&kind), &kind, &value);
	if (!err)
		err = decode(&kind, value, name, sample);
	if (!err && name->hour > page->range->from_hour)
		err = STORE_CORRUPT;
	name->hour = page->range->from_hour;
	return err;
}

static void
tell(const struct meter_name *name, const struct record_sample *sample,
	struct meter_reading *out)
{
	*out = (struct meter_reading){
		.hour = name->hour,
		.objects = sample->objects,
		.bytes = sample->bytes,
		.part_bytes = sample->part_bytes,
		.tiers.of =
			{
				[TIER_HOT] = sample->bytes +
					     sample->part_bytes - sample->warm -
					     sample->cold - sample->archived,
				[TIER_WARM] = sample->warm,
				[TIER_COLD] = sample->cold,
				[TIER_ARCHIVE] = sample->archived,
			},
	};
	memcpy(out->organization, name->organization,
		sizeof(out->organization));
	memcpy(out->bucket, name->bucket, sizeof(out->bucket));
}

/* Looks at one row, which may give a reading. */
static enum store_err
look(struct page *page, struct meter_reading *out, size_t *count)
{
	struct slice prefix = store_document_kind_slice(&page->prefix);
	struct store_document_kind kind;
	struct record_sample sample;
	struct meter_name name;
	struct slice value;
	enum store_err err = store_document_find(page->txn, prefix,
		page->place->len > 0
			? slice_of(page->place->next, page->place->len)
			: prefix,
		&kind, &value);

	if (!err)
		err = decode(&kind, value, &name, &sample);
	if (err)
		return err;
	bool is_carried = name.hour < page->range->from_hour;
	if (name.hour >= page->range->to_hour) {
		kind = meter_name_group_end(&name);
		go_to(page, &kind);
		return STORE_OK;
	}
	if (is_carried)
		err = carry_in(page, &name, &sample);
	if (err)
		return err;
	kind = meter_name_kind(&name);
	kind = meter_name_after(&kind);
	go_to(page, &kind);
	if (is_carried && !sample.objects && !sample.bytes &&
		!sample.part_bytes)
		return STORE_OK;
	tell(&name, &sample, &out[(*count)++]);
	return STORE_OK;
}

enum store_err
meter_read(struct store *store, const struct meter_range *range,
	struct meter_place *place, struct meter_reading *out, size_t max,
	size_t *count)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	enum store_err err = db_begin_read(store->db, &txn);
	struct page page = {
		.txn = txn,
		.range = range,
		.prefix = range->organization
				  ? store_document_kind(METER_SAMPLES "%.*s/",
					    ORGANIZATION_NAME_MAX,
					    range->organization)
				  : store_document_kind(METER_SAMPLES),
		.place = place,
	};

	*count = 0;
	for (size_t i = 0; i < LOOKS_MAX && *count < max && !err; i++)
		err = look(&page, out, count);
	place->is_end = err == STORE_NOT_FOUND;
	return place->is_end ? STORE_OK : err;
}
