/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 1. Each CPU that there may be has a queue: without one of them the kernel
 *    uses none.
 * 2. An entry is the kernel's until its command gives a result.  Then it holds
 *    a request and is ours, until the answer is given with a further command.
 * 3. Only the queue's thread gives commands (command_ring.h).  Who answers on
 *    another one puts the entry on the list `answered` and wakes it.
 * 4. What may wait for a disk, or for who has the file's turn, is run by a
 *    helper: while the queue's thread waits, all that this CPU asks waits
 *    behind it.
 * 5. A handler may look at its request until it returns, and not only until it
 *    has answered.  So the command is given after that.  Names are copied: the
 *    answer is put where they were.
 * 6. So no handler may wait for anything that is held by who waits for an
 *    answer: his own, or, on a queue's thread, the next one from this CPU.  Of
 *    what the kernel is to drop it tells the kernel itself of attributes only,
 *    and before its answer; the rest it hands over: notices.h.
 * 7. A queue's thread ends when all its entries have been given back, as they
 *    are at the end of the connection, or when it is to and no helper is about
 *    one of them.  With it end the commands (command_ring.h), which hold the
 *    device: else the connection would not end when the session closes it.
 */
#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>
#include <sched.h>
#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

#include "fs/ring_private.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/thread.h"

#define COPIED_MAX 2560 /* two names, and what stands before them */

/* What follows is linux/fuse.h of 6.14, which is younger than many a system's
 * headers. */
enum {
	CODE_REGISTER = 1,
	CODE_COMMIT_AND_FETCH = 2,
};

struct exchange_header {
	char in_out[128]; /* struct fuse_in_header, then fuse_out_header */
	char op_in[128];  /* the operation's own */
	uint64_t flags;
	uint64_t commit_id;
	uint32_t payload_len;
	uint32_t padding;
	uint64_t reserved;
};

struct exchange_command {
	uint64_t flags;
	uint64_t commit_id;
	uint16_t queue;
	uint8_t padding[6];
};

/* One page in front of the payload: the header at its beginning.  At its end
 * the request is put together as libfuse knows it, in one piece. */
#define PAGE 4096

/* The entry whose request this thread is about. */
static _Thread_local struct ring_entry *current;

static struct exchange_header *
header_of(struct ring_entry *entry)
{
	return (struct exchange_header *)entry->page;
}

static struct fuse_in_header *
request_of(struct ring_entry *entry)
{
	return (struct fuse_in_header *)header_of(entry)->in_out;
}

/* --- answers --------------------------------------------------------------*/

static void
give_command(struct ring_entry *entry, uint32_t code)
{
	const struct exchange_command bytes = {
		.commit_id = entry->commit_id,
		.queue = (uint16_t)entry->queue->number,
	};
	const struct command command = {
		.code = code,
		.bytes = &bytes,
		.len = sizeof(bytes),
		.with = code == CODE_REGISTER ? entry->parts : NULL,
		.with_len = code == CODE_REGISTER ? array_len(entry->parts) : 0,
		.data = entry,
	};

	command_ring_add(entry->queue->commands, &command);
}

/* Puts what libfuse would write where the kernel looks for it. */
static void
fill_answer(struct ring_entry *entry, const struct iovec *iov, int count)
{
	struct exchange_header *header = header_of(entry);
	size_t len = 0;

	for (int i = 1; i < count; i++) {
		assert(iov[i].iov_len <= entry->queue->ring->payload_len - len);
		memcpy(entry->payload + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	memcpy(header->in_out, iov[0].iov_base, sizeof(struct fuse_out_header));
	header->payload_len = (uint32_t)len;
	entry->is_answered = true;
}

static void
fail(struct ring_entry *entry)
{
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -EIO,
		.unique = request_of(entry)->unique,
	};
	const struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	fill_answer(entry, &iov, 1);
}

/* Invariant 6, of a line for the kernel to drop something. */
static bool
is_of_attributes(const struct iovec *iov)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	const struct fuse_notify_inval_inode_out *inode = iov[1].iov_base;

	return out->error == FUSE_NOTIFY_INVAL_INODE && inode->off < 0;
}

bool
ring_queue_take_answer(const struct iovec *iov, int count)
{
	const struct fuse_out_header *out = iov[0].iov_base;

	if (current && out->unique == request_of(current)->unique) {
		fill_answer(current, iov, count);
		return true;
	}
	assert(!current || out->unique != 0 ||
		(!current->is_answered && is_of_attributes(iov)));
	return false;
}

/* --- requests -------------------------------------------------------------*/

/* The request in one piece: in `copy`, or before the payload. */
static struct fuse_buf
put_together(struct ring_entry *entry, char *copy)
{
	const struct exchange_header *header = header_of(entry);
	const struct fuse_in_header *in = request_of(entry);
	size_t op_len = in->len - sizeof(*in) - header->payload_len;
	char *to = in->len <= COPIED_MAX
			   ? copy
			   : entry->payload - op_len - sizeof(*in);

	assert(in->len >= sizeof(*in) + header->payload_len &&
		op_len <= sizeof(header->op_in));
	if (to == copy)
		memcpy(to + sizeof(*in) + op_len, entry->payload,
			header->payload_len);
	memcpy(to, in, sizeof(*in));
	memcpy(to + sizeof(*in), header->op_in, op_len);
	return (struct fuse_buf){.mem = to, .size = in->len};
}

