/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. A target has at most one document on its way; it goes from the outbox
 *    before the next one leaves.
 * 2. Nothing is read from the tables while nothing in them has changed and
 *    nobody has to be tried again.
 */
#include "s3api/notify/notifier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "s3api/notify/event_json.h"
#include "s3api/notify/webhook.h"
#include "store/base/cipher.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/thread.h"
#include "store/outbox.h"

#define POLL_MS 200
#define BATCH 100
#define TIDY_MS 60000
#define AGAIN_MS 1000
#define AGAIN_MAX_MS 300000

struct target {
	uint64_t topic;
	struct webhook *webhook; /* NULL: nothing is on its way */
	uint64_t last;		 /* of what is */
	unsigned int failures;	 /* one after the other */
	int64_t not_before_ms;
	bool is_listed;
	struct target *next;
};

struct notifier {
	struct store *store;
	pthread_t thread;
	CURLM *multi;
	atomic_bool is_stopping;

	/* the thread's */
	struct outbox *outbox; /* NULL: another process's */
	struct target *targets;
	uint64_t mark;	      /* as of which the tables were read */
	int64_t next_look_ms; /* though they have not changed since */
	int64_t next_tidy_ms;
};

/* --- targets -------------------------------------------------------------- */

static struct target *
find_target(struct notifier *notifier, uint64_t topic)
{
	struct target *target = notifier->targets;

	while (target && target->topic != topic)
		target = target->next;
	if (target)
		return target;
	target = calloc(1, sizeof(*target));
	if (!target)
		return NULL;
	target->topic = topic;
	target->next = notifier->targets;
	notifier->targets = target;
	return target;
}

static void
free_target(struct target **at)
{
	struct target *target = *at;

	*at = target->next;
	webhook_free(&target->webhook);
	free(target);
}

/* Those whose topics are gone, with what is on its way. */
static void
drop_unlisted(struct notifier *notifier)
{
	struct target **at = &notifier->targets;

	while (*at) {
		if ((*at)->is_listed)
			at = &(*at)->next;
		else
			free_target(at);
	}
}

static void
put_off(struct target *target, const char *why)
{
	int64_t delay_ms = AGAIN_MS;

	for (unsigned int i = 0; i < target->failures; i++)
		if (delay_ms < AGAIN_MAX_MS)
			delay_ms *= 2;
	if (delay_ms > AGAIN_MAX_MS)
		delay_ms = AGAIN_MAX_MS;
	if (target->failures++ == 0)
		log_warn("topic %llu: events wait: %s",
			(unsigned long long)target->topic, why);
	target->not_before_ms = clock_monotonic_ms() + delay_ms;
}

/* --- deliveries ----------------------------------------------------------- */

static enum store_err
begin_delivery(struct notifier *notifier, struct target *target,
	const struct topic *topic, const struct outbox_batch *batch,
	struct arena *arena)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice region = store_region(notifier->store);
	uint8_t secret[TOPIC_SECRET_MAX];
	struct webhook_post post = {
		.multi = notifier->multi,
		.url = topic->url,
		.topic = arena_printf(arena, "arn:aws:sns:%.*s:%.*s:%.*s",
			(int)region.len, region.data,
			(int)topic->organization.len, topic->organization.data,
			(int)topic->name.len, topic->name.data),
	};
	size_t len = 0;
	enum store_err err = topic_secret(notifier->store, topic, secret, &len);

	if (err)
		return err;
	event_json_append(&body, region, batch->events, batch->count);
	if (body.len == 0) {
		cipher_wipe(secret, sizeof(secret));
		return STORE_NO_MEMORY;
	}
	post.body = buffer_slice(&body);
	post.secret = slice_of(secret, len);
	err = webhook_begin(&post, &target->webhook);
	cipher_wipe(secret, sizeof(secret));
	return err;
}

static void
deliver(struct notifier *notifier, struct target *target,
	const struct topic *topic)
{
	scoped(arena_free) struct arena arena = {0};
	struct outbox_batch batch;
	enum store_err err =
		outbox_read(notifier->outbox, topic->id, BATCH, &arena, &batch);

	if (err || !batch.last) {
		if (err)
			put_off(target, error_sentence(err));
		return;
	}
	target->last = batch.last;
	err = batch.count > 0
		      ? begin_delivery(notifier, target, topic, &batch, &arena)
		      : outbox_remove(notifier->outbox, topic->id, batch.last);
	if (err)
		put_off(target, error_sentence(err));
}

static void
end_delivery(struct notifier *notifier, struct target *target)
{
	const char *why;
	bool is_taken = webhook_is_taken(target->webhook, &why);
	enum store_err err;

	if (!is_taken) {
		put_off(target, why);
	} else {
		if (target->failures > 0)
			log_info("topic %llu: events are delivered again",
				(unsigned long long)target->topic);
		target->failures = 0;
		err = outbox_remove(notifier->outbox, target->topic,
			target->last);
		if (err)
			put_off(target, error_sentence(err));
	}
	webhook_free(&target->webhook);
	/* Where it is put off, too, nothing may have been committed. */
	notifier->next_look_ms = 0;
}

