/* SPDX-License-Identifier: Apache-2.0 */
/* token_print.h - tokens on standard output, as text or as JSON. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "store/token.h"

/* secret: NULL where it is not to be seen. */
void token_print(const struct token *token, const char *secret, int64_t used_ns,
	bool json);

/* The status of the process. */
int token_print_all(struct store *store, const struct token *tokens,
	size_t count, bool json);

/* Two spaces a step, a line feed at the end; takes root. */
void token_print_json(json_t *root);
