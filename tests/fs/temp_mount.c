/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fs/temp_mount.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/mount_point.h"
#include "store/audit.h"
#include "store/base/clock.h"
#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/mutex.h"
#include "store/bucket.h"
#include "store/file.h"

#define LIMIT_NS (150 * CLOCK_NS_PER_S)

struct temp_mount_server {
	struct mount *mount;
	pid_t pid;
	int from; /* of the other process: its status when it is ready */
	int to;	  /* a byte is a question; closed: it is to end */

	/* temp_mount_limit() */
	bool is_limited;
	pthread_t watcher;
	atomic_bool is_over;
	struct timespec deadline;
	unsigned int connection;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended; /* under lock */
};

const char *
temp_mount_why_not(void)
{
	if (access("/dev/fuse", R_OK | W_OK))
		return "there is no /dev/fuse";
	if (geteuid())
		return "not root";
	return NULL;
}

static void
ready(struct mount *mount, void *context)
{
	struct temp_mount_server *server = context;
	struct mount_status status;

	mount_status(mount, &status);
	assert(write(server->from, &status, sizeof(status)) == sizeof(status));
}

/* The address sanitizer's, where it is there. */
__attribute__((weak)) size_t __sanitizer_get_current_allocated_bytes(void);

static void
tell_heap(struct temp_mount_server *server)
{
	uint64_t bytes = __sanitizer_get_current_allocated_bytes
				 ? __sanitizer_get_current_allocated_bytes()
				 : mallinfo2().uordblks;

	assert(write(server->from, &bytes, sizeof(bytes)) == sizeof(bytes));
}

static void *
answer_until_end(void *arg)
{
	struct temp_mount_server *server = arg;
	char question;

	while (read(server->to, &question, 1) > 0) {
		if (question == 'h')
			tell_heap(server);
		else
			ready(server->mount, server);
	}
	mount_stop(server->mount);
	return NULL;
}

static void
find_audit_dir(const struct temp_mount *temp, char to[160])
{
	(void)snprintf(to, 160, "%s/run/audit", temp->store.path);
}

static struct audit *
open_audit(const struct temp_mount *temp, struct store *store)
{
	char dir[160];
	const struct audit_options options = {.dir = dir, .role = "mount"};
	struct audit *audit = NULL;

	find_audit_dir(temp, dir);
	assert(!temp->is_audited || !audit_open(store, &options, &audit));
	return audit;
}

/* Until it has ended, and while it ends. */
static void *
ask_until_end(void *arg)
{
	struct temp_mount_server *server = arg;
	struct mount_status status;

	while (!atomic_load(&server->is_over))
		mount_status(server->mount, &status);
	return NULL;
}

/* Also when the test is killed, the end of the pipe ends it. */
_Noreturn static void
serve(const struct temp_mount *temp, struct temp_mount_server *server)
{
	struct store *store = temp_store_open_at(temp->store.path, false);
	struct audit *audit = open_audit(temp, store);
	const struct mount_options options = {
		.store = store,
		.audit = audit,
		.mount_point = temp->dir,
		.allow_other = true,
		.is_small_files = temp->is_small_files,
		.uid = 12,
		.gid = 34,
		.umask = 0027,
		.ready = ready,
		.context = server,
	};
	pthread_t thread, asker;

	assert(!mount_create(&options, &server->mount));
	assert(!pthread_create(&thread, NULL, answer_until_end, server));
	assert(!temp->is_asked ||
		!pthread_create(&asker, NULL, ask_until_end, server));
	assert(!mount_run(server->mount));
	atomic_store(&server->is_over, true);
	(void)pthread_join(thread, NULL);
	if (temp->is_asked)
		(void)pthread_join(asker, NULL);
	mount_destroy(&server->mount);
	audit_close(&audit);
	store_close(&store);
	_exit(0);
}

static struct mount_status
read_status(struct temp_mount_server *server)
{
	struct mount_status status;

	assert(read(server->from, &status, sizeof(status)) == sizeof(status));
	return status;
}

void
temp_mount_start(struct temp_mount *temp)
{
	struct temp_mount_server *server = calloc(1, sizeof(*server));
	int from[2], to[2];

	assert(server && !pipe2(from, O_CLOEXEC) && !pipe2(to, O_CLOEXEC));
	/* No store is open across a fork. */
	store_close(&temp->store.store);
	server->pid = fork();
	assert(server->pid >= 0);
	if (server->pid == 0) {
		(void)close(from[0]);
		(void)close(to[1]);
		server->from = from[1];
		server->to = to[0];
		serve(temp, server);
	}
	(void)close(from[1]);
	(void)close(to[0]);
	server->from = from[0];
	server->to = to[1];
	temp->status = read_status(server);
	temp_store_reopen(&temp->store);
	temp->server = server;
}

