/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/capacity.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "store/base/log.h"
#include "store/base/loop.h"

/* The store needs some to write at all, whoever connects. */
#define DESCRIPTORS_KEPT ((uint64_t)256)
/* Tables, libraries, stacks of threads; and two for each stack that a loop
 * keeps for the next fiber. */
#define MAPPINGS_KEPT ((uint64_t)8192)
#define CONNECTIONS_FEW 4096u

static uint64_t
read_mappings(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	uint64_t count = 0;

	if (!file)
		return UINT64_MAX;
	bool is_read = fscanf(file, "%" SCNu64, &count) == 1;
	(void)fclose(file);
	return is_read ? count : UINT64_MAX;
}

static uint64_t
read_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return UINT64_MAX;
	return limit.rlim_cur;
}

struct capacity
capacity_read(void)
{
	return (struct capacity){
		.descriptors = read_descriptors(),
		.mappings = read_mappings(),
	};
}

/* Two for each, and never more than half of them kept. */
static size_t
limit(size_t connections, uint64_t have, uint64_t kept)
{
	kept = have / 2 < kept ? have / 2 : kept;
	uint64_t most = (have - kept) / 2;

	return connections < most ? connections : (size_t)most;
}

size_t
capacity_connections(const struct capacity *capacity, size_t wanted,
	unsigned int loops, bool are_asked_for)
{
	uint64_t kept = MAPPINGS_KEPT + 2ull * LOOP_STACKS_MAX * loops;
	size_t by_descriptors =
		limit(wanted, capacity->descriptors, DESCRIPTORS_KEPT);
	size_t by_mappings = limit(wanted, capacity->mappings, kept);
	size_t most =
		by_descriptors < by_mappings ? by_descriptors : by_mappings;

	if (most == wanted || (most >= CONNECTIONS_FEW && !are_asked_for))
		return most;
	if (by_descriptors == most)
		log_warn("at most %zu connections: the process may have "
			 "%" PRIu64 " descriptors",
			most, capacity->descriptors);
	else
		log_warn("at most %zu connections: the process may have "
			 "%" PRIu64 " mappings (vm.max_map_count)",
			most, capacity->mappings);
	return most;
}
