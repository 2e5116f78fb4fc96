/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/request_audit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "s3api/iam/policy_action.h"
#include "s3api/op/key_list.h"
#include "s3api/version_id.h"
#include "store/base/clock.h"
#include "store/base/text.h"

/* Of the keys of a line, which must not outgrow the log's buffer. */
#define KEYS_BYTES_MAX (256u << 10)

static void
add(json_t *line, const char *name, json_t *value)
{
	(void)json_object_set_new_nocheck(line, name, value);
}

/* Nothing where it is empty. */
static void
add_text(json_t *line, const char *name, struct slice text)
{
	scoped(buffer_free) struct buffer encoded = {0};

	if (text.len == 0)
		return;
	text = text_printable(text, &encoded);
	add(line, name, json_stringn(text.data, text.len));
}

static void
add_time(json_t *line, int64_t now_ns)
{
	char now[25];

	clock_to_iso8601(now_ns, now);
	add(line, "time", json_string_nocheck(now));
}

static void
add_caller(json_t *line, const struct request *request)
{
	const struct policy_caller *caller = &request->access.caller;

	if (caller->is_anonymous || caller->organization.len == 0)
		return;
	add_text(line, "organization", caller->organization);
	add_text(line, "principal", caller->name);
	add_text(line, "role", caller->role);
	add_text(line, "accessKeyId",
		slice_str(request->caller.token.access_key));
}

/* What the policies said, or that it did not come to them. */
static void
add_decision(json_t *line, const struct request *request)
{
	const struct access *access = &request->access;

	if (!access->policies.is_read) {
		add(line, "decision", json_string_nocheck("none"));
		return;
	}
	add(line, "decision",
		json_string_nocheck(access->decision.is_allowed ? "allow"
								: "deny"));
	add(line, "reason",
		json_string(decide_sentence(access->decision.reason)));
	add_text(line, "statement",
		decide_statement(&access->decision, request->arena));
}

static void
add_action(json_t *line, const struct request *request)
{
	if (!request->operation)
		return;
	add(line, "operation", json_string(request->operation->name));
	if (request->access.policies.is_read)
		add(line, "action",
			json_string(policy_action_name(request->access
							       .action)));
}

/* Of a copy: what was read. */
static void
add_source(json_t *line, const struct access *access)
{
	struct version_ref version;

	if (!access->source.name[0])
		return;
	add_text(line, "sourceBucketName", slice_str(access->source.name));
	add_text(line, "sourceKey", access->source_key);
	if (version_id_parse(access->source_version, &version))
		add_text(line, "sourceVersionId", access->source_version);
	add(line, "sourceDecision",
		json_string_nocheck(access->source_decision.is_allowed
					    ? "allow"
					    : "deny"));
	add(line, "sourceReason",
		json_string(decide_sentence(access->source_decision.reason)));
}

/* Which one was named; else which one was read or made. */
static void
add_version(json_t *line, const struct request *request)
{
	bool is_named = request->version.which != VERSION_CURRENT;

	add_text(line, "versionId",
		is_named ? request_param(request, "versionId")
			 : request->told_version);
	if (request->tells_marker)
		add(line, "deleteMarker", json_true());
}

static void
add_version_of(json_t *key, const struct key_list_entry *entry)
{
	char id[VERSION_ID_LEN + 1] = "";
	struct version_ref named;

	if (entry->is_marker && !entry->refused) {
		version_text(&entry->marker, id);
		add(key, "deleteMarker", json_true());
	}
	add_text(key, "versionId",
		version_id_parse(entry->version, &named) ? entry->version
							 : slice_str(id));
}

/* Of DeleteObjects: each, and why it was not deleted. */
static void
add_keys(json_t *line, const struct key_list *list)
{
	json_t *keys = json_array();
	size_t bytes = 0;
	size_t i = 0;

	for (; i < list->count && bytes <= KEYS_BYTES_MAX; i++) {
		const struct key_list_entry *entry = &list->entries[i];
		json_t *key = json_object();

		add_text(key, "key", entry->key);
		add_version_of(key, entry);
		if (entry->refused)
			add(key, "error",
				json_string(error_code(entry->refused)));
		(void)json_array_append_new(keys, key);
		bytes += entry->key.len + entry->version.len;
	}
	add(line, "keys", keys);
	if (i < list->count)
		add(line, "keysOmitted",
			json_integer((json_int_t)(list->count - i)));
}

static void
add_operation(json_t *line, const struct request *request)
{
	add_action(line, request);
	add_decision(line, request);
	add_caller(line, request);
	add_text(line, "method", request->http->method_name);
	add_text(line, "bucketName", request->bucket_name);
	add_text(line, "key", request->key);
	add_version(line, request);
	add_source(line, &request->access);
	if (request->keys)
		add_keys(line, request->keys);
	if (request->report.error)
		add(line, "error",
			json_string(error_code(request->report.error)));
}

/* Of what is none of S3's. */
static void
add_note(json_t *line, const struct request_note *note,
	const struct request *request)
{
	struct slice name = slice_str(note->action ? note->action : "");

	/* Behind the service's name and the colon. */
	add_text(line, "operation",
		slice_from(name, (size_t)(slice_find_char(name, ':') + 1)));
	add_text(line, "action", name);
	add(line, "decision",
		json_string_nocheck(!note->reason      ? "none"
				    : note->is_allowed ? "allow"
						       : "deny"));
	add_text(line, "reason", slice_str(note->reason ? note->reason : ""));
	add_text(line, "statement", note->statement);
	add_text(line, "organization", note->organization);
	add_text(line, "principal", note->principal);
	add_text(line, "role", note->role);
	add_text(line, "accessKeyId", note->access_key);
	add_text(line, "method", request->http->method_name);
	add_text(line, "resource", note->resource);
	add_text(line, "issuedAccessKeyId", note->issued);
	add_text(line, "error", slice_str(note->error ? note->error : ""));
}

static void
add_outcome(json_t *line, const struct request *request, int64_t started_ns)
{
	int64_t us = (clock_monotonic_ns() - started_ns) / 1000;

	add(line, "status",
		json_integer((json_int_t)http_reply_status(request->response)));
	add(line, "bytesSent",
		json_integer((json_int_t)http_reply_bytes(request->response)));
	add(line, "bytesReceived",
		json_integer((json_int_t)request->http->content_length));
	add(line, "microseconds", json_integer((json_int_t)us));
}

void
request_audit(const struct request *request, struct audit *audit,
	int64_t started_ns)
{
	json_t *line = json_object();
	char *text;

	add_time(line, clock_now_ns());
	add_text(line, "requestId", slice_str(request->id));
	if (request->note.is_used)
		add_note(line, &request->note, request);
	else
		add_operation(line, request);
	add_outcome(line, request, started_ns);
	add_text(line, "sourceIp", request_client_address(request));
	add(line, "tls", json_boolean(request->http->is_tls));
	add_text(line, "host", request->http->host);
	add_text(line, "userAgent", request_header(request, "user-agent"));
	text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (!text)
		error_out_of_memory();
	audit_append(audit, slice_str(text));
	free(text);
}
