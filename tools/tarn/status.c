/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "fs/mount.h"
#include "store/base/clock.h"
#include "tools/tarn/args.h"
#include "tools/tarn/command.h"
#include "tools/tarn/open.h"

#define SESSIONS_MAX 256

struct report {
	const char *path;
	struct store *store;
	struct store_status status;
	struct store_session sessions[SESSIONS_MAX];
	size_t session_count;
};

static void
print_scrub(const struct store_status *s)
{
	char ended[25];

	if (s->last_scrub_ns)
		clock_to_iso8601(s->last_scrub_ns, ended);
	printf("scrub        %s%s, %" PRIu64 " damaged",
		s->last_scrub_ns ? "last ended " : "none has ended yet",
		s->last_scrub_ns ? ended : "", s->damaged_blobs);
	if (s->last_scrub_ns)
		printf(", %" PRIu64 " missing then", s->missing_blobs);
	printf("\n");
}

static void
print_text(const struct report *report)
{
	const struct store_status *s = &report->status;
	struct slice region = store_region(report->store);

	printf("store        %s (region %.*s)\n", report->path, (int)region.len,
		region.data);
	printf("content      %" PRIu64 " buckets, %" PRIu64 " objects, %" PRIu64
	       " bytes\n",
		s->buckets, s->objects, s->bytes);
	printf("file system  %" PRIu64 " of %" PRIu64 " bytes free, %" PRIu64
	       " of %" PRIu64 " inodes free\n",
		s->free_bytes, s->capacity_bytes, s->free_inodes, s->inodes);
	printf("commits      %" PRIu64 ", durable up to %" PRIu64 "\n",
		s->last_commit, s->last_checkpoint);
	printf("pending      %" PRIu64 " blobs to flush, %" PRIu64
	       " to reclaim\n",
		s->unflushed_blobs, s->freed_blobs);
	print_scrub(s);
	if (s->unread_audit_files)
		printf("audit        %" PRIu64
		       " files cannot be read and wait to be delivered\n",
			s->unread_audit_files);
	if (s->replicas_waiting || s->replicas_failed)
		printf("replication  %" PRIu64 " versions wait, %" PRIu64
		       " were given up\n",
			s->replicas_waiting, s->replicas_failed);
	if (s->events_waiting || s->events_dropped)
		printf("events       %" PRIu64 " wait to be delivered, %" PRIu64
		       " were dropped\n",
			s->events_waiting, s->events_dropped);
	printf("mount        libfuse %s, %s\n", mount_libfuse_version(),
		mount_knows_passthrough()
			? "with passthrough"
			: "without passthrough: files are read and written by "
			  "the daemon, slower");
	for (size_t i = 0; i < report->session_count; i++) {
		const struct store_session *session = &report->sessions[i];
		char started[25];

		clock_to_iso8601(session->started_ns, started);
		printf("session      %" PRIu64 " %s pid %u since %s%s\n",
			session->id, session->role, session->pid, started,
			session->is_alive ? "" : " (dead, to be reaped)");
	}
	if (s->has_failed)
		printf("FAILED       a flush failed: read-only until the disk "
		       "is seen to and everything restarted\n");
}

static json_t *
sessions_json(const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->session_count; i++) {
		const struct store_session *session = &report->sessions[i];
		char started[25];

		clock_to_iso8601(session->started_ns, started);
		(void)json_array_append_new(list,
			json_pack("{s:I, s:s, s:i, s:s, s:b}", "id",
				(json_int_t)session->id, "role", session->role,
				"pid", (int)session->pid, "started", started,
				"alive", session->is_alive));
	}
	return list;
}

static void
print_json(const struct report *report)
{
	const struct store_status *s = &report->status;
	struct slice region = store_region(report->store);
	const struct {
		const char *name;
		uint64_t number;
	} numbers[] = {
		{"lastCommit", s->last_commit},
		{"lastCheckpoint", s->last_checkpoint},
		{"buckets", s->buckets},
		{"objects", s->objects},
		{"bytes", s->bytes},
		{"capacityBytes", s->capacity_bytes},
		{"freeBytes", s->free_bytes},
		{"inodes", s->inodes},
		{"freeInodes", s->free_inodes},
		{"freedBlobs", s->freed_blobs},
		{"unflushedBlobs", s->unflushed_blobs},
		{"damagedBlobs", s->damaged_blobs},
		{"missingBlobs", s->missing_blobs},
		{"unreadAuditFiles", s->unread_audit_files},
		{"waitingEvents", s->events_waiting},
		{"droppedEvents", s->events_dropped},
		{"waitingReplicas", s->replicas_waiting},
		{"failedReplicas", s->replicas_failed},
	};
	json_t *root = json_object();

	(void)json_object_set_new(root, "store", json_string(report->path));
	(void)json_object_set_new(root, "region",
		json_stringn(region.data, region.len));
	for (size_t i = 0; i < array_len(numbers); i++)
		(void)json_object_set_new(root, numbers[i].name,
			json_integer((json_int_t)numbers[i].number));
	if (s->last_scrub_ns) {
		char ended[25];

		clock_to_iso8601(s->last_scrub_ns, ended);
		(void)json_object_set_new(root, "lastScrub",
			json_string(ended));
	}
	(void)json_object_set_new(root, "hasFailed",
		json_boolean(s->has_failed));
	(void)json_object_set_new(root, "libfuse",
		json_string(mount_libfuse_version()));
	(void)json_object_set_new(root, "passthrough",
		json_boolean(mount_knows_passthrough()));
	(void)json_object_set_new(root, "sessions", sessions_json(report));
	(void)json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

int
status_run(int argc, char **argv)
{
	struct report report = {0};
	bool json = false;
	const struct args_option options[] = {
		{"store", "DIR", "the store", &report.path, NULL, NULL},
		{"json", NULL, "print JSON", NULL, &json, NULL},
	};
	const struct args_command command = {
		.usage = "tarn status --store DIR [--json]",
		.summary = "Tells what a store holds and who has it open.",
		.options = options,
		.option_count = array_len(options),
	};

	args_parse(&command, argc, argv);
	if (!report.path)
		args_refuse(&command, "--store DIR is missing");

	scoped(store_close) struct store *store =
			open_store(report.path, "status", true);
	if (!store)
		return COMMAND_FAILED;
	report.store = store;

	enum store_err err = store_status(store, &report.status);

	if (!err)
		err = store_sessions(store, report.sessions, SESSIONS_MAX,
			&report.session_count);
	if (err)
		return open_fail(report.path, err);
	if (json)
		print_json(&report);
	else
		print_text(&report);
	return COMMAND_OK;
}
