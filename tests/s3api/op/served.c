/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/s3api/op/served.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/list.h"
#include "tests/store/objects.h"

static void
must(enum store_err err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "served: %s: %s\n", what, error_sentence(err));
	abort();
}

static void
find_audit_dir(const struct served *served, char to[160])
{
	(void)snprintf(to, 160, "%s/run/audit", served->temp.path);
}

static struct audit *
begin_audit(const struct served *served)
{
	struct audit *audit = NULL;
	char dir[160];

	find_audit_dir(served, dir);
	must(audit_open(served->temp.store,
		     &(struct audit_options){.dir = dir, .role = "serve"},
		     &audit),
		"audit log");
	return audit;
}

static struct served
start_audited(const struct server_options *wanted, bool is_audited,
	bool is_logged)
{
	struct served served = {.temp = temp_store_open()};
	struct server_options options = *wanted;
	struct token token;
	char secret[TOKEN_SECRET_MAX + 1];

	must(token_create(served.temp.store,
		     &(struct token_draft){
			     .name = SLICE("test"),
			     .level = TOKEN_FULL,
		     },
		     &token),
		"token");
	must(token_secret(served.temp.store, SLICE(ORGANIZATION_DEFAULT),
		     SLICE("test"), secret),
		"secret");
	if (is_audited)
		served.audit = begin_audit(&served);
	if (is_logged)
		must(access_log_open(served.temp.store,
			     &(struct access_log_options){0},
			     &served.access_log),
			"access log");
	options.audit = served.audit;
	options.access_log = served.access_log;
	must(server_start(served.temp.store, &options, &served.server),
		"server");
	s3_client_open(&served.client, server_port(served.server),
		token.access_key, secret);
	return served;
}

struct served
served_start_with(struct server_options options)
{
	options.address = "127.0.0.1";
	options.threads = 1;
	return start_audited(&options, false, false);
}

struct served
served_start(void)
{
	return served_start_with((struct server_options){0});
}

struct served
served_start_sse_c(void)
{
	return served_start_with((struct server_options){
		.allows_sse_c_without_tls = true,
	});
}

struct served
served_start_domain(const char *domain)
{
	return served_start_with((struct server_options){
		.domains = &domain,
		.domain_count = 1,
	});
}

struct served
served_start_audited_with(struct server_options options)
{
	options.address = "127.0.0.1";
	options.threads = 1;
	return start_audited(&options, true, false);
}

struct served
served_start_audited(void)
{
	return served_start_audited_with((struct server_options){0});
}

struct served
served_start_logged(void)
{
	return start_audited(
		&(struct server_options){
			.address = "127.0.0.1",
			.threads = 1,
		},
		false, true);
}

/* All of its only file. */
static void
read_lines(const char *dir, struct buffer *text)
{
	DIR *files = opendir(dir);
	struct dirent *entry;
	char path[512];
	char piece[4096];
	size_t got;

	cr_assert(files != NULL);
	while ((entry = readdir(files)) && entry->d_name[0] == '.')
		continue;
	cr_assert(entry != NULL);
	(void)snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
	(void)closedir(files);
	FILE *file = fopen(path, "r");
	cr_assert(file != NULL);
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		buffer_append(text, slice_of(piece, got));
	(void)fclose(file);
}

const char *
served_lines(struct served *served)
{
	scoped(buffer_free) struct buffer text = {0};
	char dir[160];

	server_stop(&served->server, 1000);
	audit_close(&served->audit);
	find_audit_dir(served, dir);
	read_lines(dir, &text);
	return served_text(served, "%.*s", (int)text.len, text.data);
}

const char *
served_logged(struct served *served, const char *bucket)
{
	struct arena *arena = &served->client.arena;
	const char *text = "";
	struct list_page page;
	struct bucket found;

	server_stop(&served->server, 1000);
	access_log_close(&served->access_log);
	must(bucket_get(served->temp.store, slice_str(bucket), &found), bucket);
	const struct list_request request = {.bucket = found.ino, .max = 100};
	must(list_read(served->temp.store, &request, arena, &page), bucket);
	for (size_t i = 0; i < page.count; i++) {
		struct slice body = objects_get(served->temp.store, found.ino,
			arena_str(arena, page.entries[i].key), arena);

		text = served_text(served, "%s%.*s", text, (int)body.len,
			body.data);
	}
	return text;
}