void
temp_mount_start_with_ring(struct temp_mount *temp)
{
	int fd = open(TEMP_MOUNT_RING_SWITCH, O_RDWR | O_CLOEXEC);
	char before;

	assert(!flock(fd, LOCK_EX) && pread(fd, &before, 1, 0) == 1);
	assert(pwrite(fd, "Y", 1, 0) == 1);
	temp_mount_start(temp);
	assert(pwrite(fd, &before, 1, 0) == 1);
	/* The mount's process has it open, too. */
	assert(!flock(fd, LOCK_UN) && !close(fd));
	assert(temp->status.has_io_uring);
}

/* One that somebody has detached can be reached by nothing but the kernel's
 * control file system, which need not be mounted. */
static void
abort_connection(unsigned int number)
{
	char dir[] = "/tmp/tarn-control-XXXXXX";
	char path[64];

	assert(mkdtemp(dir) && !mount("none", dir, "fusectl", 0, NULL));
	(void)snprintf(path, sizeof(path), "%s/%u/abort", dir, number);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	assert(fd < 0 || write(fd, "1", 1) == 1);
	if (fd >= 0)
		(void)close(fd);
	assert(!umount2(dir, 0) && !rmdir(dir));
}

static void *
watch(void *arg)
{
	struct temp_mount_server *server = arg;
	int err = 0;
	mutex_scoped(&server->lock);

	while (!server->has_ended && err != ETIMEDOUT)
		err = pthread_cond_clockwait(&server->ended, &server->lock,
			CLOCK_MONOTONIC, &server->deadline);
	if (!server->has_ended) {
		abort_connection(server->connection);
		(void)kill(server->pid, SIGKILL);
	}
	return NULL;
}

void
temp_mount_limit(struct temp_mount *temp)
{
	struct temp_mount_server *server = temp->server;

	server->is_limited = true;
	server->connection = mount_point_connection(temp->dir);
	server->deadline = clock_to_timespec(clock_monotonic_ns() + LIMIT_NS);
	assert(server->connection);
	mutex_init(&server->lock);
	assert(!pthread_cond_init(&server->ended, NULL));
	assert(!pthread_create(&server->watcher, NULL, watch, server));
}

static void
end_limit(struct temp_mount_server *server)
{
	mutex_lock(&server->lock);
	server->has_ended = true;
	pthread_cond_signal(&server->ended);
	mutex_unlock(&server->lock);
	assert(!pthread_join(server->watcher, NULL));
	(void)pthread_cond_destroy(&server->ended);
	mutex_destroy(&server->lock);
}

void
temp_mount_stop(struct temp_mount *temp)
{
	struct temp_mount_server *server = temp->server;
	int status = -1;

	(void)close(server->to);
	assert(waitpid(server->pid, &status, 0) == server->pid);
	if (server->is_limited)
		end_limit(server);
	assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	(void)close(server->from);
	free(server);
	temp->server = NULL;
}

/* Appends a file to the text, and removes it. */
static void
take_file(const char *path, struct buffer *text)
{
	char piece[4096];
	ssize_t got;
	int fd = open(path, O_RDONLY);

	assert(fd >= 0);
	while ((got = read(fd, piece, sizeof(piece))) > 0)
		buffer_append(text, slice_of(piece, (size_t)got));
	assert(got == 0 && !close(fd) && !unlink(path));
}

struct slice
temp_mount_lines(struct temp_mount *temp)
{
	scoped(buffer_free) struct buffer text = {0};
	struct dirent *entry;
	char path[512];
	char dir[160];

	temp_mount_stop(temp);
	find_audit_dir(temp, dir);
	DIR *files = opendir(dir);
	assert(files);
	while ((entry = readdir(files))) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_name[0] != '.')
			take_file(path, &text);
	}
	(void)closedir(files);
	return arena_copy(&temp->arena, buffer_slice(&text));
}

struct mount_status
temp_mount_status(struct temp_mount *temp)
{
	assert(write(temp->server->to, "s", 1) == 1);
	return read_status(temp->server);
}

uint64_t
temp_mount_heap(struct temp_mount *temp)
{
	uint64_t bytes;

	assert(write(temp->server->to, "h", 1) == 1);
	assert(read(temp->server->from, &bytes, sizeof(bytes)) ==
		sizeof(bytes));
	return bytes;
}

/* A number that stands behind the word in a file of /proc; 0: it is not there.
 */
static uint64_t
read_number(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	unsigned long long number = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, word, strlen(word)) == 0)
			(void)sscanf(line + strlen(word), "%llu", &number);
	}
	if (file)
		(void)fclose(file);
	return number;
}

