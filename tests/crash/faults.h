/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.h - a disk that fails by order: the n-th write, read or flush of what
 * lies below a directory, or all from the n-th on; and a clock that is set.
 *
 * faults.c stands in for the C library's functions, in the program that it is
 * linked into or in one that is started with it in LD_PRELOAD.  There it is
 * told by a file (TARN_FAULTS) that holds a struct faults, and what the
 * program hands to an io_uring fails, too.
 *
 * A write is whatever takes room or changes a name; opening a file counts as a
 * read of it.  What goes past the C library otherwise (mappings, a mount's
 * passthrough) does not fail.
 *
 * A flush that fails loses the bytes: a data file that was never flushed
 * before is empty after it, as where the kernel has dropped its pages.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>

#define FAULTS_MAGIC 0x73746c756166ull
#define FAULTS_FLUSHED_MAX 8192

enum faults_kind {
	FAULTS_NONE,
	FAULTS_WRITE,
	FAULTS_READ,
	FAULTS_FLUSH,
};

/* The layout is disk_faults.py's, too. */
struct faults {
	uint64_t magic;
	_Atomic(uint64_t) kind;	   /* enum faults_kind: which calls count */
	_Atomic(uint64_t) at;	   /* which of them fails; 0: none */
	_Atomic(uint64_t) error;   /* errno; 0: half of the bytes are written */
	_Atomic(uint64_t) lasts;   /* 1: so do all after it */
	_Atomic(uint64_t) seen;	   /* how many there were */
	_Atomic(uint64_t) hits;	   /* how many of them failed */
	_Atomic(int64_t) clock_ns; /* added to the time of day */
	char thread[16];	   /* the first that was struck, and the file */
	char file[128];
	char root[PATH_MAX];
	/* inodes that were flushed, by chance of place; also by a process
	 * before this one */
	_Atomic(uint64_t) flushed[FAULTS_FLUSHED_MAX];
};

/* Shared with processes that are forked from now on. */
struct faults *faults_begin(const char *root);

/* From the next call on. */
void faults_arm(struct faults *faults, enum faults_kind kind, uint64_t at,
	int error, int lasts);
/* Nothing fails any more; the counters stay. */
void faults_disarm(struct faults *faults);
