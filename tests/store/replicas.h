/* SPDX-License-Identifier: Apache-2.0 */
/* replicas.h - a bucket, and another that has replicas of what it holds. */
#pragma once

#include "store/replication.h"
#include "tests/store/versions.h"

struct replicas {
	struct versions from; /* "bucket" */
	struct versions to;   /* "replicas"; in the same store */
	struct store *store;
	int64_t now_ns; /* of runs; 0: now */
};

static inline uint64_t
replicas_bucket(struct store *store, const char *name)
{
	uint64_t bucket = objects_bucket(store, name);

	cr_assert(zero(int, versioning_set(store, bucket, VERSIONING_ENABLED)));
	return bucket;
}

/* All keys, with delete markers. */
static inline struct replication_rule
replicas_rule(const struct versions *to, const char *name)
{
	return (struct replication_rule){
		.id = SLICE("all"),
		.said = REPLICATION_ENABLED | REPLICATION_HAS_MARKERS |
			REPLICATION_MARKERS,
		.form = REPLICATION_FILTER,
		.bucket = to->bucket,
		.bucket_name = slice_str(name),
	};
}

static inline void
replicas_put_rules(struct replicas *it, struct replication_rule *rules,
	size_t count)
{
	const struct replication replication = {
		.role = SLICE("arn:aws:iam::default:role/r"),
		.organization = SLICE("default"),
		.name = SLICE("setter"),
		.rules = rules,
		.count = count,
	};

	cr_assert(zero(int,
		replication_put(it->store, it->from.bucket, &replication)));
}

/* Without rules yet. */
static inline struct replicas
replicas_begin_unset(void)
{
	struct replicas it = {.from = versions_begin(VERSIONING_ENABLED)};

	it.store = it.from.store;
	it.to = it.from;
	it.to.bucket = replicas_bucket(it.store, "replicas");
	return it;
}

static inline struct replicas
replicas_begin(void)
{
	struct replicas it = replicas_begin_unset();
	struct replication_rule rule = replicas_rule(&it.to, "replicas");

	replicas_put_rules(&it, &rule, 1);
	return it;
}

static inline void
replicas_end(struct replicas *it)
{
	versions_end(&it->from);
}

static inline struct replication_result
replicas_run(struct replicas *it)
{
	const struct replication_options options = {.now_ns = it->now_ns};
	struct replication_result result;

	cr_assert(zero(int, replication_run(it->store, &options, &result)));
	return result;
}

/* The same as often as something is tried, and much later each time. */
static inline void
replicas_run_out(struct replicas *it)
{
	it->now_ns = clock_now_ns();
	for (int i = 0; i < REPLICATION_TRIES; i++) {
		it->now_ns += 3600 * CLOCK_NS_PER_S;
		(void)replicas_run(it);
	}
	it->now_ns = 0;
}

static inline struct object
replicas_head(struct versions *in, const char *key, struct arena *arena)
{
	struct object object;

	cr_assert(zero(int, object_head(in->store, in->bucket, slice_str(key),
				    arena, &object)));
	return object;
}

static inline enum replication_status
replicas_status(struct versions *in, const char *key)
{
	scoped(arena_free) struct arena arena = {0};

	return replication_status_of(replicas_head(in, key, &arena)
					     .inode.attrs);
}

static inline bool
replicas_count(struct replicas *it, uint64_t waiting, uint64_t failed)
{
	struct replication_counts counts;

	cr_assert(zero(int, replication_count(it->store, &counts)));
	if (counts.waiting == waiting && counts.failed == failed)
		return true;
	fprintf(stderr, "%llu wait, %llu failed\n",
		(unsigned long long)counts.waiting,
		(unsigned long long)counts.failed);
	return false;
}

static inline void
replicas_tag(struct versions *in, const char *key, const char *value)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode_attr attr = {
		INODE_ATTR_TAG, SLICE("k"), slice_str(value)};

	if (value)
		inode_attr_append(&attrs, &attr);
	cr_assert(zero(int,
		object_set_attrs(in->store, in->bucket, slice_str(key),
			buffer_slice(&attrs), 1u << INODE_ATTR_TAG)));
}

static inline bool
replicas_has_tag(struct versions *in, const char *key, const char *value)
{
	scoped(arena_free) struct arena arena = {0};
	struct object object = replicas_head(in, key, &arena);
	struct slice found;

	if (!inode_attr_find(object.inode.attrs, INODE_ATTR_TAG, SLICE("k"),
		    &found))
		return !value;
	return value && slice_equal(found, slice_str(value));
}
