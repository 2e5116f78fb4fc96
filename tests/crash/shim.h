/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.h - a log of all that a program does to the files below a directory:
 * writes with their bytes, names made and taken away, flushes.
 *
 * shim.c stands in for the C library's functions in the program it is linked
 * into, and in the libraries that program uses.  Each call is done and logged
 * as one step, in the order in which they happened, over all threads and
 * forked processes.  A flush is logged with where it began, takes a while in
 * which others go on, and asks nothing of the disk.
 *
 * What goes past the C library (io_uring, shared mappings) is not seen.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define SHIM_LOG_MAX (1ull << 32)

enum shim_kind {
	SHIM_WRITE = 1, /* file, offset, payload: the bytes */
	SHIM_SIZE,	/* file, offset: its new size */
	SHIM_FILE,	/* file, payload: the name it got when it was made */
	SHIM_DIR,	/* file, payload: the name */
	SHIM_REMOVE,	/* payload: the name */
	SHIM_RENAME,	/* in a directory; payload: old name, 0, new name */
	SHIM_LINK,	/* file, payload: one more name */
	SHIM_FLUSH,	/* file, begun: where in the log the flush began */
	SHIM_FLUSH_DIR, /* file, begun */
	SHIM_FLUSH_ALL, /* begun */
	SHIM_BASE,	/* what was there before is durable */
	SHIM_NOTE,	/* payload: the program's own */
};

/* Names are below the directory, without a '/' in front.  Records start at
 * multiples of 8. */
struct shim_record {
	uint32_t kind;
	uint32_t len; /* of the payload that follows */
	uint64_t file;
	uint64_t offset;
	uint64_t begun;
};

/* In front of the log. */
struct shim_head {
	uint64_t start; /* of the first record, from the start of the file */
	uint64_t end;	/* of the last one */
};

/* Flushes that are done but not logged: a bug to order. */
enum shim_drop {
	SHIM_DROP_NOTHING,
	SHIM_DROP_DATA,	  /* of data files */
	SHIM_DROP_PACKS,  /* of those for which room was set aside */
	SHIM_DROP_DIRS,	  /* of their directories */
	SHIM_DROP_TABLES, /* of data.mdb */
	SHIM_DROP_SIDE,	  /* of the side file */
};

/*
 * What is below root goes into the log first, as durable; then all that is
 * done to it.  boot_id_path is read in place of the kernel's boot id.  To be
 * called before there are threads; forked processes log to the same file.
 */
void shim_begin(const char *root, const char *log_path,
	const char *boot_id_path, enum shim_drop drop);

void shim_note(const void *bytes, size_t len);

/* Ends the process as a kill would, but between two calls, not within one. */
void shim_exit(int status) __attribute__((noreturn));
