/* SPDX-License-Identifier: Apache-2.0 */
#include "store/feed.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "store/base/clock.h"
#include "store/base/event.h"
#include "store/commit_private.h"
#include "store/feed_private.h"
#include "store/feed_state_private.h"
#include "store/reclaim_private.h"
#include "store/session_private.h"
#include "tests/base/on_loop.h"
#include "tests/support/other_process.h"
#include "tests/support/temp_store.h"

static uint64_t
lines(struct store *store)
{
	scoped(db_abort) struct db_txn *txn = NULL;
	uint64_t count = 0;

	cr_assert(zero(int, db_begin_read(store->db, &txn)));
	cr_assert(zero(int, db_count(txn, DB_CHANGE, &count)));
	return count;
}

static enum store_err
apply_dentry(struct store *store, struct db_txn *txn, void *arg)
{
	uint64_t number = *(const uint64_t *)arg;

	return feed_append_dentry(store, txn, number, SLICE("name"),
		number + 1);
}

static uint64_t
change(struct store *store, uint64_t number)
{
	uint64_t commit = 0;

	cr_assert(zero(int, commit_run(store, apply_dentry, &number, &commit)));
	return commit;
}

static void
expect_dentry(struct feed_listener *listener, uint64_t number)
{
	struct feed_entry entry;

	cr_assert(zero(int, feed_next(listener, &entry)));
	cr_expect(eq(int, entry.kind, FEED_DENTRY));
	cr_expect(eq(u64, entry.parent, number));
	cr_expect(eq(u64, entry.ino, number + 1));
	cr_expect(slice_equal(entry.name, SLICE("name")));
}

static void
expect_nothing(struct feed_listener *listener)
{
	struct feed_entry entry;

	feed_wake(listener);
	cr_expect(eq(int, feed_next(listener, &entry), STORE_CANCELED));
}

Test(feed, without_listeners_costs_no_line)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	uint64_t last = db_last_commit(temp.store->db);

	change(temp.store, 1);

	cr_expect(zero(u64, lines(temp.store)));
	cr_expect(eq(u64, db_last_commit(temp.store->db), last));
}

Test(feed, tells_in_order_what_is_committed_after_listening_began)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listener = NULL;

	change(temp.store, 1);
	cr_assert(zero(int, feed_listen(temp.store, 0, &listener)));
	for (uint64_t i = 10; i < 1000; i++)
		change(temp.store, i);

	for (uint64_t i = 10; i < 1000; i++)
		expect_dentry(listener, i);
	expect_nothing(listener);
	feed_ignore(&listener);
}

Test(feed, tells_each_listener)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *first = NULL;
	struct feed_listener *second = NULL;

	cr_assert(zero(int, feed_listen(temp.store, 0, &first)));
	change(temp.store, 1);
	cr_assert(zero(int, feed_listen(temp.store, 0, &second)));
	change(temp.store, 2);

	expect_dentry(first, 1);
	expect_dentry(first, 2);
	expect_dentry(second, 2);
	feed_ignore(&first);
	feed_ignore(&second);
}

static void
change_as(struct store *store, uint64_t origin, uint64_t number)
{
	feed_set_origin(origin);
	change(store, number);
	feed_set_origin(0);
}

Test(feed, what_the_only_listener_did_itself_costs_no_line_and_wakes_nobody)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct shared *shared = temp.store->feed->shared;
	struct feed_listener *listener = NULL;

	cr_assert(zero(int, feed_listen(temp.store, 42, &listener)));
	uint32_t published = atomic_load(&shared->published);
	change_as(temp.store, 42, 1);
	cr_expect(zero(u64, lines(temp.store)));
	cr_expect(eq(u32, atomic_load(&shared->published), published));
	change_as(temp.store, 43, 2);
	change(temp.store, 3);

	expect_dentry(listener, 2);
	expect_dentry(listener, 3);
	expect_nothing(listener);
	feed_ignore(&listener);
}

