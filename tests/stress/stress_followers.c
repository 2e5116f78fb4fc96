/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads put, delete, tag, lock, link and rename what two buckets replicate to
 * each other and tell two topics of, while the threads that deliver and that
 * replicate come, work and are stopped; rules and topics change meanwhile.
 *
 * In the end each topic has been told or waits, nothing waits to be replicated,
 * and fsck has nothing to say.
 */
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "s3api/notify/notifier.h"
#include "s3api/replicator.h"
#include "store/audit.h"
#include "store/lock.h"
#include "store/notification.h"
#include "store/object_event.h"
#include "store/replication.h"
#include "store/topic.h"
#include "store/tree.h"
#include "store/versioning.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define WRITERS 4
#define ROUNDS 150
#define KEYS 4
#define CHANGES 40
#define STARTS 4
#define RUNS_MAX 100

static const char *const keys[KEYS] = {"a", "d/a", "d/b", "e/c"};

struct stress {
	struct store *store;
	struct audit *audit;
	struct bucket locked; /* has Object Lock */
	struct bucket plain;  /* is renamed in, too */
	struct topic_draft open;
	struct topic_draft closed; /* nobody listens there */
	int listener;
	atomic_uint told; /* documents */
	atomic_uint wrong;
	atomic_bool is_over;
};

struct worker {
	struct stress *stress;
	unsigned seed;
	pthread_t thread;
};

static unsigned
draw(struct worker *worker, unsigned below)
{
	worker->seed = worker->seed * 1103515245u + 12345u;
	return (worker->seed >> 8) % below;
}

static void
expect(struct stress *stress, bool holds, const char *what)
{
	if (holds)
		return;
	atomic_fetch_add(&stress->wrong, 1);
	fprintf(stderr, "not so: %s\n", what);
}

/* --- who is told ---------------------------------------------------------- */

/* Reads a document, or what comes of it, and thanks for it. */
static void
take_document(struct stress *stress, int fd)
{
	static const char thanks[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	char bytes[4096];
	const char *head_end = NULL, *length;
	size_t len = 0, left = 0;
	ssize_t got;

	while (!head_end && len < sizeof(bytes) - 1) {
		got = recv(fd, bytes + len, sizeof(bytes) - 1 - len, 0);
		if (got <= 0)
			return;
		len += (size_t)got;
		bytes[len] = 0;
		head_end = strstr(bytes, "\r\n\r\n");
	}
	length = strcasestr(bytes, "Content-Length:");
	if (!head_end || !length)
		return;
	left = strtoul(length + strlen("Content-Length:"), NULL, 10);
	left -= len - (size_t)(head_end + 4 - bytes);
	for (; left > 0; left -= (size_t)got) {
		got = recv(fd, bytes,
			left < sizeof(bytes) ? left : sizeof(bytes), 0);
		if (got <= 0)
			return;
	}
	got = send(fd, thanks, sizeof(thanks) - 1, MSG_NOSIGNAL);
	atomic_fetch_add(&stress->told, got > 0);
}

static void *
listen_to_events(void *arg)
{
	struct stress *stress = arg;
	int fd;

	while ((fd = accept(stress->listener, NULL, NULL)) >= 0) {
		take_document(stress, fd);
		close(fd);
	}
	return NULL;
}

/* Bound; whose port it is stays so while it is open. */
static int
bind_any(unsigned *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd >= 0);
	assert(!bind(fd, (struct sockaddr *)&address, len));
	assert(!getsockname(fd, (struct sockaddr *)&address, &len));
	*port = ntohs(address.sin_port);
	return fd;
}

/* --- what is asked for ---------------------------------------------------- */

static void
ask_for_events(struct stress *stress, const struct bucket *bucket)
{
	struct notification notification = {.count = 2};

	notification.rules[0] = (struct notification_rule){
		.id = SLICE("below d"),
		.topic = stress->open.name,
		.names = (1u << EVENT_NAMES) - 1,
		.has_prefix = true,
		.prefix = SLICE("d/"),
	};
	notification.rules[1] = (struct notification_rule){
		.id = SLICE("a"),
		.topic = stress->closed.name,
		.names = (1u << EVENT_NAMES) - 1,
		.has_prefix = true,
		.prefix = SLICE("a"),
	};
	expect(stress,
		!notification_put(stress->store, bucket, &notification, true),
		"a bucket may have its events told");
}

static void
ask_for_replicas(struct stress *stress, const struct bucket *from,
	const struct bucket *to)
{
	struct replication_rule rule = {
		.id = SLICE("all"),
		.said = REPLICATION_ENABLED | REPLICATION_HAS_MARKERS |
			REPLICATION_MARKERS,
		.form = REPLICATION_FILTER,
		.bucket = to->ino,
		.bucket_name = slice_str(to->name),
	};
	const struct replication replication = {
		.organization = SLICE("default"),
		.name = SLICE("setter"),
		.rules = &rule,
		.count = 1,
	};

	expect(stress, !replication_put(stress->store, from->ino, &replication),
		"a bucket may have replicas");
}

