/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter_private.h - how samples are kept.
 *
 *	sample/ORGANIZATION/BUCKET/HOUR   a sample
 *	sampled                           how far the sampling has come
 *
 * are documents of the store; HOUR is 16 hexadecimal digits.
 *
 *	meter.c		takes samples, removes old ones
 *	meter_name.c	their names
 *	meter_read.c	gives them out in pages
 *	meter_thread.c	each hour
 *
 * 1. What a bucket held in an hour is what its last sample up to that hour
 *    says; none is as good as one of zeros.
 * 2. `sampled` never goes back, and no sample is written for an hour before
 *    it.
 * 3. Each step's transaction begins where `sampled` says and says how far it
 *    came.  So whoever comes takes the next step, and none is taken twice.
 * 4. A step touches METER_BATCH buckets at most, and fewer where bytes are of
 *    many days: writers wait no longer.
 */
#pragma once

#include "store/meter.h"
#include "store/store_document_private.h"

#define METER_BATCH 1000

#define METER_SAMPLES "sample/"
#define METER_SAMPLED "sampled"

/* Of what `sampled` says to go on from: a kind, and a NUL. */
#define METER_FROM_MAX (STORE_DOCUMENT_KIND_MAX + 1)

struct meter_name {
	char organization[ORGANIZATION_NAME_MAX + 1];
	char bucket[BUCKET_NAME_MAX + 1];
	uint64_t hour;
};

/* False where no sample can have such a name. */
bool meter_name_make(struct slice organization, struct slice bucket,
	uint64_t hour, struct meter_name *out);
bool meter_name_parse(struct slice kind, struct meter_name *out);
struct store_document_kind meter_name_kind(const struct meter_name *name);

/* What all samples of the bucket begin with; what is above all of them, and
 * the name of none. */
struct store_document_kind meter_name_group(const struct meter_name *name);
struct store_document_kind meter_name_group_end(const struct meter_name *name);

/* The lowest that is above this one. */
struct store_document_kind
meter_name_after(const struct store_document_kind *kind);

/* False: a document of this kind does not decode. */
bool meter_document_is_sound(struct slice kind, struct slice value);

/* One step of meter_sample(); *more: it was not the last. */
must_check enum store_err meter_step(struct store *store, uint64_t hour,
	bool *more);

/* store_close()'s use. */
void meter_thread_stop(struct store *store);
