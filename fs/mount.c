/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "fs/gone.h"
#include "fs/handle.h"
#include "fs/invalidate.h"
#include "fs/mount_point.h"
#include "fs/notices.h"
#include "fs/op.h"
#include "fs/open_audit.h"
#include "fs/passthrough.h"
#include "fs/ring.h"
#include "fs/workers.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/random.h"
#include "store/base/thread.h"

/* How often those who wait for the kernel are told that it is over. */
#define INTERRUPT_NS 20000000ll

const char *
mount_libfuse_version(void)
{
	return fuse_pkgversion();
}

bool
mount_knows_passthrough(void)
{
#ifdef FUSE_CAP_PASSTHROUGH
	return true;
#else
	return false;
#endif
}

static void
unwant(struct fuse_conn_info *conn, unsigned flag)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_unset_feature_flag(conn, flag);
#else
	conn->want &= ~flag;
#endif
}

static void
want(struct fuse_conn_info *conn, unsigned flag)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_set_feature_flag(conn, flag);
#else
	if (conn->capable & flag)
		conn->want |= flag;
#endif
}

static void
init(void *context, struct fuse_conn_info *conn)
{
	struct mount *mount = context;

	atomic_store(&mount->kernel_major, conn->proto_major);
	atomic_store(&mount->kernel_minor, conn->proto_minor);
	passthrough_init(mount, conn);
	/* Not with passthrough: docs/posix.md says what of mtime. */
	unwant(conn, FUSE_CAP_WRITEBACK_CACHE);
	/* Without the second, the kernel asks before each write whether the
	 * file has an attribute security.capability: set_id.h. */
	unwant(conn, FUSE_CAP_HANDLE_KILLPRIV);
#ifdef FUSE_CAP_HANDLE_KILLPRIV_V2
	want(conn, FUSE_CAP_HANDLE_KILLPRIV_V2);
#endif
	/* A link's target never changes. */
	want(conn, FUSE_CAP_CACHE_SYMLINKS);
	conn->max_background = 64;
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	/* No request waits for anything that could be interrupted. */
	conn->no_interrupt = 1;
#endif
}

static const struct fuse_lowlevel_ops ops = {
	.init = init,
	.lookup = op_attr_lookup,
	.getattr = op_attr_get,
	.setattr = op_attr_set,
	.statfs = op_attr_statfs,
	.opendir = op_dir_open,
	.readdir = op_dir_read,
	.readdirplus = op_dir_read_plus,
	.releasedir = op_dir_release,
	.fsyncdir = op_dir_sync,
	.mkdir = op_name_mkdir,
	.mknod = op_name_mknod,
	.symlink = op_name_symlink,
	.link = op_name_link,
	.readlink = op_name_readlink,
	.unlink = op_name_unlink,
	.rmdir = op_name_rmdir,
	.rename = op_name_rename,
	.create = op_file_create,
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	.tmpfile = op_file_create_unnamed,
#endif
	.open = op_file_open,
	.read = op_file_read,
	.write = op_file_write,
	.flush = op_file_flush,
	.release = op_file_release,
	.fsync = op_file_sync,
	.fallocate = op_file_allocate,
	.copy_file_range = op_file_copy,
	.lseek = op_file_seek,
	.setxattr = op_xattr_set,
	.getxattr = op_xattr_get,
	.listxattr = op_xattr_list,
	.removexattr = op_xattr_remove,
};

static void
log_libfuse(enum fuse_log_level level, const char *format, va_list args)
{
	char line[256];

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	if (level <= FUSE_LOG_ERR)
		log_error("libfuse: %s", line);
	else if (level <= FUSE_LOG_WARNING)
		log_warn("libfuse: %s", line);
	else
		log_debug("libfuse: %s", line);
}

/* Not earlier: until then the kernel may go back on what it has offered. */
static void
get_ready(void *context)
{
	struct mount *mount = context;

	if (atomic_load(&mount->is_ending) ||
		fuse_session_exited(mount->session))
		return;
	passthrough_begin(mount);
	atomic_store(&mount->is_ready, true);
	if (mount->options.ready)
		mount->options.ready(mount, mount->options.context);
}

