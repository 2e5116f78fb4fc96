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
#include "fs/ring.h"

#include <assert.h>
#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/handle.h"
#include "fs/mount_private.h"
#include "store/base/command_ring.h"
#include "store/base/helper.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/privilege.h"
#include "store/base/thread.h"

#define ENTRIES 16 /* a queue: more requests wait in the kernel */
#define CPUS_MAX 1024
/* Copying more takes longer than the way to a helper. */
#define READ_AT_ONCE_MAX ((size_t)128 << 10)
#define COPIED_MAX 2560	 /* two names, and what stands before them */
#define PAYLOAD_MIN 8192 /* the kernel's FUSE_MIN_READ_BUFFER */

/* What follows is linux/fuse.h of 6.14, which is younger than many a system's
 * headers. */
#define INIT_EXT (1u << 30)
#define INIT2_OVER_IO_URING (1u << (41 - 32))
#define OP_COPY_FILE_RANGE_64 53

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

struct entry {
	/* fixed */
	struct queue *queue;
	char *page;
	char *payload;
	struct iovec parts[2]; /* of both, for the kernel */

	uint64_t commit_id;
	bool is_answered;
	struct helper_job job;
	struct entry *next; /* under queue->lock */
};

struct queue {
	/* fixed */
	struct ring *ring;
	unsigned int number; /* the CPU */
	struct command_ring *commands;
	char *memory;
	pthread_t thread;
	bool has_thread;

	/* the thread's */
	struct entry entries[ENTRIES];
	unsigned int live;   /* entries that the kernel will say more of */
	unsigned int helped; /* those that helpers are about */
	int end;	     /* why the kernel gave a command back */

	pthread_mutex_t lock;
	struct entry *answered; /* under lock */
};

struct ring {
	/* fixed after the reply to INIT */
	struct mount *mount;
	struct helper_pool *helpers;
	struct helper_pool *waiting; /* of those that wait for a file's turn */
	struct queue *queues;
	unsigned int count;
	size_t payload_len;

	uint64_t init_unique; /* the thread's that reads INIT */

	atomic_bool is_ending;
};

/* The entry whose request this thread is about. */
static _Thread_local struct entry *current;

static struct exchange_header *
header_of(struct entry *entry)
{
	return (struct exchange_header *)entry->page;
}

static struct fuse_in_header *
request_of(struct entry *entry)
{
	return (struct fuse_in_header *)header_of(entry)->in_out;
}

/* --- answers --------------------------------------------------------------*/

static void
give_command(struct entry *entry, uint32_t code)
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
fill_answer(struct entry *entry, const struct iovec *iov, int count)
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
fail(struct entry *entry)
{
	struct fuse_out_header out = {
		.len = sizeof(out),
		.error = -EIO,
		.unique = request_of(entry)->unique,
	};
	const struct iovec iov = {.iov_base = &out, .iov_len = sizeof(out)};

	fill_answer(entry, &iov, 1);
}

/* --- requests -------------------------------------------------------------*/

/* The request in one piece: in `copy`, or before the payload. */
static struct fuse_buf
put_together(struct entry *entry, char *copy)
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
answer(struct entry *entry)
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
	struct entry *entry = arg;
	struct queue *queue = entry->queue;

	answer(entry);
	mutex_lock(&queue->lock);
	entry->next = queue->answered;
	queue->answered = entry;
	mutex_unlock(&queue->lock);
	command_ring_wake(queue->commands);
}

/* Invariant 4, of what is read from an open file. */
static bool
read_waits(const struct fuse_read_in *in)
{
	const struct fuse_file_info info = {.fh = in->fh};

	/* Not opened: small_files.h. */
	return !in->fh || in->size > READ_AT_ONCE_MAX ||
	       file_data_read_waits(handle_of(&info)->file, in->offset);
}

/* For one who copies, perhaps for minutes: by helpers of their own, or those
 * who want one file would have them all. */
static bool
waits_for_turn(struct ring *ring, const struct fuse_in_header *in)
{
	const struct mount *mount = ring->mount;

	switch (in->opcode) {
	case FUSE_OPEN:
	case FUSE_RELEASE:
	case FUSE_FLUSH:
	case FUSE_SETATTR:
		return file_is_busy(mount->store,
			mount_inode(mount, in->nodeid));
	default:
		return false;
	}
}

static bool
flush_waits(const struct fuse_flush_in *flush_in)
{
	const struct fuse_file_info info = {.fh = flush_in->fh};

	return flush_in->fh && file_is_sealed(handle_of(&info)->file);
}

