/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promises.h - what a store must hold, by the notes of content.h, and whether
 * it does.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tests/crash/content.h"

struct promises;

struct promises *promises_new(void);
void promises_free(struct promises **promises);

void promises_note(struct promises *promises, const struct content_note *note);

/* Nothing is promised of that thing any more, nor that it is absent. */
void promises_drop(struct promises *promises, const char *key);

/* As of now, for a log that goes on from here. */
void promises_save(const struct promises *promises, const char *path);
void promises_load(struct promises *promises, const char *path);

/* Opens the store, which recovers it; says on stderr what is wrong. */
bool promises_are_kept(const struct promises *promises, const char *path);
