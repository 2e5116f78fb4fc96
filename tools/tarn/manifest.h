/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.h - resources of kind User (objectstorage.coreweave.com/v1alpha1)
 * in YAML.
 *
 * Hostile until read: at most MANIFEST_BYTES_MAX, no anchors, aliases or tags,
 * bounded in depth and count, no name twice.  What would have no effect (a
 * field that is not known) is refused, but for what a cluster adds by itself:
 * status, and further metadata.
 */
#pragma once

#include <stdbool.h>

#include "store/base/arena.h"
#include "store/token.h"

#define MANIFEST_BYTES_MAX (1024 * 1024)
#define MANIFEST_API "objectstorage.coreweave.com/v1alpha1"

struct manifest_user {
	struct slice namespace;
	struct slice name;
	struct slice owner;
	struct slice secret_name; /* never empty */
	enum token_level access;
};

/* "document 2: spec.access: ...", without a full stop. */
struct manifest_error {
	char text[384];
};

/* All of a file, one or several documents; in the arena. */
must_check bool manifest_parse(struct slice text, struct arena *arena,
	struct manifest_user **out, size_t *count,
	struct manifest_error *error);