static void
answer(struct ring_entry *entry)
{
	alignas(struct fuse_in_header) char copy[COPIED_MAX];
	const struct fuse_buf buffer = put_together(entry, copy);

	entry->is_answered = false;
	current = entry;
	fuse_session_process_buf(entry->queue->ring->mount->session, &buffer);
	current = NULL;
	if (!entry->is_answered)
		fail(entry);
}

static void
answer_as_helper(void *arg)
{
	struct ring_entry *entry = arg;
	struct ring_queue *queue = entry->queue;

	answer(entry);
	mutex_lock(&queue->lock);
	entry->next = queue->answered;
	queue->answered = entry;
	mutex_unlock(&queue->lock);
	command_ring_wake(queue->commands);
}

static void
take(struct ring_entry *entry)
{
	struct exchange_header *header = header_of(entry);
	struct helper_pool *helpers = ring_wait_helpers(entry->queue->ring,
		request_of(entry), header->op_in);

	entry->commit_id = header->commit_id;
	entry->job = (struct helper_job){
		.run = answer_as_helper,
		.arg = entry,
		.done = EVENT_INIT,
	};
	if (helpers && helper_pool_submit(helpers, &entry->job)) {
		entry->queue->helped++;
		return;
	}
	answer(entry);
	give_command(entry, CODE_COMMIT_AND_FETCH);
}

static void
give_answers_of_helpers(struct ring_queue *queue)
{
	mutex_lock(&queue->lock);
	struct ring_entry *entry = queue->answered;
	queue->answered = NULL;
	mutex_unlock(&queue->lock);

	while (entry) {
		struct ring_entry *next = entry->next;

		/* Its last steps: the job is used again. */
		event_wait(&entry->job.done);
		queue->helped--;
		give_command(entry, CODE_COMMIT_AND_FETCH);
		entry = next;
	}
}

static void
stay_on_cpu(unsigned int number)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(number, &set);
	/* One that is offline asks nothing. */
	(void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void
go_on(struct ring_queue *queue, const struct command_result *result)
{
	struct ring_entry *entry = result->data;

	switch (result->result) {
	case 0:
		if (atomic_load(&queue->ring->is_ending))
			queue->live--; /* for the connection's end */
		else
			take(entry);
		break;
	case -EAGAIN:
	case -EINTR:
		give_command(entry, entry->commit_id ? CODE_COMMIT_AND_FETCH
						     : CODE_REGISTER);
		break;
	default: /* no further result will come for the entry */
		queue->end = -result->result;
		queue->live--;
	}
}

static void
judge_end(struct ring_queue *queue)
{
	switch (queue->end) {
	case 0:	       /* ring_stop() */
	case ENOTCONN: /* the connection has ended */
		break;
	case EOPNOTSUPP:
		/* Switched off after it was offered and before our answer: then
		 * the kernel goes on without. */
		atomic_store(&queue->ring->mount->has_ring, false);
		break;
	default: /* It would wait for this queue for ever. */
		log_error("mount: the kernel refuses its own io_uring: %s",
			strerrordesc_np(queue->end));
		mount_stop(queue->ring->mount);
	}
}

/* Invariant 7. */
static bool
is_at_end(const struct ring_queue *queue)
{
	return queue->live == 0 ||
	       (queue->helped == 0 && atomic_load(&queue->ring->is_ending));
}

static void
run_queue(void *arg)
{
	struct ring_queue *queue = arg;

	stay_on_cpu(queue->number);
	queue->live = RING_ENTRIES;
	for (size_t i = 0; i < RING_ENTRIES; i++)
		give_command(&queue->entries[i], CODE_REGISTER);
	while (!is_at_end(queue)) {
		struct command_result result =
			command_ring_wait(queue->commands);

		if (!result.data)
			give_answers_of_helpers(queue);
		else
			go_on(queue, &result);
	}
	command_ring_submit(queue->commands);
	judge_end(queue);
}

/* --- beginning and end ----------------------------------------------------*/

bool
ring_queue_open(struct ring *ring, struct ring_queue *queue,
	unsigned int number)
{
	size_t entry_len = PAGE + ring->payload_len;
	/* Pages come with their first use. */
	char *memory =
		mmap(NULL, RING_ENTRIES * entry_len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	*queue = (struct ring_queue){
		.ring = ring,
		.number = number,
		.memory = memory,
	};
	mutex_init(&queue->lock);
	if (command_ring_open(fuse_session_fd(ring->mount->session),
		    RING_ENTRIES, &queue->commands))
		return false;
	for (size_t i = 0; i < RING_ENTRIES; i++) {
		struct ring_entry *entry = &queue->entries[i];

		entry->queue = queue;
		entry->page = memory + i * entry_len;
		entry->payload = entry->page + PAGE;
		entry->parts[0] = (struct iovec){
			.iov_base = entry->page,
			.iov_len = sizeof(struct exchange_header),
		};
		entry->parts[1] = (struct iovec){
			.iov_base = entry->payload,
			.iov_len = ring->payload_len,
		};
	}
	return true;
}

bool
ring_queue_start(struct ring_queue *queue)
{
	queue->has_thread =
		!thread_start(&queue->thread, "tarn-ring", run_queue, queue);
	return queue->has_thread;
}

void
ring_queue_close(struct ring_queue *queue)
{
	if (!queue->memory)
		return;
	if (queue->has_thread) {
		command_ring_wake(queue->commands);
		pthread_join(queue->thread, NULL);
	}
	command_ring_close(&queue->commands);
	(void)munmap(queue->memory,
		RING_ENTRIES * (PAGE + queue->ring->payload_len));
	mutex_destroy(&queue->lock);
}