static bool
may_wait(const struct exchange_header *header)
{
	const struct fuse_in_header *in = (const void *)header->in_out;
	const void *op_in = header->op_in;
	const struct fuse_open_in *open_in = op_in;
	const struct fuse_create_in *create_in = op_in;
	const struct fuse_setattr_in *set_in = op_in;

	switch (in->opcode) {
	case FUSE_READ:
		return read_waits(op_in);
	case FUSE_FLUSH:
		return flush_waits(op_in);
	case FUSE_WRITE:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_FALLOCATE:
	case FUSE_LSEEK:
	case FUSE_COPY_FILE_RANGE:
	case OP_COPY_FILE_RANGE_64:
		return true;
	case FUSE_OPEN: /* for writing: may copy what is shared first */
		return (open_in->flags & (O_ACCMODE | O_TRUNC)) != O_RDONLY;
	case FUSE_CREATE: /* what is to be synced is published first */
		return (create_in->flags & O_DSYNC) != 0;
	case FUSE_SETATTR:
		return (set_in->valid & FATTR_SIZE) != 0;
	default:
		return false;
	}
}

/* Invariant 4.  NULL: it does not wait. */
static struct helper_pool *
helpers_for(struct ring *ring, const struct exchange_header *header)
{
	if (waits_for_turn(ring, (const void *)header->in_out))
		return ring->waiting;
	return may_wait(header) ? ring->helpers : NULL;
}

