/* SPDX-License-Identifier: Apache-2.0 */
/* Where versions are kept, and where they are now kept and now not. */
#include <fcntl.h>

#include "store/versioning.h"
#include "tests/crash/worker.h"

/* What it is now becomes, or stays, the one before. */
static void
begin_older(struct worker *worker, unsigned int n)
{
	uint64_t now = worker->now[THING_KEPT + n];

	worker_begin(worker, THING_OLDER + n,
		now ? now : worker->now[THING_OLDER + n]);
}

void
worker_put_kept(struct worker *worker, unsigned int n)
{
	uint64_t bucket = worker->bucket;

	worker->bucket = worker->kept;
	begin_older(worker, n);
	worker_put(worker, THING_KEPT + n, false);
	worker_done(worker, THING_OLDER + n);
	worker->bucket = bucket;
}

void
worker_delete_kept(struct worker *worker, unsigned int n)
{
	uint64_t bucket = worker->bucket;

	worker->bucket = worker->kept;
	if (worker->now[THING_KEPT + n])
		begin_older(worker, n);
	worker_delete(worker, THING_KEPT + n);
	if (worker->is_begun[THING_OLDER + n])
		worker_done(worker, THING_OLDER + n);
	worker->bucket = bucket;
}

void
worker_write_kept(struct worker *worker, unsigned int n)
{
	uint64_t version = worker->next_version++;
	char name[16];
	struct file *file;
	struct inode dir, inode;

	/* An empty one in the place of an empty one is no new version. */
	while (content_size(version) == 0)
		version = worker->next_version++;
	snprintf(name, sizeof(name), "v%u", n);
	if (!worker->now[THING_KEPT + n])
		return;
	must(tree_lookup(worker->store, worker->kept, slice_str(worker->tag),
		TREE_DIR, NULL, &dir));
	must(tree_lookup(worker->store, dir.ino, slice_str(name), TREE_FILE,
		NULL, &inode));
	begin_older(worker, n);
	worker_begin(worker, THING_KEPT + n, version);
	must(file_open(worker->store, inode.ino, O_RDWR, &file));
	must(file_data_truncate(file, 0));
	worker_write_at(file, worker_body(worker, version), 0);
	must(file_sync(file, false));
	worker_done(worker, THING_KEPT + n);
	worker_done(worker, THING_OLDER + n);
	must(file_close(&file, O_RDWR));
}

/* What is null becomes an older version, and goes. */
void
worker_change_fickle(struct worker *worker, unsigned int n)
{
	uint64_t bucket = worker->bucket;

	worker->bucket = worker->fickle;
	must(versioning_set(worker->store, worker->fickle,
		worker_draw(worker, 2) ? VERSIONING_ENABLED
				       : VERSIONING_SUSPENDED));
	for (int i = 0; i < 3; i++) {
		if (worker_draw(worker, 3) == 0)
			worker_delete(worker, THING_FICKLE + n);
		else
			worker_put(worker, THING_FICKLE + n, false);
	}
	worker->bucket = bucket;
}
