/* SPDX-License-Identifier: Apache-2.0 */
/*
 * op.h - what the kernel asks, one function each: fuse_lowlevel.h.
 */
#pragma once

#include "fs/mount_private.h"

/* op_attr.c */
void op_attr_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_attr_get(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void op_attr_set(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
	struct fuse_file_info *info);
void op_attr_statfs(fuse_req_t req, fuse_ino_t ino);

/* op_dir.c */
void op_dir_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void op_dir_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
void op_dir_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
void op_dir_release(fuse_req_t req, fuse_ino_t ino,
	struct fuse_file_info *info);
void op_dir_sync(fuse_req_t req, fuse_ino_t ino, int is_data_only,
	struct fuse_file_info *info);

/* op_name.c */
void op_name_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode);
void op_name_mknod(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode, dev_t rdev);
void op_name_symlink(fuse_req_t req, const char *target, fuse_ino_t parent,
	const char *name);
void op_name_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent,
	const char *name);
void op_name_readlink(fuse_req_t req, fuse_ino_t ino);
void op_name_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_name_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_name_rename(fuse_req_t req, fuse_ino_t parent, const char *name,
	fuse_ino_t new_parent, const char *new_name, unsigned flags);

/* op_file.c */
void op_file_create(fuse_req_t req, fuse_ino_t parent, const char *name,
	mode_t mode, struct fuse_file_info *info);
void op_file_create_unnamed(fuse_req_t req, fuse_ino_t parent, mode_t mode,
	struct fuse_file_info *info);
void op_file_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void op_file_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
	struct fuse_file_info *info);
void op_file_write(fuse_req_t req, fuse_ino_t ino, const char *data,
	size_t size, off_t offset, struct fuse_file_info *info);
void op_file_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info);
void op_file_release(fuse_req_t req, fuse_ino_t ino,
	struct fuse_file_info *info);
void op_file_sync(fuse_req_t req, fuse_ino_t ino, int is_data_only,
	struct fuse_file_info *info);
void op_file_allocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset,
	off_t len, struct fuse_file_info *info);
void op_file_copy(fuse_req_t req, fuse_ino_t ino_in, off_t offset_in,
	struct fuse_file_info *info_in, fuse_ino_t ino_out, off_t offset_out,
	struct fuse_file_info *info_out, size_t len, int flags);
void op_file_seek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
	struct fuse_file_info *info);

/* op_xattr.c */
void op_xattr_set(fuse_req_t req, fuse_ino_t ino, const char *name,
	const char *value, size_t size, int flags);
void op_xattr_get(fuse_req_t req, fuse_ino_t ino, const char *name,
	size_t size);
void op_xattr_list(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_xattr_remove(fuse_req_t req, fuse_ino_t ino, const char *name);
