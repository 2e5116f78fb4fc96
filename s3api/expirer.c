/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/expirer.h"

#include <stdlib.h>

#include "store/audit_line.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/ticker.h"
#include "store/lifecycle.h"

/* Clocks are set, machines sleep. */
#define LOOK_MS 60000
#define AGAIN_MS 3600000

struct expirer {
	struct store *store;
	struct audit *audit;
	int64_t not_before_ms; /* there is a run, after one that failed */
	struct ticker *ticker;
};

static void
tell(const struct lifecycle_finding *finding, void *context)
{
	const struct expirer *expirer = context;
	scoped(buffer_free) struct buffer line = {0};
	char id[VERSION_ID_LEN + 1];

	if (!expirer->audit ||
		!audit_choice_of_bucket(expirer->store, finding->bucket))
		return;
	audit_line_begin(&line, "lifecycle");
	audit_line_text(&line, "operation",
		finding->is_upload ? SLICE("S3.DELETE.UPLOAD")
				   : SLICE("S3.EXPIRE.OBJECT"));
	audit_line_text(&line, "action",
		finding->is_upload ? SLICE("s3:AbortMultipartUpload")
		: finding->version ? SLICE("s3:DeleteObjectVersion")
				   : SLICE("s3:DeleteObject"));
	audit_line_text(&line, "decision", SLICE("allow"));
	audit_line_text(&line, "statement", finding->rule);
	audit_line_text(&line, "bucketName", slice_str(finding->bucket->name));
	audit_line_text(&line, "key", finding->key);
	if (finding->version) {
		version_text(finding->version, id);
		audit_line_text(&line, "versionId", slice_str(id));
	}
	audit_line_number(&line, "status", 204);
	audit_line_end(&line, expirer->audit);
}

static bool
goes_on(void *context)
{
	const struct expirer *expirer = context;

	return !ticker_is_stopping(expirer->ticker);
}

static void
look(struct ticker *ticker, void *context)
{
	struct expirer *expirer = context;
	const struct lifecycle_options options = {
		.goes_on = goes_on,
		.report = tell,
		.context = expirer,
	};
	struct lifecycle_result result;
	int64_t now_ms = clock_monotonic_ms();
	enum store_err err;

	(void)ticker;
	if (now_ms < expirer->not_before_ms)
		return;
	err = lifecycle_run_daily(expirer->store, &options, &result);
	if (err == STORE_BUSY)
		return; /* another process does it */
	if (err)
		log_error("lifecycle: %s", error_sentence(err));
	if (err || result.failed > 0)
		expirer->not_before_ms = now_ms + AGAIN_MS;
	if (result.objects + result.versions + result.uploads > 0)
		log_info("lifecycle: objects=%llu versions=%llu bytes=%llu "
			 "uploads=%llu",
			(unsigned long long)result.objects,
			(unsigned long long)result.versions,
			(unsigned long long)result.bytes,
			(unsigned long long)result.uploads);
}

enum store_err
expirer_start(struct store *store, struct audit *audit, uint64_t first_ms,
	struct expirer **out)
{
	struct expirer *expirer = calloc(1, sizeof(*expirer));

	if (!expirer)
		return STORE_NO_MEMORY;
	expirer->store = store;
	expirer->audit = audit;
	const struct ticker_options options = {
		.name = "tarn-expirer",
		.first_ms = first_ms,
		.then_ms = LOOK_MS,
		.tick = look,
		.context = expirer,
	};
	enum store_err err = ticker_start(&options, &expirer->ticker);

	if (err)
		free(expirer);
	else
		*out = expirer;
	return err;
}

void
expirer_stop(struct expirer **expirer)
{
	if (*expirer)
		ticker_stop(&(*expirer)->ticker);
	free(*expirer);
	*expirer = NULL;
}
