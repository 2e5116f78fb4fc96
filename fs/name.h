/* SPDX-License-Identifier: Apache-2.0 */
/*
 * name.h - components of keys as names of files: what POSIX cannot show
 * appears under a reversible escape (docs/posix.md).
 *
 *	.tarn~e~TEXT		a component that is empty, "." or "..", holds a
 *NUL or begins with ".tarn~"
 *	.tarn~f~TEXT		the object TEXT, where there are keys TEXT/...
 *	.tarn~l~HASH~TEXT	one that is too long: TEXT is how it begins,
 *HASH the first half of the SHA-256 of all of it, with its '/' where it is a
 *directory's
 *
 * TEXT is the component, without a directory's '/'; % stands there as %25 and
 * NUL as %00.  Other names that begin with ".tarn~" mean nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

#define NAME_MAX_SHOWN 255
#define NAME_HASH_LEN 16

enum name_form {
	NAME_PLAIN, /* the component itself, escaped or not */
	NAME_FILE,  /* the file, and not the directory of that name */
	NAME_LONG,  /* text is how it begins */
};

struct name {
	enum name_form form;
	size_t len;
	char text[NAME_MAX_SHOWN];
	uint8_t hash[NAME_HASH_LEN]; /* NAME_LONG */
};

static inline struct slice
name_text(const struct name *name)
{
	return slice_of(name->text, name->len);
}

/* Writes how a component (a directory's with its '/') is shown, and a NUL;
 * gives the length.  has_twin: a file, and there is a directory of its name. */
size_t name_show(struct slice component, bool has_twin,
	char to[NAME_MAX_SHOWN + 1]);

/* BAD_NAME: it means nothing; NAME_TOO_LONG. */
must_check enum store_err name_parse(struct slice shown, struct name *out);

void name_hash(struct slice component, uint8_t hash[NAME_HASH_LEN]);
