/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdatomic.h>

#include "store/base/io.h"
#include "store/base/ticker.h"

static void
count(struct ticker *ticker, void *context)
{
	atomic_int *ticks = context;

	(void)ticker;
	atomic_fetch_add(ticks, 1);
}

/* As one that has much to do, and would go on for ever. */
static void
go_on(struct ticker *ticker, void *context)
{
	atomic_int *ticks = context;

	atomic_fetch_add(ticks, 1);
	while (!ticker_is_stopping(ticker))
		io_sleep_ms(1);
}

static void
wait_for(atomic_int *ticks, int number)
{
	while (atomic_load(ticks) < number)
		io_sleep_ms(1);
}

Test(ticker, it_goes_on_until_it_is_stopped)
{
	atomic_int ticks = 0;
	const struct ticker_options options = {
		.name = "test", .then_ms = 1, .tick = count, .context = &ticks};
	struct ticker *ticker = NULL;

	cr_assert(zero(int, ticker_start(&options, &ticker)));
	wait_for(&ticks, 3);
	ticker_stop(&ticker);

	cr_expect(eq(ptr, ticker, NULL));
}

Test(ticker, the_first_tick_is_waited_for_and_a_stop_is_not)
{
	atomic_int ticks = 0;
	const struct ticker_options options = {.name = "test",
		.first_ms = 3600000,
		.tick = count,
		.context = &ticks};
	struct ticker *ticker = NULL;

	cr_assert(zero(int, ticker_start(&options, &ticker)));
	ticker_stop(&ticker);

	cr_expect(zero(int, atomic_load(&ticks)));
}

Test(ticker, a_tick_under_way_learns_of_the_stop)
{
	atomic_int ticks = 0;
	const struct ticker_options options = {
		.name = "test", .tick = go_on, .context = &ticks};
	struct ticker *ticker = NULL;

	cr_assert(zero(int, ticker_start(&options, &ticker)));
	wait_for(&ticks, 1);
	ticker_stop(&ticker);
	ticker_stop(&ticker); /* nothing */

	cr_expect(eq(int, atomic_load(&ticks), 1));
}
