/* SPDX-License-Identifier: Apache-2.0 */
/*
 * version.h - which of the versions of an object is meant.
 *
 * S3 API: versioning, "x-amz-version-id", the query parameter "versionId".
 * A version's id is "null" for one that was made while its bucket kept no
 * versions, else 16 hexadecimal digits, which tell nobody anything.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "store/base/slice.h"

/* Of a bucket; once it was enabled it is never VERSIONING_NEVER again. */
enum versioning {
	VERSIONING_NEVER,
	VERSIONING_ENABLED,
	VERSIONING_SUSPENDED, /* what comes is the null version */
};

/* A later one of the same key has the higher number. */
struct version {
	uint64_t number; /* 0: from before its bucket kept versions */
	bool is_null;	 /* told as "null"; so is number 0 */
};

enum version_which {
	VERSION_CURRENT, /* the one that a request without versionId means */
	VERSION_NULL,
	VERSION_NUMBER,
};

struct version_ref {
	enum version_which which;
	uint64_t number;
};

#define VERSION_ID_LEN 16

static inline bool
version_is_null(const struct version *version)
{
	return version->is_null || version->number == 0;
}

/* With a NUL. */
void version_text(const struct version *version, char to[VERSION_ID_LEN + 1]);
/* Never VERSION_CURRENT; false: nobody was ever given such an id. */
bool version_parse(struct slice text, struct version_ref *out);
/* The one that is meant by its id.  Of those without one: null. */
struct version_ref version_ref_of(const struct version *version);
