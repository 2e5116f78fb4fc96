/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/passthrough.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "store/base/log.h"
#include "store/base/mutex.h"
#include "store/base/privilege.h"

/* libfuse 3.17: docs/decisions. */
#ifdef FUSE_CAP_PASSTHROUGH
#define KNOWS_PASSTHROUGH 1
#else
#define KNOWS_PASSTHROUGH 0
#endif

#define NEEDS_PRIVILEGE "it takes CAP_SYS_ADMIN outside of user namespaces"

/* Below, plain reads with pages that stay are faster; measured. */
#define SMALL (128 * 1024)
#define CHAINS 16384 /* a power of two */

enum way {
	UNDECIDED, /* somebody is about it */
	PLAIN,
	THROUGH,
};

struct node {
	struct node *next;
	uint64_t ino;
	unsigned opens;
	unsigned maps; /* of them: handle->may_map */
	enum way way;
	int backing_id; /* THROUGH */
	uint64_t blob;	/* what that is of */
};

struct passthrough {
	pthread_mutex_t lock;
	pthread_cond_t decided;
	/* under lock */
	struct node *chains[CHAINS];

	/* atomic */
	atomic_bool is_active;
	_Atomic(const char *) why_not;
};

struct passthrough *
passthrough_create(void)
{
	struct passthrough *passthrough = calloc(1, sizeof(*passthrough));

	if (!passthrough)
		error_out_of_memory();
	mutex_init(&passthrough->lock);
	pthread_cond_init(&passthrough->decided, NULL);
	return passthrough;
}

void
passthrough_free(struct passthrough **passthrough)
{
	if (!*passthrough)
		return;
	for (size_t i = 0; i < CHAINS; i++) {
		/* What was open when the mount was cut off. */
		while ((*passthrough)->chains[i]) {
			struct node *node = (*passthrough)->chains[i];

			(*passthrough)->chains[i] = node->next;
			free(node);
		}
	}
	pthread_cond_destroy(&(*passthrough)->decided);
	mutex_destroy(&(*passthrough)->lock);
	free(*passthrough);
	*passthrough = NULL;
}

bool
passthrough_is_active(const struct mount *mount)
{
	return atomic_load(&mount->passthrough->is_active);
}

const char *
passthrough_why_not(const struct mount *mount)
{
	return atomic_load(&mount->passthrough->why_not);
}

void
passthrough_init(struct mount *mount, struct fuse_conn_info *conn)
{
	if (mount->options.is_small_files) {
		mount->passthrough->why_not = "small files are read into the "
					      "page cache";
		return;
	}
#if KNOWS_PASSTHROUGH
	if (!(conn->capable_ext & FUSE_CAP_PASSTHROUGH)) {
		mount->passthrough->why_not = "the kernel has none (6.9 does)";
		return;
	}
	if (!privilege_may_mount()) {
		mount->passthrough->why_not = NEEDS_PRIVILEGE;
		return;
	}
	fuse_set_feature_flag(conn, FUSE_CAP_PASSTHROUGH);
	conn->max_backing_stack_depth = mount->is_stacked
						? FUSE_BACKING_STACKED_OVER
						: FUSE_BACKING_STACKED_UNDER;
	atomic_store(&mount->passthrough->is_active, true);
#else
	(void)conn;
	mount->passthrough->why_not = "libfuse is older than 3.17";
#endif
}

#if KNOWS_PASSTHROUGH
/* What fuse_passthrough_open() asks the kernel by: <linux/fuse.h> of 6.9. */
struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define BACKING_OPEN _IOW(229, 1, struct backing_map)
#endif

void
passthrough_begin(struct mount *mount)
{
#if KNOWS_PASSTHROUGH
	struct backing_map map = {.fd = -1};

	/* Who is allowed to gets to hear that this is no descriptor.  Before
	 * opens, so that nobody is told what is not so: a capability may hold
	 * in a user namespace alone. */
	if (!passthrough_is_active(mount) ||
		!ioctl(fuse_session_fd(mount->session), BACKING_OPEN, &map) ||
		errno == EBADF)
		return;
	atomic_store(&mount->passthrough->why_not, NEEDS_PRIVILEGE);
	atomic_store(&mount->passthrough->is_active, false);
#else
	(void)mount;
#endif
}

