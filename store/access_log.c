/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access_log.h"

#include <stdlib.h>

#include "store/access_log_private.h"
#include "store/base/buffer.h"
#include "store/base/clock.h"
#include "store/base/owner.h"
#include "store/logging.h"
#include "store/store_private.h"

#define FILE_BYTES (8u << 20)
#define FILE_MS 300000
/* More than request_log.h makes: what is cut has an end that nobody can read.
 */
#define LINE_MAX_BYTES (128u << 10)

struct access_log {
	struct audit *lines;
};

enum store_err
access_log_open(struct store *store, const struct access_log_options *options,
	struct access_log **out)
{
	struct access_log *log = calloc(1, sizeof(*log));
	struct store_path dir = store_path(store, "access-log");
	const struct audit_options gather = {
		.dir = dir.text,
		.role = "access",
		.file_bytes =
			options->file_bytes ? options->file_bytes : FILE_BYTES,
		.file_ms = options->file_ms ? options->file_ms : FILE_MS,
		.drops = true,
		.take = access_log_deliver,
	};
	enum store_err err;

	if (!log)
		return STORE_NO_MEMORY;
	/* For who serves it, where root began to. */
	if (owner_mkdir(dir.text) && errno != EEXIST)
		err = error_from_errno(errno);
	else
		err = audit_open(store, &gather, &log->lines);
	if (err)
		free(log);
	else
		*out = log;
	return err;
}

void
access_log_close(struct access_log **log)
{
	if (!*log)
		return;
	audit_close(&(*log)->lines);
	free(*log);
	*log = NULL;
}

bool
access_log_is_wanted(struct store *store, const struct bucket *bucket)
{
	scoped(arena_free) struct arena arena = {0};
	struct logging logging;

	return !logging_read(store, bucket->ino, &arena, &logging);
}

void
access_log_append(struct access_log *log, const struct bucket *bucket,
	int64_t time_ns, struct slice line)
{
	scoped(buffer_free) struct buffer text = {0};

	buffer_printf(&text, "%llu %lld ", (unsigned long long)bucket->ino,
		(long long)(time_ns / CLOCK_NS_PER_S));
	buffer_append(&text, slice_first(line, LINE_MAX_BYTES));
	audit_append(log->lines, buffer_slice(&text));
}
