/* SPDX-License-Identifier: Apache-2.0 */
/* sign.h - requests ready to be sent: signed by SigV4 where the environment
 * has keys, else plain. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sign_request {
	const char *method;
	const char *host;
	unsigned int port;
	const char *path;  /* already encoded */
	const char *query; /* already canonical */
	uint64_t body_size;
	bool signs_payload;	 /* else UNSIGNED-PAYLOAD */
	const char *copy_source; /* NULL: the body is ours */
	bool is_sealed;		 /* SSE-C, always with the same key */
};

struct request {
	char *head;
	size_t head_len;
	uint64_t body_size; /* of sign_body()'s bytes */
	bool is_head;	    /* the reply has no body */
};

void sign_make(const struct sign_request *what, struct request *out);

/* The bytes of all bodies. */
#define SIGN_BODY_PIECE (1 << 20)
const char *sign_body(void);
