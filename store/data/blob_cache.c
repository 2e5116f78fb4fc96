/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. What is in an entry is the cache's own: it is copied and taken out under
 *    the lock, and closed without it.
 * 2. An id is in one entry at most, of the set that it falls into.
 */
#include "store/data/blob_cache_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/base/clock.h"
#include "store/base/mutex.h"

#define SETS 256
#define WAYS 4
#define KEPT_MS 1000
/* Of the descriptors that the process may have, connections need most. */
#define NEEDS_DESCRIPTORS (16 * SETS * WAYS)

struct entry {
	uint64_t id; /* 0: free */
	int fd;
	uint64_t size;
	int64_t since_ms;
};

struct blob_cache {
	pthread_mutex_t lock;
	/* under lock */
	struct entry entries[SETS][WAYS];
	unsigned int next[SETS]; /* whose turn it is to go */
};

struct blob_cache *
blob_cache_create(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) ||
		limit.rlim_cur < NEEDS_DESCRIPTORS)
		return NULL;
	struct blob_cache *cache = calloc(1, sizeof(*cache));
	if (cache)
		mutex_init(&cache->lock);
	return cache;
}

void
blob_cache_free(struct blob_cache **ptr)
{
	struct blob_cache *cache = *ptr;

	*ptr = NULL;
	if (!cache)
		return;
	for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
		struct entry *entry = &cache->entries[i / WAYS][i % WAYS];

		if (entry->id)
			close(entry->fd);
	}
	mutex_destroy(&cache->lock);
	free(cache);
}

/* NULL: it is not there.  Id 0: an entry that is free. */
static struct entry *
find_locked(struct blob_cache *cache, uint64_t set, uint64_t id)
{
	struct entry *entries = cache->entries[set % SETS];

	for (size_t i = 0; i < WAYS; i++) {
		if (entries[i].id == id)
			return &entries[i];
	}
	return NULL;
}

int
blob_cache_take(struct blob_cache *cache, uint64_t id, uint64_t *size)
{
	if (!cache)
		return -1;
	mutex_scoped(&cache->lock);
	const struct entry *entry = find_locked(cache, id, id);

	if (!entry)
		return -1;
	*size = entry->size;
	return fcntl(entry->fd, F_DUPFD_CLOEXEC, 0);
}

/* Gives what had to make room, or -1. */
static int
put(struct blob_cache *cache, uint64_t id, int fd, uint64_t size)
{
	int64_t now_ms = clock_monotonic_ms();
	mutex_scoped(&cache->lock);
	struct entry *entry = find_locked(cache, id, id);

	if (!entry)
		entry = find_locked(cache, id, 0);
	if (!entry)
		entry = &cache->entries[id % SETS]
				       [cache->next[id % SETS]++ % WAYS];
	int before = entry->id ? entry->fd : -1;

	*entry = (struct entry){id, fd, size, now_ms};
	return before;
}

void
blob_cache_keep(struct blob_cache *cache, uint64_t id, int fd, uint64_t size)
{
	int copy = cache ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;

	if (copy < 0)
		return;
	int before = put(cache, id, copy, size);
	if (before >= 0)
		close(before);
}

/* What the entry has, or -1; it is free from now on. */
static int
empty_locked(struct entry *entry)
{
	int fd = entry && entry->id ? entry->fd : -1;

	if (entry)
		*entry = (struct entry){0};
	return fd;
}

static int
take_out(struct blob_cache *cache, uint64_t id)
{
	mutex_scoped(&cache->lock);

	return empty_locked(find_locked(cache, id, id));
}

void
blob_cache_drop(struct blob_cache *cache, uint64_t id)
{
	int fd = cache ? take_out(cache, id) : -1;

	if (fd >= 0)
		close(fd);
}

/* Those of one set that are too old; gives how many. */
static size_t
take_old(struct blob_cache *cache, size_t set, int64_t now_ms, int fds[WAYS])
{
	mutex_scoped(&cache->lock);
	size_t count = 0;

	for (size_t i = 0; i < WAYS; i++) {
		struct entry *entry = &cache->entries[set][i];

		if (entry->id && now_ms - entry->since_ms >= KEPT_MS)
			fds[count++] = empty_locked(entry);
	}
	return count;
}

void
blob_cache_expire(struct blob_cache *cache, int64_t now_ms)
{
	for (size_t set = 0; cache && set < SETS; set++) {
		int fds[WAYS];
		size_t count = take_old(cache, set, now_ms, fds);

		for (size_t i = 0; i < count; i++)
			close(fds[i]);
	}
}