static void *
change_rules(void *arg)
{
	struct stress *stress = arg;

	for (int i = 0; i < CHANGES; i++) {
		ask_for_events(stress, &stress->plain);
		ask_for_replicas(stress, &stress->plain, &stress->locked);
		expect(stress,
			!topic_delete(stress->store, SLICE("default"),
				stress->closed.name),
			"a topic goes");
		expect(stress, !topic_create(stress->store, &stress->closed),
			"a topic comes back");
	}
	return NULL;
}

/* --- what changes --------------------------------------------------------- */

static bool
may_be(enum store_err err)
{
	return !err || err == STORE_NOT_FOUND || err == STORE_BUSY ||
	       err == STORE_LOCKED || err == STORE_STALE ||
	       err == STORE_EXISTS || err == STORE_NOT_EMPTY ||
	       err == STORE_CROSS_BUCKET;
}

static enum store_err
tag(struct stress *stress, uint64_t bucket, const char *key)
{
	scoped(buffer_free) struct buffer attrs = {0};
	const struct inode_attr attr = {
		INODE_ATTR_TAG, SLICE("k"), slice_str(key)};

	inode_attr_append(&attrs, &attr);
	return object_set_attrs(stress->store, bucket, slice_str(key),
		buffer_slice(&attrs), 1u << INODE_ATTR_TAG);
}

/* One name more, or the only one elsewhere; back and forth. */
static enum store_err
move(struct stress *stress, uint64_t bucket, bool is_back)
{
	struct inode gone;

	return tree_rename(stress->store, bucket,
		is_back ? SLICE("f") : SLICE("d"), TREE_DIR, bucket,
		is_back ? SLICE("d") : SLICE("f"), 0, &gone);
}

static enum store_err
link_again(struct stress *stress, uint64_t bucket)
{
	scoped(arena_free) struct arena arena = {0};
	struct inode file, gone;
	enum store_err err = tree_lookup(stress->store, bucket, SLICE("a"),
		TREE_FILE, &arena, &file);

	if (!err)
		err = tree_link(stress->store, file.ino, bucket, SLICE("ab"),
			&file);
	if (err == STORE_EXISTS)
		err = tree_unlink(stress->store, bucket, SLICE("ab"), &gone);
	return err;
}

static enum store_err
hold(struct worker *worker, const char *key)
{
	static const struct version_ref current = {.which = VERSION_CURRENT};
	struct stress *stress = worker->stress;

	return lock_set_hold(stress->store, stress->locked.ino, slice_str(key),
		&current, draw(worker, 2));
}

static void *
change_objects(void *arg)
{
	struct worker *worker = arg;
	struct stress *stress = worker->stress;

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t bucket = draw(worker, 2) ? stress->locked.ino
						  : stress->plain.ino;
		const char *key = keys[draw(worker, KEYS)];
		enum store_err err;

		switch (draw(worker, 8)) {
		case 0:
			err = object_delete(stress->store, bucket,
				slice_str(key), NULL);
			break;
		case 1:
		case 2:
			err = tag(stress, bucket, key);
			break;
		case 3:
			err = hold(worker, key);
			break;
		case 4:
			err = move(stress, stress->plain.ino, draw(worker, 2));
			break;
		case 5:
			err = link_again(stress, stress->plain.ino);
			break;
		default:
			err = objects_put(stress->store, bucket, key, "body");
		}
		expect(stress, may_be(err), error_sentence(err));
	}
	return NULL;
}

/* --- who follows ---------------------------------------------------------- */

struct followers {
	struct notifier *notifier;
	struct replicator *replicator;
};

static void
start_followers(struct stress *stress, struct followers *followers)
{
	assert(!notifier_start(stress->store, &followers->notifier));
	assert(!replicator_start(stress->store, stress->audit,
		&followers->replicator));
}

static void
stop_followers(struct followers *followers)
{
	notifier_stop(&followers->notifier);
	replicator_stop(&followers->replicator);
}

static void
read_counts(struct stress *stress)
{
	scoped(arena_free) struct arena arena = {0};
	struct replication_counts counts;
	struct topic *topics;
	size_t count;

	expect(stress, !replication_count(stress->store, &counts),
		"what waits can be told");
	expect(stress,
		!topic_list(stress->store, SLICE_NULL, &arena, &topics, &count),
		"topics can be listed");
}