static bool
asks_by_ring(void *context)
{
	const struct mount *mount = context;

	return atomic_load(&mount->has_ring);
}

/* As libfuse reads an option's value. */
static void
append_escaped(struct buffer *options, const char *value)
{
	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			buffer_append_char(options, '\\');
		buffer_append_char(options, *value);
	}
}

/*
 * What is mounted is called by the store's path: it tells one mount from
 * another, and `mount -a` knows by it, and the place, what is mounted already.
 */
static enum store_err
connect_session(struct mount *mount)
{
	scoped(buffer_free) struct buffer options = {0};

	buffer_append_str(&options, "fsname=");
	append_escaped(&options, store_dir(mount->store));
	buffer_printf(&options, ",subtype=tarn,default_permissions%s%s%s%s",
		mount->options.allow_other ? ",allow_other" : "",
		mount->options.is_read_only || mount->options.is_small_files
			? ",ro"
			: "",
		mount->options.flags ? "," : "",
		mount->options.flags ? mount->options.flags : "");
	buffer_append_char(&options, '\0');
	char *argv[] = {(char[]){"tarn"}, (char[]){"-o"}, options.data, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);

	fuse_set_log_func(log_libfuse);
	mount->session = fuse_session_new(&args, &ops, sizeof(ops), mount);
	fuse_opt_free_args(&args);
	if (!mount->session)
		return STORE_INVALID;
	if (fuse_session_mount(mount->session, mount->mount_point)) {
		fuse_session_destroy(mount->session);
		mount->session = NULL;
		return STORE_ACCESS;
	}
	mount->connection = mount_point_connection(mount->mount_point);
	if (!mount->options.without_io_uring)
		mount->ring = ring_attach(mount);
	mount->workers =
		workers_create(mount->session, get_ready, asks_by_ring, mount);
	return STORE_OK;
}

enum store_err
mount_create(const struct mount_options *options, struct mount **out)
{
	scoped(mount_destroy) struct mount *mount = calloc(1, sizeof(*mount));

	if (!mount)
		return STORE_NO_MEMORY;
	mutex_init(&mount->lock);
	mount->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	mount->options = *options;
	mount->store = options->store;
	mount->top = options->top ? options->top : INODE_ROOT;
	/* 0 is nobody's. */
	mount->origin = random_u64() | 1;
	mount->root_mtime_ns = clock_now_ns();
	mount->is_stacked = file_is_stacked(mount->store);
	mount->passthrough = passthrough_create();
	mount->gone = gone_create();
	mount->open_audit = open_audit_create(options->audit);
	if (mount->stop_fd < 0)
		return error_from_errno(errno);
	enum store_err err = mount_point_prepare(options->mount_point);
	if (err)
		return err;
	mount->mount_point = realpath(options->mount_point, NULL);
	if (!mount->mount_point)
		return error_from_errno(errno);
	/* Before the kernel can cache anything. */
	err = invalidate_create(mount, &mount->invalidate);
	if (!err)
		err = connect_session(mount);
	if (err) {
		log_error("mount: cannot mount at %s", options->mount_point);
		return err;
	}
	*out = mount;
	mount = NULL;
	return STORE_OK;
}

void
mount_stop(struct mount *mount)
{
	const uint64_t one = 1;

	/* It fails only where it is full of such calls already. */
	ssize_t written = write(mount->stop_fd, &one, sizeof(one));
	(void)written;
}

static void
run_loop(void *arg)
{
	struct mount *mount = arg;

	if (workers_run(mount->workers))
		log_error("mount: no thread could be started");
	mount_stop(mount);
}

/* Whatever became of the mount: it may not be ours to take away, or somebody
 * still be in it, and then nothing wakes who waits for the kernel. */
static void
join_loop(struct mount *mount, pthread_t loop)
{
	struct timespec soon;

	do {
		workers_interrupt(mount->workers);
		soon = clock_to_timespec(clock_monotonic_ns() + INTERRUPT_NS);
	} while (pthread_clockjoin_np(loop, NULL, CLOCK_MONOTONIC, &soon) ==
		 ETIMEDOUT);
}

