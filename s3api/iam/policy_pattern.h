/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_pattern.h - text in policies with * (any characters), ? (one) and
 * variables such as ${aws:username}.
 *
 * What a variable stands for is plain text: a * in it matches a * alone.
 *
 * Invariants of a compiled pattern:
 * 1. Its wildcards are the bytes 0xff and 0xfe, which occur in no UTF-8; all
 *    else in it stands for itself.
 * 2. A pattern that has a variable has pieces; any other has text.
 *
 * Ownership: compiled patterns live in the arena they were compiled into.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "s3api/iam/policy_key.h"
#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

/* What a pattern may grow to with its variables filled in. */
#define POLICY_PATTERN_MAX 4096

enum policy_pattern_flags {
	POLICY_PATTERN_WILDCARDS = 1 << 0,
	POLICY_PATTERN_VARIABLES = 1 << 1,
	POLICY_PATTERN_NOCASE = 1 << 2,
};

struct policy_piece {
	struct policy_key_name name; /* key NONE: text */
	struct slice text;	     /* or what stands in for a missing value */
	bool has_default;
};

struct policy_pattern {
	struct slice text;
	size_t prefix_len; /* of text, up to its first wildcard */
	const struct policy_piece *pieces;
	size_t piece_count; /* 0: no variable */
	bool has_wildcards;
	bool is_nocase;
};

/* False: a variable is malformed, or names a key that there is not. */
must_check bool policy_pattern_compile(struct arena *arena, struct slice text,
	unsigned int flags, struct policy_pattern *out);

enum policy_match {
	POLICY_MATCH_NO,
	POLICY_MATCH_YES,
	/* A variable has no value, or not one alone, or a value too long. */
	POLICY_MATCH_UNRESOLVED,
};

enum policy_match policy_pattern_match(const struct policy_pattern *pattern,
	struct slice text, const struct policy_context *context);

/* Of text as it is written, with * and ?; ASCII letters without case. */
bool policy_pattern_glob_nocase(struct slice pattern, struct slice text);