/* They come and go; the last ones stay until all is over. */
static void *
follow(void *arg)
{
	struct stress *stress = arg;
	struct followers followers = {0};

	for (int i = 0; i < STARTS || !atomic_load(&stress->is_over); i++) {
		unsigned told = atomic_load(&stress->told);

		start_followers(stress, &followers);
		while (atomic_load(&stress->told) == told &&
			!atomic_load(&stress->is_over))
			read_counts(stress);
		stop_followers(&followers);
	}
	return NULL;
}

static void
race(struct stress *stress)
{
	struct worker writers[WRITERS];
	pthread_t listener, follower, changer;

	assert(!pthread_create(&listener, NULL, listen_to_events, stress));
	assert(!pthread_create(&follower, NULL, follow, stress));
	assert(!pthread_create(&changer, NULL, change_rules, stress));
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct worker){
			.stress = stress, .seed = (i + 1) * 7919u};
		assert(!pthread_create(&writers[i].thread, NULL, change_objects,
			&writers[i]));
	}
	for (unsigned i = 0; i < WRITERS; i++)
		assert(!pthread_join(writers[i].thread, NULL));
	assert(!pthread_join(changer, NULL));
	atomic_store(&stress->is_over, true);
	assert(!pthread_join(follower, NULL));
	(void)shutdown(stress->listener, SHUT_RDWR);
	assert(!pthread_join(listener, NULL));
}

/* --- afterwards ----------------------------------------------------------- */

static void
expect_replicated(struct stress *stress)
{
	struct replication_options options = {.now_ns = clock_now_ns()};
	struct replication_result result = {.left = 1};
	struct replication_counts counts;

	for (int i = 0; i < RUNS_MAX && result.left > 0; i++) {
		options.now_ns += 3600 * CLOCK_NS_PER_S;
		expect(stress,
			!replication_run(stress->store, &options, &result),
			"what waits can be replicated");
	}
	expect(stress, !replication_count(stress->store, &counts),
		"what waits can be told");
	expect(stress, counts.waiting == 0, "nothing waits any more");
	expect(stress, counts.failed == 0, "nothing was given up");
}

static void
print_finding(const struct check_finding *finding, void *context)
{
	(void)context;
	fprintf(stderr, "%s: %s\n", check_kind_name(finding->kind),
		finding->text);
}

static void
expect_sound(struct stress *stress)
{
	struct check_result result;
	enum store_err err = check_store(stress->store, CHECK_LOOK,
		print_finding, NULL, &result);

	expect(stress, !err && !result.findings, "fsck has nothing to say");
	expect(stress, atomic_load(&stress->told) > 0, "somebody was told");
}

/* --- before --------------------------------------------------------------- */

static struct bucket
make_bucket(struct stress *stress, const char *name)
{
	struct bucket bucket;

	assert(!bucket_create(stress->store, slice_str(name), SLICE("default"),
		&bucket));
	assert(!versioning_set(stress->store, bucket.ino, VERSIONING_ENABLED));
	return bucket;
}

static struct topic_draft
make_topic(struct stress *stress, const char *name, struct slice url)
{
	const struct topic_draft draft = {
		.organization = SLICE("default"),
		.name = slice_str(name),
		.url = url,
		.secret = SLICE("0123456789abcdef"),
		.events_max = 40,
	};

	assert(!topic_create(stress->store, &draft));
	return draft;
}

static void
prepare(struct stress *stress, const char *dir, struct arena *arena,
	int *closed)
{
	const struct inode_lock_rule rule = {.is_enabled = true};
	const struct audit_options audit = {
		.dir = arena_printf(arena, "%s/audit", dir).data,
		.role = "stress",
	};
	unsigned port;

	assert(!audit_open(stress->store, &audit, &stress->audit));
	stress->listener = bind_any(&port);
	assert(!listen(stress->listener, 16));
	stress->open = make_topic(stress, "open",
		arena_printf(arena, "http://127.0.0.1:%u/", port));
	*closed = bind_any(&port);
	stress->closed = make_topic(stress, "closed",
		arena_printf(arena, "http://127.0.0.1:%u/", port));
	stress->locked = make_bucket(stress, "locked");
	stress->plain = make_bucket(stress, "plain");
	assert(!lock_set_rule(stress->store, stress->locked.ino, &rule));
	ask_for_events(stress, &stress->locked);
	ask_for_events(stress, &stress->plain);
	ask_for_replicas(stress, &stress->locked, &stress->plain);
	ask_for_replicas(stress, &stress->plain, &stress->locked);
}

int
main(void)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	struct stress stress = {.store = temp.store};
	int closed;

	prepare(&stress, temp.dir, &arena, &closed);
	race(&stress);
	expect_replicated(&stress);
	expect_sound(&stress);
	audit_close(&stress.audit);
	close(stress.listener);
	close(closed);
	printf("%d passed, %d failed\n", !stress.wrong, !!stress.wrong);
	return stress.wrong != 0;
}
