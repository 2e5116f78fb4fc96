/* SPDX-License-Identifier: Apache-2.0 */
/*
 * entry.h - which entry of the store a shown name means.
 */
#pragma once

#include "fs/inode.h"

/* A component of the store, without a directory's '/'. */
struct entry {
	enum tree_want want;
	size_t len;
	char text[TREE_NAME_MAX];
};

static inline struct slice
entry_text(const struct entry *entry)
{
	return slice_of(entry->text, entry->len);
}

/* NOT_FOUND, also where the name means nothing.  In INODE_ROOT: buckets. */
must_check enum store_err entry_find(struct mount *mount, uint64_t parent,
	const char *shown, struct entry *entry, struct reply_fact *fact);

/* A name for something new.  BAD_NAME: reserved for escapes, or not UTF-8
 * and so no key; NAME_TOO_LONG. */
must_check enum store_err entry_new(const char *shown, struct entry *entry);

/* True where the directory has a directory of that name. */
bool entry_has_dir(struct mount *mount, uint64_t parent, struct slice text);
