/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_table_private.h - the open files of this process, by inode, and whose
 * turn it is to change one.
 *
 * 1. There is at most one struct file an inode in the table, as long as anybody
 *    has a reference.  One that is retired is no longer there: the kernel has
 *    its data for readers who came while that was the inode's.
 * 2. What opens, closes, settles or truncates a file takes its turn first, and
 *    keeps it across I/O and commits: a turn is no mutex.  Nobody waits for a
 *    checkpoint, or takes a second turn, while having one.
 * 3. fd is -1 until the first open and from the last close on; between them
 *    its number stays, and whoever has an open may use it without the turn:
 *    but of sealed data (rule 6).
 * 4. is_marked: DB_OPEN names the inode for this session, and the record is
 *    DIRTY or has a pending blob.
 * 5. stamp is what the record knows of the data file; a difference, or
 *    is_changed, means that the record lags behind.  Of sealed data neither
 *    says anything: what is published does not change, a draft is news.
 * 6. is_sealed stays the same between the first open and the last close, and
 *    whoever has an open may look at it without the turn.  seal itself is
 *    exchanged, and is of whoever has the turn, as fd is where it is there.
 * 7. news grows when somebody else has changed the inode, and known is what it
 *    was before the record was last read.  Who opens or reads by the descriptor
 *    while they differ reads the record first, with the turn: so whoever tells
 *    of the news need not wait for it.
 */
#pragma once

#include <stdatomic.h>

#include "store/file.h"
#include "store/store_private.h"

struct file_seal;

struct file_stamp {
	uint64_t size;
	int64_t mtime_ns;
};

struct file {
	/* fixed */
	struct store *store;
	uint64_t ino;

	/* atomic */
	_Atomic(uint64_t) news;
	_Atomic(uint64_t) known;

	/* under the table's lock */
	struct file *next;
	unsigned references;
	unsigned waiting; /* for the turn */
	bool is_taken;
	bool is_retired; /* fixed for whoever has the turn */

	/* of whoever has the turn */
	unsigned opens;
	unsigned writers;
	bool is_pinned;	 /* the kernel has the descriptor */
	bool is_pending; /* blob is inode.pending, not inode.blob */
	bool is_copy;	 /* and was made with the bytes of that */
	bool is_marked;
	bool is_listed;	 /* a writer's, DB_OPEN has it with flags 0 */
	bool may_linger; /* file_let_linger() */
	bool is_held;	 /* one open is file_linger's own: file_linger_hold() */
	bool is_changed;
	bool is_closing;    /* the last writer was flushed: its close() */
	bool was_flushed;   /* published by file_flush() once */
	bool is_gone;	    /* no name is left; inode is all there is */
	bool is_superseded; /* the inode has other data than blob by now */
	bool is_writable; /* fd is: a writer has come, who need not be there */
	int fd;
	uint64_t blob;		/* 0: none, fd is of /dev/null */
	bool is_sealed;		/* fixed while it is open */
	struct file_seal *seal; /* there where it is sealed */
	bool is_shared;		/* not to be written to: a clone comes first */
	bool is_packed;		/* fd is of a copy in memory */
	struct file_stamp stamp;
	int64_t copied_ns;  /* ctime of a copy that nobody has changed */
	uint64_t commit;    /* whatever was done to the file before */
	uint64_t seen;	    /* the commit as of which the record was read */
	struct inode inode; /* as last read; attrs empty */
};

/* A reference and the turn; makes the file where there is none. */
struct file *file_table_take(struct store *store, uint64_t ino);
/* The same, or NULL where there is none, or nobody has it open. */
struct file *file_table_take_open(struct store *store, uint64_t ino);
/* Who comes from now on gets another.  The caller has the turn, and nobody has
 * it open for writing. */
void file_table_retire(struct file *file);
/* The turn of one that the caller has a reference to. */
void file_table_take_turn(struct file *file);
void file_table_give_turn(struct file **file);
/* Gives the turn to whoever waits for one or comes for it, and has it again
 * once one gives it back, or at the deadline (clock_monotonic_ns()). */
void file_table_pass_turn(struct file *file, int64_t deadline_ns);
/* Gives back a reference.  NULL is allowed. */
void file_table_release(struct file **file);

/* Rule 7, where there is one. */
void file_table_note_news(struct store *store, uint64_t ino);
/* Somebody has its turn, and may keep it for long. */
bool file_table_is_taken(struct store *store, uint64_t ino);

uint64_t file_table_count(struct store *store);
/* Those that are there, to be freed; NULL where there is none. */
uint64_t *file_table_inodes(struct store *store, size_t *count);
