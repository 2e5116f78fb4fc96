/* SPDX-License-Identifier: Apache-2.0 */
/*
 * model.h - a bucket as a set of paths: what the namespace has to amount to,
 * in the plainest way.
 *
 * A directory's path ends in '/'.  The model knows no errors but "no": it
 * tells whether an operation is to succeed, and what is there afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum model_kind {
	MODEL_NONE,
	MODEL_FILE,
	MODEL_HIDDEN, /* a symbolic link */
	MODEL_IMPLICIT,
	MODEL_EXPLICIT,
};

struct model_entry {
	char *path;
	enum model_kind kind;
	uint64_t tag;
};

/* Zeros are an empty bucket. */
struct model {
	struct model_entry *entries; /* in the order of paths */
	size_t count;
	size_t capacity;
};

void model_free(struct model *model);

enum model_kind model_find(const struct model *model, const char *path);
/* What the caller knows of an entry: it goes where the entry goes.  0: of one
 * that is not there, or to which none was given. */
uint64_t model_tag(const struct model *model, const char *path);
void model_set_tag(struct model *model, const char *path, uint64_t tag);
/* The bucket itself is a directory. */
bool model_has_dir(const struct model *model, const char *path);
bool model_is_empty_dir(const struct model *model, const char *path);

/* S3: "a/b" or "a/b/". */
void model_put(struct model *model, const char *key);
bool model_delete(struct model *model, const char *key);

/* POSIX: parent "" or "a/", name without '/'. */
bool model_make(struct model *model, const char *parent, const char *name,
	enum model_kind kind);
bool model_unlink(struct model *model, const char *path);
bool model_rmdir(struct model *model, const char *path);
/* from and to: paths of one kind, the parent of `to` exists. */
bool model_rename(struct model *model, const char *from, const char *to_parent,
	const char *to_name, bool is_no_replace, bool is_exchange);

/* As names_list() has it; free it. */
char *model_list(const struct model *model, const char *prefix,
	const char *delimiter);
size_t model_objects(const struct model *model);
