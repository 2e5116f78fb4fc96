/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/capacity.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* What is logged while so many connections are wanted. */
static size_t
ask(struct capacity capacity, size_t wanted, bool are_asked_for,
	char logged[1000])
{
	int fd = memfd_create("log", 0);

	cr_assert(ge(int, fd, 0));
	cr_assert(ge(int, dup2(fd, STDERR_FILENO), 0));
	size_t most = capacity_connections(&capacity, wanted, 0, are_asked_for);
	ssize_t len = pread(fd, logged, 999, 0);
	cr_assert(ge(long, len, 0));
	logged[len] = '\0';
	close(fd);
	return most;
}

Test(capacity, what_is_enough_bounds_nothing)
{
	char logged[1000];

	cr_expect(eq(sz,
		ask((struct capacity){20256, 28192}, 10000, true, logged),
		10000));
	cr_expect(eq(sz,
		ask((struct capacity){UINT64_MAX, UINT64_MAX}, SIZE_MAX / 4,
			true, logged),
		SIZE_MAX / 4));
	cr_expect(eq(str, logged, ""));
}

Test(capacity, a_connection_takes_two_descriptors_and_the_store_some)
{
	char logged[1000];
	struct capacity capacity = {20000, UINT64_MAX};

	cr_expect(eq(sz, ask(capacity, 10000, false, logged), 9872));
	cr_expect(eq(str, logged, ""));
	cr_expect(eq(sz, ask(capacity, 10000, true, logged), 9872));
	cr_expect(strstr(logged, "at most 9872 connections: the process may "
				 "have 20000 descriptors\n") != NULL);
	capacity.descriptors = 1024;
	cr_expect(eq(sz, ask(capacity, 10000, false, logged), 384));
	cr_expect(strstr(logged, "at most 384 connections") != NULL);
	capacity.descriptors = 100;
	cr_expect(eq(sz, ask(capacity, 10000, false, logged), 25));
	cr_expect(eq(sz, ask(capacity, 10, false, logged), 10));
}

Test(capacity, a_connection_takes_two_mappings_and_the_process_some)
{
	char logged[1000];
	struct capacity capacity = {UINT64_MAX, 65530};

	cr_expect(eq(sz, ask(capacity, 10000, true, logged), 10000));
	cr_expect(eq(str, logged, ""));
	cr_expect(eq(sz, ask(capacity, 50000, true, logged), 28669));
	cr_expect(strstr(logged,
			  "at most 28669 connections: the process may "
			  "have 65530 mappings (vm.max_map_count)\n") != NULL);
	capacity.mappings = 10000;
	cr_expect(eq(sz, ask(capacity, 10000, false, logged), 2500));
	cr_expect(strstr(logged, "at most 2500 connections") != NULL);
}

Test(capacity, each_loop_keeps_stacks_of_its_own)
{
	const struct capacity capacity = {UINT64_MAX, 65530};

	cr_expect(eq(sz, capacity_connections(&capacity, 50000, 16, true),
		24573));
}

Test(capacity, is_read_from_the_system)
{
	unsigned long count = 0;
	FILE *file = fopen("/proc/sys/vm/max_map_count", "r");
	cr_assert(ne(ptr, file, NULL));
	cr_assert(eq(int, fscanf(file, "%lu", &count), 1));
	(void)fclose(file);
	struct rlimit files;
	cr_assert(zero(int, getrlimit(RLIMIT_NOFILE, &files)));
	files.rlim_cur = 777;
	cr_assert(zero(int, setrlimit(RLIMIT_NOFILE, &files)));

	struct capacity capacity = capacity_read();

	cr_expect(eq(u64, capacity.descriptors, 777));
	cr_expect(eq(u64, capacity.mappings, count));
}
