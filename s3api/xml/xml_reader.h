/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_reader.h - XML bodies of requests, by libxml2.
 *
 * Hostile until read: a document with a DTD (so with any entity of its own)
 * is refused, nothing is fetched, depth is bounded by libxml2 (256), the rest
 * by xml_bounds.h, which says what is read: UTF-8, whatever is declared.  Names
 * are compared without their namespaces, since clients leave S3's away.
 *
 * Threads:   a reader is used by one at a time; parsing runs on a helper
 *            thread where a fiber asks.
 * Ownership: nodes live as long as their reader; text is copied.
 */
#pragma once

#include <stdbool.h>

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

struct xml_reader;
struct xml_node;

/* False: not well-formed or out of bounds, a DTD, or the root has another name.
 */
must_check bool xml_reader_open(struct slice bytes, const char *root,
	struct xml_reader **out);

/* NULL is allowed. */
void xml_reader_close(struct xml_reader **reader);

const struct xml_node *xml_reader_root(const struct xml_reader *reader);

/* The first child of that name, and its next sibling; NULL: none.  A NULL
 * name stands for any. */
const struct xml_node *xml_reader_child(const struct xml_node *node,
	const char *name);
const struct xml_node *xml_reader_next(const struct xml_node *node,
	const char *name);

/* Its local name. */
const char *xml_reader_name(const struct xml_node *node);

/* Whether text that is more than blanks lies in the node itself. */
bool xml_reader_has_own_text(const struct xml_node *node);

/* All text below the node, as it is. */
struct slice xml_reader_text(const struct xml_node *node, struct arena *arena);

/* Text of the child of that name, or SLICE_NULL where there is none. */
struct slice xml_reader_child_text(const struct xml_node *node,
	const char *name, struct arena *arena);
