/* SPDX-License-Identifier: Apache-2.0 */
/* oidc_private.h - the kinds of keys, and the library that knows them. */
#pragma once

#include <jansson.h>
#include <jose/jose.h>

#include "s3api/iam/oidc.h"

/* One that says nothing: the library's own writes to stderr.  The caller's:
 * jose_cfg_decref(). */
jose_cfg_t *oidc_keys_jose(void);

/* "alg" and the keys that it is for; curve NULL: RSA. */
struct oidc_algorithm {
	const char *name;
	const char *kind;
	const char *curve;
};

/* NULL: none that is taken. */
const struct oidc_algorithm *oidc_keys_find_algorithm(const char *name);
/* Whether the key is of that kind, and not for another algorithm. */
bool oidc_keys_fit(const struct oidc_algorithm *algorithm, const json_t *key);
