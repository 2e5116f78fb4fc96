/* SPDX-License-Identifier: Apache-2.0 */
/* blob_private.h - what blob.c and blob_walk.c share. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOB_IDS_PER_DIR 4096
/* Directories, and files, whose own names are known to be durable. */
#define BLOB_KNOWN_DIRS 64
#define BLOB_KNOWN_FILES 256

struct blob_cache;
struct helper_pool;

struct blobs {
	/* fixed after open */
	int dir_fd;
	struct helper_pool *helpers; /* threads start when there is work */
	bool is_read_only;
	struct blob_cache *cache; /* NULL: nobody would keep it fresh */

	pthread_mutex_t lock;
	/* under lock: directory number + 1, at its number modulo the size */
	uint64_t known_dirs[BLOB_KNOWN_DIRS];
	/* under lock: id, at its number modulo the size */
	uint64_t known_files[BLOB_KNOWN_FILES];
};