void
served_stop(struct served *served)
{
	s3_client_close(&served->client);
	server_stop(&served->server, 1000);
	access_log_close(&served->access_log);
	audit_close(&served->audit);
	temp_store_close(&served->temp);
}

struct token
served_become_drafted(struct served *served, const struct token_draft *draft)
{
	struct store *store = served->temp.store;
	struct token token, found;
	char secret[TOKEN_SECRET_MAX + 1];

	must(token_create(store, draft, &token), "token");
	must(token_find(store, slice_str(token.access_key), &found, secret),
		"secret");
	(void)snprintf(served->client.access_key,
		sizeof(served->client.access_key), "%s", token.access_key);
	(void)snprintf(served->client.secret, sizeof(served->client.secret),
		"%s", secret);
	return token;
}

void
served_become(struct served *served, enum token_level level)
{
	(void)served_become_drafted(served,
		&(struct token_draft){
			.name = slice_str(token_level_name(level)),
			.level = level,
		});
}

const struct s3_reply *
served_send(struct served *served, const char *method, const char *target,
	const char *headers, struct slice body)
{
	return s3_client_ask(&served->client, method, target, headers, body);
}

const struct s3_reply *
served_ask(struct served *served, const char *method, const char *target)
{
	return served_send(served, method, target, NULL, SLICE_NULL);
}

const char *
served_text(struct served *served, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	must(vasprintf(&text, format, args) < 0 ? STORE_NO_MEMORY : STORE_OK,
		"vasprintf");
	va_end(args);

	const char *copy = arena_str(&served->client.arena, slice_str(text));

	free(text);
	return copy;
}

void
served_bucket(struct served *served, const char *name)
{
	const struct s3_reply *reply =
		served_ask(served, "PUT", served_text(served, "/%s", name));

	cr_assert(eq(uint, reply->status, 200));
}

void
served_put(struct served *served, const char *target, const char *body)
{
	const struct s3_reply *reply =
		served_send(served, "PUT", target, NULL, slice_str(body));

	cr_assert(eq(uint, reply->status, 200), "%s: %s", target,
		reply->body.data);
}

const char *
served_begin_upload(struct served *served, const char *target,
	const char *headers)
{
	const struct s3_reply *reply = served_send(served, "POST",
		served_text(served, "%s?uploads", target), headers, SLICE_NULL);

	cr_assert(eq(uint, reply->status, 200));
	return arena_str(&served->client.arena,
		s3_client_element(reply, "UploadId", 0));
}

void
served_expect_refusal(const struct s3_reply *reply, unsigned int status,
	const char *code)
{
	scoped(buffer_free) struct buffer text = {0};

	buffer_append(&text, s3_client_element(reply, "Code", 0));
	buffer_append_char(&text, '\0');
	cr_expect(eq(uint, reply->status, status));
	cr_expect(eq(str, text.data, (char *)code));
	cr_expect(eq(sz, s3_client_element(reply, "RequestId", 0).len, 16));
	cr_expect(eq(sz, s3_client_header(reply, "x-amz-request-id").len, 16));
	cr_expect(s3_client_element(reply, "Message", 0).len > 0);
}

void
served_expect_body(const struct s3_reply *reply, unsigned int status,
	const char *body)
{
	cr_expect(eq(uint, reply->status, status));
	cr_expect(eq(str, (char *)reply->body.data, (char *)body));
}

void
served_expect_elements(const struct s3_reply *reply, const char *name,
	const char *texts)
{
	scoped(buffer_free) struct buffer all = {0};

	for (unsigned int i = 0; s3_client_element(reply, name, i).data; i++) {
		buffer_append(&all, s3_client_element(reply, name, i));
		buffer_append_char(&all, ' ');
	}
	buffer_append_char(&all, '\0');
	cr_expect(eq(str, all.data, (char *)texts));
}

void
served_expect_header(const struct s3_reply *reply, const char *name,
	const char *value)
{
	scoped(buffer_free) struct buffer text = {0};

	buffer_append(&text, s3_client_header(reply, name));
	buffer_append_char(&text, '\0');
	cr_expect(eq(str, text.data, (char *)value), "%s", name);
}