/* An error is shown where the connection is over: what was mounted is not, and
 * its number may be another's. */
static bool
is_connected(const struct mount *mount)
{
	struct pollfd device = {.fd = fuse_session_fd(mount->session)};

	return poll(&device, 1, 0) != 1 || !(device.revents & POLLERR);
}

/* What is mounted at the path is not ours, which goes on unseen; libfuse would
 * unmount it all the same. */
static bool
is_displaced(const struct mount *mount)
{
	return mount->connection && is_connected(mount) &&
	       mount_point_connection(mount->mount_point) != mount->connection;
}

/* Closes the device, and leaves a descriptor in its place that polls as that of
 * a connection which has ended: libfuse unmounts nothing then. */
static void
sever(const struct mount *mount)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return;
	(void)close(ends[0]);
	(void)dup3(ends[1], fuse_session_fd(mount->session), O_CLOEXEC);
	(void)close(ends[1]);
}

static void
close_session(struct mount *mount)
{
	if (!mount->session)
		return;
	if (is_displaced(mount))
		sever(mount);
	fuse_session_unmount(mount->session);
	fuse_session_destroy(mount->session);
	mount->session = NULL;
}

/*
 * 1. The connection may go on: where somebody has detached what was mounted and
 *    is still in it, only the kernel's control file system could end it, which
 *    need not be mounted.  So nothing here may wait for its end.
 * 2. Who waits for an answer may hold what the two threads wait for that have
 *    the kernel drop things: these end while there are answers.
 * 3. The session's descriptor is closed when nobody writes to it any more: its
 *    number may be a data file's then.  Whoever still waits gets an error.
 */
static void
end(struct mount *mount, pthread_t loop)
{
	atomic_store(&mount->is_ending, true);
	if (is_connected(mount))
		mount_point_abort(mount->mount_point, mount->connection);
	invalidate_free(&mount->invalidate);
	notices_stop(mount->notices);
	/* The loop drops what it has not begun. */
	fuse_session_exit(mount->session);
	join_loop(mount, loop);
	ring_stop(&mount->ring);
	close_session(mount);
	handle_close_all(mount);
}

enum store_err
mount_run(struct mount *mount)
{
	struct pollfd stop = {.fd = mount->stop_fd, .events = POLLIN};
	pthread_t loop;

	enum store_err err = notices_start(mount->session, &mount->notices);
	if (!err)
		err = invalidate_start(mount->invalidate);
	if (err)
		return err;
	err = thread_start(&loop, "tarn-workers", run_loop, mount);
	if (err)
		return err;
	while (poll(&stop, 1, -1) < 0 && errno == EINTR)
		continue;
	end(mount, loop);
	return STORE_OK;
}

void
mount_destroy(struct mount **mount_at)
{
	struct mount *mount = *mount_at;

	if (!mount)
		return;
	invalidate_free(&mount->invalidate);
	workers_free(&mount->workers);
	ring_stop(&mount->ring);
	notices_free(&mount->notices);
	close_session(mount);
	handle_close_all(mount);
	passthrough_free(&mount->passthrough);
	gone_free(&mount->gone);
	open_audit_free(&mount->open_audit);
	if (mount->stop_fd >= 0)
		(void)close(mount->stop_fd);
	mutex_destroy(&mount->lock);
	free(mount->mount_point);
	free(mount);
	*mount_at = NULL;
}

void
mount_status(struct mount *mount, struct mount_status *out)
{
	*out = (struct mount_status){
		.is_ready = atomic_load(&mount->is_ready),
		.has_passthrough = passthrough_is_active(mount),
		.why_not = passthrough_why_not(mount),
		.has_io_uring = atomic_load(&mount->has_ring),
		.kernel_major = atomic_load(&mount->kernel_major),
		.kernel_minor = atomic_load(&mount->kernel_minor),
		.open_files = file_count(mount->store),
		.requests = atomic_load(&mount->requests),
	};
}