uint64_t
temp_mount_waits(struct temp_mount *temp, const char *thread)
{
	char path[300];
	char name[300];
	uint64_t waits = 0;
	struct dirent *entry;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", temp->server->pid);
	DIR *tasks = opendir(path);
	assert(tasks);
	(void)snprintf(name, sizeof(name), "Name:\t%s\n", thread);
	while ((entry = readdir(tasks))) {
		char first[300] = "";

		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.20s/status",
			temp->server->pid, entry->d_name);
		FILE *file = fopen(path, "re");
		if (file && fgets(first, sizeof(first), file) &&
			strcmp(first, name) == 0)
			waits += read_number(path, "voluntary_ctxt_switches:");
		if (file)
			(void)fclose(file);
	}
	closedir(tasks);
	return waits;
}

struct temp_mount
temp_mount_open(void)
{
	struct temp_mount temp = {.store = temp_store_open()};
	struct bucket bucket;

	assert(!bucket_create(temp.store.store, SLICE("bbb"), SLICE("default"),
		&bucket));
	temp.bucket = bucket.ino;
	snprintf(temp.dir, sizeof(temp.dir), "/tmp/tarn-mount-XXXXXX");
	assert(mkdtemp(temp.dir));
	temp_mount_start(&temp);
	return temp;
}

void
temp_mount_close(struct temp_mount *temp)
{
	if (temp->server)
		temp_mount_stop(temp);
	assert(!rmdir(temp->dir));
	arena_free(&temp->arena);
	temp_store_close(&temp->store);
}

const char *
temp_mount_at(struct temp_mount *temp, const char *format, ...)
{
	static _Thread_local char paths[8][4096];
	static _Thread_local unsigned next;
	char *path = paths[next++ % 8];
	int len = snprintf(path, sizeof(paths[0]), "%s/bbb/", temp->dir);
	va_list args;

	va_start(args, format);
	vsnprintf(path + len, sizeof(paths[0]) - (size_t)len, format, args);
	va_end(args);
	return path;
}

void
temp_mount_write(struct temp_mount *temp, const char *name, const char *text)
{
	int fd = open(temp_mount_at(temp, "%s", name),
		O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t len = (ssize_t)strlen(text);

	assert(fd >= 0);
	assert(write(fd, text, (size_t)len) == len);
	assert(!close(fd));
}

const char *
temp_mount_read(struct temp_mount *temp, const char *name)
{
	int fd = open(temp_mount_at(temp, "%s", name), O_RDONLY);
	struct stat stat;

	if (fd < 0)
		return NULL;
	assert(!fstat(fd, &stat));
	char *text = arena_alloc(&temp->arena, (size_t)stat.st_size + 1);
	assert(read(fd, text, (size_t)stat.st_size + 1) == stat.st_size);
	assert(!close(fd));
	return text;
}

void
temp_mount_put(struct temp_mount *temp, const char *key, const char *text)
{
	struct object_attrs attrs = {.checksum_kind = 0};
	struct slice body = slice_str(text);
	struct object_put *put = NULL;
	struct object object;

	digest_of(DIGEST_MD5, body, attrs.etag.value);
	assert(!object_put_begin(temp->store.store, body.len, &put));
	assert(!object_put_write(put, body));
	assert(!object_put_commit(&put, temp->bucket, slice_str(key), &attrs,
		NULL, &object));
}

uint64_t
temp_mount_append_in_turns(struct temp_mount *temp)
{
	struct file *other = NULL;
	struct stat info;
	uint64_t end;
	size_t done;

	temp_mount_put(temp, "log", "begin.");
	/* The kernel passes small ones through to nobody who reads. */
	int reader = open(temp_mount_at(temp, "log"), O_RDONLY);
	int fd = open(temp_mount_at(temp, "log"), O_WRONLY | O_APPEND);
	assert(fd >= 0 && !fstat(fd, &info));
	assert(!file_open(temp->store.store, info.st_ino, O_WRONLY, &other));
	for (int i = 0; i < 3; i++) {
		assert(!file_data_append(other, SLICE("theirs."), &done, &end));
		assert(write(fd, "ours.", 5) == 5);
	}
	assert(!file_close(&other, O_WRONLY));
	assert(!close(fd));
	assert(!close(reader));
	return end;
}

const char *
temp_mount_get(struct temp_mount *temp, const char *key)
{
	struct object object;
	uint64_t offset = 0;
	int fd = -1;

	enum store_err err = object_open(temp->store.store, temp->bucket,
		slice_str(key), &temp->arena, &object, &fd, &offset);
	if (err)
		return NULL;
	char *text = arena_alloc(&temp->arena, object.inode.size + 1);
	if (fd < 0)
		return text;
	assert(!io_pread_all(fd, text, object.inode.size, offset));
	(void)close(fd);
	return text;
}

bool
temp_mount_wait_for_key(struct temp_mount *temp, const char *key)
{
	struct object object;

	for (int i = 0; i < 60000; i++) {
		if (!object_head(temp->store.store, temp->bucket,
			    slice_str(key), &temp->arena, &object))
			return true;
		io_sleep_ms(1);
	}
	return false;
}