Test(feed, what_one_of_two_listeners_did_is_told_to_the_other)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *other = NULL;
	struct feed_listener *own = NULL;

	cr_assert(zero(int, feed_listen(temp.store, 42, &own)));
	change_as(temp.store, 42, 1);
	cr_assert(zero(int, feed_listen(temp.store, 43, &other)));
	change_as(temp.store, 42, 2);
	expect_dentry(other, 2);
	feed_ignore(&own);
	change_as(temp.store, 42, 3);
	expect_dentry(other, 3);
	expect_nothing(other);
	change_as(temp.store, 43, 4);

	expect_nothing(other);
	feed_ignore(&other);
}

Test(feed, carries_the_origin_of_the_thread_that_asked_for_the_change)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listener = NULL;
	struct feed_entry entry;

	cr_assert(zero(int, feed_listen(temp.store, 0, &listener)));
	change(temp.store, 1);
	feed_set_origin(42);
	change(temp.store, 2);
	cr_expect(eq(u64, feed_origin(), 42));
	feed_set_origin(0);

	cr_assert(zero(int, feed_next(listener, &entry)));
	cr_expect(zero(u64, entry.origin));
	cr_assert(zero(int, feed_next(listener, &entry)));
	cr_expect(eq(u64, entry.origin, 42));
	feed_ignore(&listener);
}

Test(feed, refuses_one_listener_too_many)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listeners[SHARED_LISTENERS];
	struct feed_listener *more = NULL;

	for (int i = 0; i < SHARED_LISTENERS; i++)
		cr_assert(zero(int, feed_listen(temp.store, 0, &listeners[i])));
	cr_expect(eq(int, feed_listen(temp.store, 0, &more), STORE_BUSY));
	for (int i = 0; i < SHARED_LISTENERS; i++)
		feed_ignore(&listeners[i]);
	cr_expect(zero(int, feed_listen(temp.store, 0, &more)));
	feed_ignore(&more);
}

Test(feed, keeps_lines_until_all_have_dealt_with_them)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listener = NULL;

	reclaim_stop(temp.store);
	cr_assert(zero(int, feed_listen(temp.store, 0, &listener)));
	change(temp.store, 1);
	change(temp.store, 2);
	cr_assert(zero(int, feed_trim(temp.store)));
	cr_expect(eq(u64, lines(temp.store), 2));
	expect_dentry(listener, 1);
	expect_dentry(listener, 2);
	cr_assert(zero(int, feed_trim(temp.store)));
	cr_expect(eq(u64, lines(temp.store), 1));

	expect_nothing(listener);
	cr_assert(zero(int, feed_trim(temp.store)));
	cr_expect(zero(u64, lines(temp.store)));
	feed_ignore(&listener);
}

Test(feed, says_so_where_lines_were_trimmed_unread)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listener = NULL;
	struct feed_entry entry;

	reclaim_stop(temp.store);
	cr_assert(zero(int, feed_listen(temp.store, 0, &listener)));
	change(temp.store, 1);
	/* As if it had lagged behind for a million lines. */
	atomic_store(&temp.store->feed->shared->listener[0].seen, UINT64_MAX);
	cr_assert(zero(int, feed_trim(temp.store)));
	change(temp.store, 2);

	cr_assert(zero(int, feed_next(listener, &entry)));
	cr_expect(eq(int, entry.kind, FEED_LOST));
	change(temp.store, 3);
	expect_dentry(listener, 3);
	feed_ignore(&listener);
}

struct follower {
	struct feed_listener *listener;
	atomic_uint heard;
};

static void *
follow(void *arg)
{
	struct follower *follower = arg;
	struct feed_entry entry;

	while (feed_next(follower->listener, &entry) == STORE_OK)
		atomic_fetch_add(&follower->heard, 1);
	return NULL;
}