/* False: none has come to its end. */
static bool
take_ends(struct notifier *notifier)
{
	struct webhook *webhook = webhook_next(notifier->multi);
	bool is_any = webhook != NULL;

	for (; webhook; webhook = webhook_next(notifier->multi)) {
		struct target *target = notifier->targets;

		while (target && target->webhook != webhook)
			target = target->next;
		if (target)
			end_delivery(notifier, target);
	}
	return is_any;
}

/* --- the thread ----------------------------------------------------------- */

static void
look_at_topic(struct notifier *notifier, const struct topic *topic)
{
	struct target *target = find_target(notifier, topic->id);
	int64_t now_ms = clock_monotonic_ms();

	if (!target)
		return;
	target->is_listed = true;
	if (topic->waiting == 0 || target->webhook)
		return;
	if (now_ms >= target->not_before_ms)
		deliver(notifier, target, topic);
	if (!target->webhook && target->not_before_ms > now_ms &&
		target->not_before_ms < notifier->next_look_ms)
		notifier->next_look_ms = target->not_before_ms;
}

static enum store_err
tidy(struct notifier *notifier, const struct topic *topics, size_t count)
{
	enum store_err err = STORE_OK;

	for (size_t i = 0; i < count && !err; i++)
		if (topics[i].waiting > 0)
			err = outbox_trim(notifier->outbox, &topics[i],
				clock_now_ns());
	return err ? err : outbox_sweep(notifier->outbox);
}

static enum store_err
look(struct notifier *notifier)
{
	scoped(arena_free) struct arena arena = {0};
	uint64_t mark = outbox_mark(notifier->outbox);
	int64_t now_ms = clock_monotonic_ms();
	struct topic *topics = NULL;
	size_t count = 0;
	enum store_err err;

	if (mark == notifier->mark && now_ms < notifier->next_look_ms)
		return STORE_OK;
	notifier->mark = mark;
	notifier->next_look_ms = now_ms + TIDY_MS;
	err = topic_list(notifier->store, SLICE_NULL, &arena, &topics, &count);
	if (err)
		return err;
	for (struct target *target = notifier->targets; target;
		target = target->next)
		target->is_listed = false;
	for (size_t i = 0; i < count; i++)
		look_at_topic(notifier, &topics[i]);
	drop_unlisted(notifier);
	if (now_ms < notifier->next_tidy_ms)
		return STORE_OK;
	notifier->next_tidy_ms = now_ms + TIDY_MS;
	return tidy(notifier, topics, count);
}

/* Nothing of what another process could not do either. */
static bool
has_outbox(struct notifier *notifier)
{
	enum store_err err = STORE_OK;

	if (!notifier->outbox)
		err = outbox_open(notifier->store, &notifier->outbox);
	if (err && err != STORE_BUSY)
		log_error("events: %s", error_sentence(err));
	return notifier->outbox != NULL;
}

static void
run(void *arg)
{
	struct notifier *notifier = arg;
	int running;

	while (!atomic_load(&notifier->is_stopping)) {
		int wait_ms = POLL_MS;

		if (has_outbox(notifier)) {
			enum store_err err = look(notifier);

			if (err) {
				log_error("events: %s", error_sentence(err));
				notifier->next_look_ms = 0;
				wait_ms = AGAIN_MS;
			}
			(void)curl_multi_perform(notifier->multi, &running);
			if (take_ends(notifier))
				wait_ms = 0; /* more may wait */
		} else {
			wait_ms = AGAIN_MS;
		}
		(void)curl_multi_poll(notifier->multi, NULL, 0, wait_ms, NULL);
	}
}

static void
destroy(struct notifier *notifier)
{
	while (notifier->targets)
		free_target(&notifier->targets);
	outbox_close(&notifier->outbox);
	if (notifier->multi)
		(void)curl_multi_cleanup(notifier->multi);
	free(notifier);
	curl_global_cleanup();
}

enum store_err
notifier_start(struct store *store, struct notifier **out)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));
	enum store_err err = STORE_NO_MEMORY;

	if (!notifier)
		return STORE_NO_MEMORY;
	notifier->store = store;
	if (!curl_global_init(CURL_GLOBAL_DEFAULT))
		notifier->multi = curl_multi_init();
	if (notifier->multi)
		err = thread_start(&notifier->thread, "tarn-notify", run,
			notifier);
	if (err) {
		destroy(notifier);
		return err;
	}
	*out = notifier;
	return STORE_OK;
}

void
notifier_stop(struct notifier **ptr)
{
	struct notifier *notifier = *ptr;

	*ptr = NULL;
	if (!notifier)
		return;
	atomic_store(&notifier->is_stopping, true);
	(void)curl_multi_wakeup(notifier->multi);
	pthread_join(notifier->thread, NULL);
	destroy(notifier);
}