static void
take(struct entry *entry)
{
	struct exchange_header *header = header_of(entry);
	struct helper_pool *helpers = helpers_for(entry->queue->ring, header);

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
give_answers_of_helpers(struct queue *queue)
{
	mutex_lock(&queue->lock);
	struct entry *entry = queue->answered;
	queue->answered = NULL;
	mutex_unlock(&queue->lock);

	while (entry) {
		struct entry *next = entry->next;

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
go_on(struct queue *queue, const struct command_result *result)
{
	struct entry *entry = result->data;

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
judge_end(struct queue *queue)
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
is_at_end(const struct queue *queue)
{
	return queue->live == 0 ||
	       (queue->helped == 0 && atomic_load(&queue->ring->is_ending));
}

static void
run_queue(void *arg)
{
	struct queue *queue = arg;

	stay_on_cpu(queue->number);
	queue->live = ENTRIES;
	for (size_t i = 0; i < ENTRIES; i++)
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

static bool
open_queue(struct ring *ring, struct queue *queue, unsigned int number)
{
	size_t entry_len = PAGE + ring->payload_len;
	/* Pages come with their first use. */
	char *memory = mmap(NULL, ENTRIES * entry_len, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	*queue = (struct queue){
		.ring = ring,
		.number = number,
		.memory = memory,
	};
	mutex_init(&queue->lock);
	if (command_ring_open(fuse_session_fd(ring->mount->session), ENTRIES,
		    &queue->commands))
		return false;
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &queue->entries[i];

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

static bool
open_queues(struct ring *ring, const struct fuse_init_out *out)
{
	size_t by_pages = (size_t)out->max_pages * (size_t)getpagesize();

	ring->payload_len =
		out->max_write > by_pages ? out->max_write : by_pages;
	if (ring->payload_len < PAYLOAD_MIN)
		ring->payload_len = PAYLOAD_MIN;
	for (unsigned int i = 0; i < ring->count; i++) {
		if (!open_queue(ring, &ring->queues[i], i))
			return false;
	}
	return true;
}

static void
start_queues(struct ring *ring)
{
	for (unsigned int i = 0; i < ring->count; i++) {
		struct queue *queue = &ring->queues[i];

		queue->has_thread = !thread_start(&queue->thread, "tarn-ring",
			run_queue, queue);
		if (!queue->has_thread)
			mount_stop(ring->mount);
	}
}

/* libfuse's reply to INIT, which does not know of this. */
static ssize_t
send_init(struct ring *ring, int fd, const struct iovec *iov, int count)
{
	struct fuse_init_out *out = iov[1].iov_base;

	ring->init_unique = 0;
	if (!open_queues(ring, out)) {
		log_warn("mount: no io_uring: too little memory, or too many "
			 "descriptors");
		atomic_store(&ring->mount->has_ring, false);
		return writev(fd, iov, count);
	}
	out->flags |= INIT_EXT;
	out->flags2 |= INIT2_OVER_IO_URING;
	ssize_t sent = writev(fd, iov, count);
	if (sent >= 0)
		start_queues(ring);
	return sent;
}

static struct ring *
ring_of(void *context)
{
	return ((struct mount *)context)->ring;
}

/* Invariant 6, of a line for the kernel to drop something. */
static bool
is_of_attributes(const struct iovec *iov)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	const struct fuse_notify_inval_inode_out *inode = iov[1].iov_base;

	return out->error == FUSE_NOTIFY_INVAL_INODE && inode->off < 0;
}

/* What libfuse writes: answers, and lines for the kernel to drop something. */
static ssize_t
send(int fd, struct iovec *iov, int count, void *context)
{
	const struct fuse_out_header *out = iov[0].iov_base;
	struct ring *ring = ring_of(context);

	if (current && out->unique == request_of(current)->unique) {
		fill_answer(current, iov, count);
		return (ssize_t)out->len;
	}
	assert(!current || out->unique != 0 ||
		(!current->is_answered && is_of_attributes(iov)));
	if (ring->init_unique && out->unique == ring->init_unique &&
		!out->error && count > 1 &&
		iov[1].iov_len >= sizeof(struct fuse_init_out))
		return send_init(ring, fd, iov, count);
	return writev(fd, iov, count);
}

static ssize_t
receive(int fd, void *bytes, size_t size, void *context)
{
	ssize_t got = read(fd, bytes, size);
	const struct fuse_in_header *in = bytes;
	const struct fuse_init_in *init = (const void *)(in + 1);
	struct ring *ring = ring_of(context);

	if (got >= (ssize_t)(sizeof(*in) + sizeof(*init)) &&
		in->opcode == FUSE_INIT && (init->flags & INIT_EXT) &&
		(init->flags2 & INIT2_OVER_IO_URING)) {
		ring->init_unique = in->unique;
		atomic_store(&ring->mount->has_ring, true);
	}
	return got;
}

/* The first line of a file of the kernel's; empty where there is none. */
static void
read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "re");

	line[0] = '\0';
	if (file && !fgets(line, (int)size, file))
		line[0] = '\0';
	if (file)
		(void)fclose(file);
}

/* CPUs that there may be, also those that are not there now; 0: too many. */
static unsigned int
count_cpus(void)
{
	char line[64];
	unsigned int last = 0;

	/* "0-63"; "0" where there is one. */
	read_line("/sys/devices/system/cpu/possible", line, sizeof(line));
	(void)sscanf(line, "0-%u", &last);
	return last < CPUS_MAX ? last + 1 : 0;
}

static bool
is_switched_on(void)
{
	char line[64];

	read_line("/sys/module/fuse/parameters/enable_uring", line,
		sizeof(line));
	/* Others' mounts have not been tried with it. */
	return line[0] == 'Y' && privilege_may_mount();
}

struct ring *
ring_attach(struct mount *mount)
{
	static const struct fuse_custom_io io = {
		.writev = send,
		.read = receive,
	};
	int fd = fuse_session_fd(mount->session);
	unsigned int count = is_switched_on() ? count_cpus() : 0;

	if (count == 0)
		return NULL;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	if (fuse_session_custom_io(mount->session, &io, sizeof(io), fd))
		return NULL;
#else
	if (fuse_session_custom_io(mount->session, &io, fd))
		return NULL;
#endif
	struct ring *ring = calloc(1, sizeof(*ring));
	struct queue *queues = calloc(count, sizeof(*queues));
	struct helper_pool *helpers = helper_pool_create();
	struct helper_pool *waiting = helper_pool_create();
	if (!ring || !queues || !helpers || !waiting)
		error_out_of_memory();
	*ring = (struct ring){
		.mount = mount,
		.helpers = helpers,
		.waiting = waiting,
		.queues = queues,
		.count = count,
	};
	return ring;
}

static void
close_queue(struct queue *queue)
{
	if (!queue->memory)
		return;
	if (queue->has_thread) {
		command_ring_wake(queue->commands);
		pthread_join(queue->thread, NULL);
	}
	command_ring_close(&queue->commands);
	(void)munmap(queue->memory,
		ENTRIES * (PAGE + queue->ring->payload_len));
	mutex_destroy(&queue->lock);
}

void
ring_stop(struct ring **ring_at)
{
	struct ring *ring = *ring_at;

	if (!ring)
		return;
	atomic_store(&ring->mount->has_ring, false);
	atomic_store(&ring->is_ending, true);
	/* No helper is about one of them any more. */
	for (unsigned int i = 0; i < ring->count; i++)
		close_queue(&ring->queues[i]);
	helper_pool_free(&ring->helpers);
	helper_pool_free(&ring->waiting);
	free(ring->queues);
	free(ring);
	*ring_at = NULL;
}
