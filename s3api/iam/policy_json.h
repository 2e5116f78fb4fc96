/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_json.h - JSON of strangers: bounded in size and depth, no name twice;
 * and sentences that say where a policy is wrong.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/slice.h"

/* S3: a bucket policy has at most 20 KB. */
#define POLICY_JSON_MAX (20 * 1024)
/* A policy needs five. */
#define POLICY_JSON_DEPTH_MAX 16

/* "Statement 2 (\"readers\"): Action: ...", without a full stop. */
struct policy_error {
	char text[384];
};

/* Writes the sentence; always false. */
bool policy_json_refuse(struct policy_error *error, const char *format, ...)
	printf_like(2, 3);

/* An object, to be released by policy_json_free(); NULL: *error says why. */
json_t *policy_json_load(struct slice text, struct policy_error *error);
/* The same of any other body, of at most max bytes. */
json_t *policy_json_load_body(struct slice text, size_t max,
	struct policy_error *error);
void policy_json_free(json_t **root);

/* The text of a string, borrowed; SLICE_NULL where it is none. */
struct slice policy_json_text(const json_t *value);

/* How many strings: one for a string; 0: neither that nor a list of them. */
size_t policy_json_count(const json_t *value);
struct slice policy_json_item(const json_t *value, size_t i);

/* For messages: what fits, without control characters. */
const char *policy_json_quote(struct slice text, char to[80]);
