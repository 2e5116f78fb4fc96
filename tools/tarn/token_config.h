/* SPDX-License-Identifier: Apache-2.0 */
/* token_config.h - a key pair as the configuration of a client. */
#pragma once

#include <stdbool.h>

#include "store/token.h"

/* False: no such client.  Prints to standard output. */
bool token_config_print(const char *client, const struct token *token,
	const char *secret, const char *endpoint);

/* "http://HOST[:PORT]" or "https://...", without a path. */
bool token_config_endpoint_is_valid(const char *endpoint);

/* For help texts. */
#define TOKEN_CONFIG_CLIENTS "s3cmd|aws|rclone|s5cmd|boto3|env"
