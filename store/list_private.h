/* SPDX-License-Identifier: Apache-2.0 */
/* list_private.h - prefixes and delimiters, for both kinds of lists. */
#pragma once

#include "store/base/buffer.h"
#include "store/list.h"

struct list_range {
	struct slice prefix;
	struct slice delimiter; /* empty: none */
	struct slice after;	/* list.h */
};

/* How much of the key its common prefix is; 0: it has none. */
size_t list_common_prefix_len(const struct list_range *range, struct slice key);

/* The first key above all that begin with the prefix, in place; false where
 * there is none. */
bool list_make_successor(struct buffer *prefix);

/* Where the page begins; false where nothing can come. */
bool list_find_start(const struct list_range *range, struct buffer *start,
	bool *is_after);
