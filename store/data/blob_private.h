/* SPDX-License-Identifier: Apache-2.0 */
/* blob_private.h - what the files of this folder share. */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define BLOB_IDS_PER_DIR 4096
/* Directories, and files, whose own names are known to be durable. */
#define BLOB_KNOWN_DIRS 64
#define BLOB_KNOWN_FILES 256

/* Beside the directories of blobs, and no number. */
#define BLOB_SPARE_DIR "spare"

struct blob_cache;
struct blob_spares;
struct helper_pool;

/* Below the data directory. */
struct blob_path {
	char text[40];
};

struct blob_path blob_file_path(uint64_t id);
struct blob_path blob_dir_path(uint64_t id);

/* For qsort(3) and bsearch(3). */
int blob_compare_ids(const void *a, const void *b);

struct blobs {
	/* fixed after open */
	int dir_fd;
	struct helper_pool *helpers; /* threads start when there is work */
	bool is_read_only;
	struct blob_cache *cache;   /* NULL: nobody would keep it fresh */
	struct blob_spares *spares; /* NULL: there are none */
	uint32_t spares_max;

	pthread_mutex_t lock;
	/* under lock: directory number + 1, at its number modulo the size */
	uint64_t known_dirs[BLOB_KNOWN_DIRS];
	/* under lock: id, at its number modulo the size */
	uint64_t known_files[BLOB_KNOWN_FILES];
};
