/* SPDX-License-Identifier: Apache-2.0 */
/* asked.h - a request that never was at a server, for what reads one alone. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/request.h"

#define ASKED_PARAMS_MAX 4

struct asked {
	struct arena arena;
	struct http_request http;
	struct http_param params[ASKED_PARAMS_MAX];
	struct request request;
};

/* For "bucket", of the organization "owner"; without headers or parameters. */
static inline void
asked_init(struct asked *asked)
{
	*asked = (struct asked){.http = {.arena = &asked->arena}};
	asked->request = (struct request){
		.http = &asked->http,
		.arena = &asked->arena,
		.bucket_name = SLICE("bucket"),
		.bucket = {.owner = "owner"},
		.params = asked->params,
	};
}

static inline void
asked_add_param(struct asked *asked, const char *name, const char *value)
{
	cr_assert(lt(sz, asked->request.param_count, ASKED_PARAMS_MAX));
	asked->params[asked->request.param_count++] = (struct http_param){
		.name = slice_str(name),
		.value = slice_str(value),
	};
}

static inline void
asked_free(struct asked *asked)
{
	arena_free(&asked->arena);
}
