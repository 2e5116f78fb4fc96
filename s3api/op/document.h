/* SPDX-License-Identifier: Apache-2.0 */
/*
 * document.h - bodies of requests that are small documents, and the documents
 * that a bucket keeps.
 */
#pragma once

#include "s3api/request.h"

/* The whole body, checked against what was promised of it.  What body.h
 * gives; MALFORMED_XML: longer than max. */
must_check enum s3_error document_read(struct request *request, size_t max,
	struct slice *text);

/* The bucket's document of that kind.  `missing` where there is none. */
must_check enum s3_error document_get(struct request *request, const char *kind,
	enum s3_error missing, struct slice *value);

/* Stores it and replies with the status. */
must_check enum s3_error document_put(struct request *request, const char *kind,
	struct slice value, unsigned int status);

/* Removes it, whether it was there or not, and replies with 204. */
must_check enum s3_error document_delete(struct request *request,
	const char *kind);
