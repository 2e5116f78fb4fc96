/* SPDX-License-Identifier: Apache-2.0 */
/*
 * multipart.h - multipart/form-data as it streams in (RFC 7578, RFC 2046
 * §5.1): fields in memory, then one file of any size through.
 *
 *	multipart_begin(&form, arena, content_type, read, context)
 *	while (!multipart_next(&form, &part) && !part.is_file)
 *		multipart_value(&form, &value)
 *	multipart_read(&form, piece, sizeof(piece), &got)	until got is 0
 *
 * Strict: a delimiter is CRLF, two dashes, the boundary, and CRLF or two
 * dashes; nothing stands before the first; a part has one Content-Disposition,
 * form-data with a name.  Memory is bounded by MULTIPART_FIELDS_MAX; what
 * follows the file is not read.
 *
 * Threads:   the fiber of the connection.
 * Ownership: names and values lie in the arena; they are not copied.
 * Failure:   INVALID: not such a form, or it ends early; TOO_BIG: the fields
 *            are more than MULTIPART_FIELDS_MAX; what read() gives.  After an
 *            error the form gives it for ever.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "store/base/arena.h"
#include "store/base/compiler.h"
#include "store/base/error.h"
#include "store/base/slice.h"

/* S3 API: everything before the file. */
#define MULTIPART_FIELDS_MAX (20 * 1024)

#define MULTIPART_BOUNDARY_MAX 70
/* CRLF, two dashes, the boundary; and two bytes more that say which it is. */
#define MULTIPART_DELIMITER_MAX (4 + MULTIPART_BOUNDARY_MAX)
/* The least room that multipart_read() can work in. */
#define MULTIPART_READ_MIN (2 * (MULTIPART_DELIMITER_MAX + 2))

struct multipart_part {
	struct slice name;
	struct slice filename; /* unescaped, without directories */
	bool is_file;	       /* its name is "file", whatever its case */
};

struct multipart {
	/* private to multipart.c */
	enum store_err (*read)(void *context, void *to, size_t len,
		size_t *got);
	void *context;
	char delimiter[MULTIPART_DELIMITER_MAX];
	size_t delimiter_len;
	char *buffer; /* what stands before the file, and what came with it */
	size_t next;  /* in it: not yet used */
	size_t end;
	enum store_err err;
	bool is_at_end; /* of the file */
};

/* "multipart/form-data" with a boundary.  False: it is another type, or its
 * boundary is none. */
must_check bool multipart_begin(struct multipart *form, struct arena *arena,
	struct slice content_type,
	enum store_err (*read)(void *context, void *to, size_t len,
		size_t *got),
	void *context);

/* The header of the next part.  NOT_FOUND: the form has ended. */
must_check enum store_err multipart_next(struct multipart *form,
	struct multipart_part *part);

/* The whole of the part that multipart_next() gave. */
must_check enum store_err multipart_value(struct multipart *form,
	struct slice *value);

/* The next bytes of it, up to len (at least MULTIPART_READ_MIN); *got is 0
 * only at its end.  No other part can be had after it. */
must_check enum store_err multipart_read(struct multipart *form, void *to,
	size_t len, size_t *got);
