/* SPDX-License-Identifier: Apache-2.0 */
#include "fs/small_files.h"

#include <fcntl.h>
#include <stdlib.h>

#include "fs/reply.h"
#include "store/base/log.h"

bool
small_files_is_on(fuse_req_t req)
{
	const struct mount *mount = fuse_req_userdata(req);

	return mount->options.is_small_files;
}

void
small_files_read(fuse_req_t req, uint64_t ino, size_t size, uint64_t offset)
{
	struct mount *mount = fuse_req_userdata(req);
	struct file *file = NULL;

	enum store_err err = file_open(mount->store, ino, O_RDONLY, &file);
	if (err) {
		reply_err(req, err);
		return;
	}
	char *data = malloc(size);
	if (!data)
		error_out_of_memory();
	size_t got;
	err = file_data_read(file, data, size, offset, &got);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_buf(req, data, got);
	free(data);
	if (file_close(&file, O_RDONLY))
		log_warn("inode %llu: closing failed", (unsigned long long)ino);
}