/* 0: it cannot be had. */
static int
open_backing(struct mount *mount, fuse_req_t req, struct file *file)
{
#if KNOWS_PASSTHROUGH
	int id;

	if (!passthrough_is_active(mount) || !file_pin(file))
		return 0;
	id = fuse_passthrough_open(req, file_fd(file));
	if (id > 0)
		return id;
	file_unpin(file);
	if (atomic_exchange(&mount->passthrough->is_active, false)) {
		atomic_store(&mount->passthrough->why_not,
			"the kernel refused it");
		log_warn("mount: no passthrough: %s",
			passthrough_why_not(mount));
	}
#else
	(void)mount;
	(void)req;
	(void)file;
#endif
	return 0;
}

static void
close_backing(fuse_req_t req, int id)
{
#if KNOWS_PASSTHROUGH
	fuse_passthrough_close(req, id);
#else
	(void)req;
	(void)id;
#endif
}

static struct node **
find_locked(struct passthrough *passthrough, uint64_t ino)
{
	struct node **place = &passthrough->chains[ino & (CHAINS - 1)];

	while (*place && (*place)->ino != ino)
		place = &(*place)->next;
	return place;
}

/* One more open of the inode.  True: the caller decides on the way. */
static bool
join(struct passthrough *passthrough, const struct handle *handle,
	struct node **out)
{
	uint64_t ino = file_ino(handle->file);

	mutex_scoped(&passthrough->lock);
	struct node **place = find_locked(passthrough, ino);

	if (*place) {
		*out = *place;
		(*out)->opens++;
		(*out)->maps += handle->may_map;
		while ((*out)->way == UNDECIDED)
			pthread_cond_wait(&passthrough->decided,
				&passthrough->lock);
		return false;
	}
	struct node *node = calloc(1, sizeof(*node));
	if (!node)
		error_out_of_memory();
	node->ino = ino;
	node->opens = 1;
	node->maps = handle->may_map;
	*place = node;
	*out = node;
	return true;
}

void
passthrough_enter(struct mount *mount, fuse_req_t req,
	const struct handle *handle, const struct reply_fact *fact,
	struct fuse_file_info *info)
{
	struct passthrough *passthrough = mount->passthrough;
	struct file *file = handle->file;
	bool wants = handle_is_writer(handle) || fact->inode.size >= SMALL ||
		     fact->is_live;
	struct node *node;

	if (join(passthrough, handle, &node)) {
		int id = wants ? open_backing(mount, req, file) : 0;
		/* Not under the lock: it waits for a turn. */
		uint64_t blob = file_blob(file);

		mutex_scoped(&passthrough->lock);
		node->backing_id = id;
		node->blob = blob;
		node->way = id ? THROUGH : PLAIN;
		pthread_cond_broadcast(&passthrough->decided);
	}
	/* The open is counted: neither changes before the caller leaves. */
	info->keep_cache = 0;
	info->direct_io = 0;
#if KNOWS_PASSTHROUGH
	if (node->way == THROUGH) {
		if (handle->may_map)
			file_let_linger(file);
		info->backing_id = node->backing_id;
		/* The kernel takes no other id, but leaves it alone. */
		info->direct_io = file_blob(file) != node->blob;
		return;
	}
#endif
	/* Pages that others change unheard must not stay. */
	info->direct_io = fact->is_live;
	info->keep_cache = !fact->is_live;
}

bool
passthrough_is_beside(const struct fuse_file_info *info)
{
#if KNOWS_PASSTHROUGH
	return info->direct_io && info->backing_id > 0;
#else
	(void)info;
	return false;
#endif
}

void
passthrough_leave(struct mount *mount, fuse_req_t req,
	const struct handle *handle)
{
	struct passthrough *passthrough = mount->passthrough;
	uint64_t ino = file_ino(handle->file);
	int id = 0;

	mutex_lock(&passthrough->lock);
	struct node **place = find_locked(passthrough, ino);
	struct node *node = *place;
	assert(node && node->opens > 0);
	node->maps -= handle->may_map;
	if (--node->opens == 0) {
		*place = node->next;
		id = node->backing_id;
		free(node);
	}
	mutex_unlock(&passthrough->lock);
	if (id)
		close_backing(req, id);
}

bool
passthrough_is_mapped(struct mount *mount, uint64_t ino)
{
	struct passthrough *passthrough = mount->passthrough;

	mutex_scoped(&passthrough->lock);
	const struct node *node = *find_locked(passthrough, ino);
	return node && node->way == THROUGH && node->maps > 0;
}