Test(feed, waits_until_listeners_have_dealt_with_a_commit)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct follower follower = {0};
	pthread_t thread;

	cr_assert(zero(int, feed_listen(temp.store, 0, &follower.listener)));
	cr_assert(zero(int, pthread_create(&thread, NULL, follow, &follower)));
	for (uint64_t i = 1; i <= 200; i++) {
		feed_wait_seen(temp.store, change(temp.store, i));
		cr_assert(eq(u32, atomic_load(&follower.heard), i));
	}
	feed_wake(follower.listener);
	pthread_join(thread, NULL);
	feed_ignore(&follower.listener);
}

struct fiber_wait {
	struct store *store;
	struct follower *follower;
};

static void
wait_on_fiber(void *arg)
{
	struct fiber_wait *wait = arg;

	for (uint64_t i = 1; i <= 50; i++) {
		feed_wait_seen(wait->store, change(wait->store, i));
		cr_assert(eq(u32, atomic_load(&wait->follower->heard), i));
	}
}

Test(feed, waits_on_a_fiber_as_well)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct follower follower = {0};
	struct fiber_wait wait = {temp.store, &follower};
	pthread_t thread;

	cr_assert(zero(int, feed_listen(temp.store, 0, &follower.listener)));
	cr_assert(zero(int, pthread_create(&thread, NULL, follow, &follower)));
	on_loop(wait_on_fiber, &wait);
	feed_wake(follower.listener);
	pthread_join(thread, NULL);
	feed_ignore(&follower.listener);
}

Test(feed, gives_up_on_one_that_does_not_come_on_until_it_has)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct shared_listener *slot = &temp.store->feed->shared->listener[0];
	struct feed_listener *listener = NULL;

	cr_assert(zero(int, feed_listen(temp.store, 0, &listener)));
	feed_wait_seen(temp.store, change(temp.store, 1));
	cr_expect(eq(u32, atomic_load(&slot->is_lagging), 1));
	/* Returns at once, or the test would take its second again. */
	for (uint64_t i = 2; i < 100; i++)
		feed_wait_seen(temp.store, change(temp.store, i));

	for (uint64_t i = 1; i < 100; i++)
		expect_dentry(listener, i);
	expect_nothing(listener);
	cr_expect(zero(u32, atomic_load(&slot->is_lagging)));
	feed_ignore(&listener);
}

Test(feed, does_not_wait_on_a_thread_with_an_origin)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	struct feed_listener *listener = NULL;

	cr_assert(zero(int, feed_listen(temp.store, 0, &listener)));
	feed_set_origin(1);
	feed_wait_seen(temp.store, change(temp.store, 1));
	feed_set_origin(0);

	cr_expect(zero(u32, atomic_load(&temp.store->feed->shared->listener[0]
						 .is_lagging)));
	feed_ignore(&listener);
}

static void
listen_there(struct store *store, struct other_process *self)
{
	struct feed_listener *listener = NULL;
	struct feed_entry entry;

	cr_assert(zero(int, feed_listen(store, 0, &listener)));
	other_process_tell(self, 0);
	while (feed_next(listener, &entry) == STORE_OK)
		other_process_tell(self, entry.parent);
}

Test(feed, reaches_other_processes)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, listen_there);

	other_process_hear(&other);
	temp_store_reopen(&temp);
	for (uint64_t i = 1; i < 100; i++) {
		feed_wait_seen(temp.store, change(temp.store, i));
		cr_assert(eq(u64, other_process_hear(&other), i));
	}
	other_process_kill(&other);
}

Test(feed, forgets_a_listener_whose_process_was_killed)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_create();
	struct other_process other =
		other_process_start(temp.path, listen_there);

	other_process_hear(&other);
	temp_store_reopen(&temp);
	other_process_kill(&other);
	cr_assert(zero(int, session_reap(temp.store)));

	cr_expect(zero(u64, atomic_load(&temp.store->feed->shared->listeners)));
}
