/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/replicator.h"

#include <stdlib.h>

#include "s3api/error.h"
#include "s3api/iam/standing.h"
#include "s3api/reply.h"
#include "store/audit_line.h"
#include "store/base/clock.h"
#include "store/base/log.h"
#include "store/base/ticker.h"
#include "store/replication.h"

#define LOOK_MS 100
/* Something is left that is not due. */
#define AGAIN_MS 1000
/* After what is the store's. */
#define PAUSE_MS 10000

struct replicator {
	struct store *store;
	struct audit *audit; /* NULL: none */
	struct policy_cache *policies;
	struct ticker *ticker;
	uint64_t mark; /* as of which nothing else waits */
	bool is_left;
	int64_t not_before_ms;
	enum store_err failure; /* of the last run; told once */
};

static bool
goes_on(void *context)
{
	const struct replicator *replicator = context;

	return !ticker_is_stopping(replicator->ticker);
}

static enum policy_action
action_of(const struct replication_ask *ask)
{
	return ask->is_marker ? POLICY_ACTION_REPLICATE_DELETE
			      : POLICY_ACTION_REPLICATE_OBJECT;
}

static bool
may(const struct replication_ask *ask, void *context)
{
	const struct replicator *replicator = context;
	const struct replication *replication = ask->replication;
	const struct policy_caller caller = {
		.organization = replication->organization,
		.name = replication->name,
		.role = replication->name_role,
	};

	const struct standing_ask source = {
		.caller = &caller,
		.action = POLICY_ACTION_GET_OBJECT_VERSION_FOR_REPLICATION,
		.bucket = ask->from,
		.key = ask->key,
		.number = ask->number,
	};
	const struct standing_ask replica = {
		.caller = &caller,
		.action = action_of(ask),
		.bucket = ask->to,
		.key = ask->key,
	};

	return standing_may(replicator->store, replicator->policies, &source) &&
	       standing_may(replicator->store, replicator->policies, &replica);
}

static struct slice
operation_of(const struct replication_ask *ask)
{
	if (ask->is_marker)
		return SLICE("S3.REPLICATE.DELETE");
	return ask->is_update ? SLICE("S3.REPLICATE.ATTRIBUTES")
			      : SLICE("S3.REPLICATE.OBJECT");
}

/* As of a request that had come of it. */
static void
add_outcome(struct buffer *line, enum store_err err)
{
	enum s3_error error = err ? reply_error_of_store(err) : S3_OK;

	audit_line_number(line, "status", err ? error_status(error) : 200);
	if (err)
		audit_line_text(line, "error", slice_str(error_code(error)));
}

static void
tell(const struct replication_ask *ask, enum store_err err, void *context)
{
	const struct replicator *replicator = context;
	const struct version version = {.number = ask->number};
	scoped(buffer_free) struct buffer line = {0};
	char id[VERSION_ID_LEN + 1];

	if (!replicator->audit ||
		!audit_choice_of_bucket(replicator->store, ask->to))
		return;
	version_text(&version, id);
	audit_line_begin(&line, "replication");
	audit_line_text(&line, "operation", operation_of(ask));
	audit_line_text(&line, "action",
		slice_str(policy_action_name(action_of(ask))));
	audit_line_text(&line, "decision",
		err == STORE_ACCESS ? SLICE("deny") : SLICE("allow"));
	audit_line_text(&line, "organization", ask->replication->organization);
	audit_line_text(&line, "principal", ask->replication->name);
	audit_line_text(&line, "role", ask->replication->name_role);
	audit_line_text(&line, "statement", ask->rule->id);
	audit_line_text(&line, "bucketName", slice_str(ask->to->name));
	audit_line_text(&line, "key", ask->key);
	audit_line_text(&line, "versionId", slice_str(id));
	audit_line_text(&line, "sourceBucketName", slice_str(ask->from->name));
	add_outcome(&line, err);
	audit_line_end(&line, replicator->audit);
}

static void
run(struct replicator *replicator)
{
	const struct replication_options options = {
		.goes_on = goes_on,
		.may = may,
		.report = tell,
		.context = replicator,
	};
	struct replication_result result;
	uint64_t mark = replication_mark(replicator->store);
	enum store_err err =
		replication_run(replicator->store, &options, &result);

	/* Another process is at it, and may end. */
	replicator->is_left = err || result.left > 0;
	replicator->not_before_ms =
		clock_monotonic_ms() +
		(err && err != STORE_BUSY ? PAUSE_MS : AGAIN_MS);
	if (!err)
		replicator->mark = mark;
	if (err && err != STORE_BUSY && err != replicator->failure)
		log_error("replication: %s", error_sentence(err));
	replicator->failure = err;
	if (result.failed > 0)
		log_warn("replication: %llu versions were given up",
			(unsigned long long)result.failed);
}

static void
look(struct ticker *ticker, void *context)
{
	struct replicator *replicator = context;

	(void)ticker;
	if (replicator->is_left
			? clock_monotonic_ms() >= replicator->not_before_ms
			: replication_mark(replicator->store) !=
				  replicator->mark)
		run(replicator);
}

static void
end(struct replicator **replicator)
{
	policy_cache_free(&(*replicator)->policies);
	free(*replicator);
	*replicator = NULL;
}

enum store_err
replicator_start(struct store *store, struct audit *audit,
	struct replicator **out)
{
	struct replicator *replicator = calloc(1, sizeof(*replicator));

	if (!replicator)
		return STORE_NO_MEMORY;
	replicator->store = store;
	replicator->audit = audit;
	replicator->policies = policy_cache_create();
	const struct ticker_options options = {
		.name = "tarn-replicator",
		.then_ms = LOOK_MS,
		.tick = look,
		.context = replicator,
	};
	enum store_err err = ticker_start(&options, &replicator->ticker);

	if (err)
		end(&replicator);
	*out = replicator;
	return err;
}

void
replicator_stop(struct replicator **replicator)
{
	if (!*replicator)
		return;
	ticker_stop(&(*replicator)->ticker);
	end(replicator);
}
