/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/s3_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "store/base/digest.h"
#include "store/base/io.h"
#include "store/base/text.h"

#define LINES_MAX 64
#define REGION "us-east-1"

static void
must(bool is_true, const char *what)
{
	if (is_true)
		return;
	perror(what);
	abort();
}

/* --- the connection ------------------------------------------------------- */

void
s3_client_open(struct s3_client *client, unsigned int port,
	const char *access_key, const char *secret)
{
	*client = (struct s3_client){.port = port, .fd = -1};
	(void)snprintf(client->access_key, sizeof(client->access_key), "%s",
		access_key);
	(void)snprintf(client->secret, sizeof(client->secret), "%s", secret);
}

static void
disconnect(struct s3_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	buffer_clear(&client->input);
}

void
s3_client_close(struct s3_client *client)
{
	disconnect(client);
	buffer_free(&client->input);
	arena_free(&client->arena);
}

static void
connect_to(struct s3_client *client)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)client->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1;

	if (client->fd >= 0)
		return;
	client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(client->fd >= 0, "socket");
	must(!connect(client->fd, (struct sockaddr *)&address, sizeof(address)),
		"connect");
	(void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &one,
		sizeof(one));
}

/* False where the server takes no more: its reply may be there all the same. */
static bool
send_all(struct s3_client *client, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t sent =
			send(client->fd, bytes.data, bytes.len, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes = slice_from(bytes, (size_t)sent);
	}
	return true;
}

/* False at the end of the stream. */
static bool
receive_more(struct s3_client *client)
{
	char piece[16384];
	ssize_t got = recv(client->fd, piece, sizeof(piece), 0);

	if (got <= 0)
		return false;
	buffer_append(&client->input, slice_of(piece, (size_t)got));
	return true;
}

static void
drop_input(struct s3_client *client, size_t len)
{
	memmove(client->input.data, client->input.data + len,
		client->input.len - len);
	client->input.len -= len;
}

/* --- signing -------------------------------------------------------------- */

struct line {
	struct slice name; /* lower-case */
	struct slice value;
};

struct message {
	const char *method;
	struct slice path;
	struct slice query;
	struct line lines[LINES_MAX];
	size_t count;
};

static int
compare_lines(const void *a, const void *b)
{
	const struct line *first = a;
	const struct line *second = b;
	int order = slice_compare(first->name, second->name);

	return order ? order : slice_compare(first->value, second->value);
}

static void
add_line(struct message *message, struct slice name, struct slice value)
{
	must(message->count < LINES_MAX, "too many headers");
	message->lines[message->count++] = (struct line){name, value};
}

static bool
has_line(const struct message *message, const char *name)
{
	for (size_t i = 0; i < message->count; i++)
		if (slice_equal(message->lines[i].name, slice_str(name)))
			return true;
	return false;
}

static void
add_given(struct message *message, const char *headers)
{
	struct slice rest = slice_str(headers);
	struct slice line;

	while (rest.len > 0 && slice_split(&rest, '\n', &line)) {
		ptrdiff_t colon = slice_find_char(line, ':');

		if (colon > 0)
			add_line(message, slice_first(line, (size_t)colon),
				slice_trim(slice_from(line,
					(size_t)colon + 1)));
	}
}

static void
append_recoded(struct buffer *to, struct slice text, bool is_path)
{
	scoped(buffer_free) struct buffer plain = {0};

	if (text_percent_decode(&plain, text, !is_path))
		text_percent_encode(to, buffer_slice(&plain), is_path);
}

/* The piece of text before, or after, its first '=', decoded and coded anew. */
static struct slice
recode_half(struct arena *arena, struct slice text, bool is_value)
{
	scoped(buffer_free) struct buffer recoded = {0};
	ptrdiff_t equals = slice_find_char(text, '=');

	if (equals >= 0)
		text = is_value ? slice_from(text, (size_t)equals + 1)
				: slice_first(text, (size_t)equals);
	else if (is_value)
		text = SLICE_NULL;
	append_recoded(&recoded, text, false);
	return arena_copy(arena, buffer_slice(&recoded));
}

/* In the order of names, then values. */
static void
append_query(struct arena *arena, struct buffer *to, struct slice query)
{
	struct message sorted = {0};
	struct slice piece;

	while (query.len > 0 && slice_split(&query, '&', &piece))
		add_line(&sorted, recode_half(arena, piece, false),
			recode_half(arena, piece, true));
	qsort(sorted.lines, sorted.count, sizeof(struct line), compare_lines);
	for (size_t i = 0; i < sorted.count; i++) {
		if (i > 0)
			buffer_append_char(to, '&');
		buffer_append(to, sorted.lines[i].name);
		buffer_append_char(to, '=');
		buffer_append(to, sorted.lines[i].value);
	}
}

static void
append_signed_names(struct buffer *to, const struct message *message)
{
	for (size_t i = 0; i < message->count; i++) {
		if (i > 0)
			buffer_append_char(to, ';');
		buffer_append(to, message->lines[i].name);
	}
}

static void
append_canonical(struct arena *arena, struct buffer *to,
	const struct message *message, struct slice payload)
{
	buffer_printf(to, "%s\n", message->method);
	append_recoded(to, message->path, true);
	buffer_append_char(to, '\n');
	append_query(arena, to, message->query);
	buffer_append_char(to, '\n');
	for (size_t i = 0; i < message->count; i++) {
		buffer_append(to, message->lines[i].name);
		buffer_append_char(to, ':');
		buffer_append(to, message->lines[i].value);
		buffer_append_char(to, '\n');
	}
	buffer_append_char(to, '\n');
	append_signed_names(to, message);
	buffer_append_char(to, '\n');
	buffer_append(to, payload);
}

static void
hex_sha256(struct slice bytes, char hex[65])
{
	uint8_t value[32];

	digest_of(DIGEST_SHA256, bytes, value);
	text_to_hex(value, sizeof(value), hex);
}

static void
make_signature(const struct s3_client *client, struct slice canonical,
	const char timestamp[17], char hex[65])
{
	static const char *const steps[] = {REGION, "s3", "aws4_request"};
	scoped(buffer_free) struct buffer text = {0};
	char hash[65];
	uint8_t key[32];

	buffer_printf(&text, "AWS4%s", client->secret);
	digest_hmac_sha256(buffer_slice(&text), slice_of(timestamp, 8), key);
	for (size_t i = 0; i < array_len(steps); i++)
		digest_hmac_sha256(slice_of(key, 32), slice_str(steps[i]), key);
	hex_sha256(canonical, hash);
	buffer_clear(&text);
	buffer_printf(&text,
		"AWS4-HMAC-SHA256\n%s\n%.8s/" REGION "/s3/aws4_request\n%s",
		timestamp, timestamp, hash);
	digest_hmac_sha256(slice_of(key, 32), buffer_slice(&text), key);
	text_to_hex(key, sizeof(key), hex);
}

/* --- a request ------------------------------------------------------------ */

static void
make_timestamp(char timestamp[17])
{
	time_t now = time(NULL);
	struct tm utc;

	must(gmtime_r(&now, &utc) &&
			strftime(timestamp, 17, "%Y%m%dT%H%M%SZ", &utc) == 16,
		"time");
}

/* What every request has; returns what stands for the payload. */
static struct slice
add_own(struct s3_client *client, struct message *message, struct slice body,
	const char *timestamp)
{
	char *hash = arena_alloc(&client->arena, 65);
	struct slice payload = SLICE_NULL;

	hex_sha256(body, hash);
	add_line(message, SLICE("host"),
		client->host ? slice_str(client->host)
			     : arena_printf(&client->arena, "127.0.0.1:%u",
				       client->port));
	add_line(message, SLICE("x-amz-date"),
		arena_copy(&client->arena, slice_str(timestamp)));
	if (!has_line(message, "x-amz-content-sha256"))
		add_line(message, SLICE("x-amz-content-sha256"),
			slice_str(hash));
	if (!has_line(message, "content-length") &&
		!has_line(message, "transfer-encoding"))
		add_line(message, SLICE("content-length"),
			arena_printf(&client->arena, "%zu", body.len));
	for (size_t i = 0; i < message->count; i++)
		if (slice_equal(message->lines[i].name,
			    SLICE("x-amz-content-sha256")))
			payload = message->lines[i].value;
	return payload;
}

static void
append_authorization(struct s3_client *client, const struct message *message,
	struct slice payload, const char timestamp[17], struct buffer *to)
{
	scoped(buffer_free) struct buffer canonical = {0};
	char signature[65];

	append_canonical(&client->arena, &canonical, message, payload);
	make_signature(client, buffer_slice(&canonical), timestamp, signature);
	buffer_printf(to,
		"authorization: AWS4-HMAC-SHA256 Credential=%s/%.8s/" REGION
		"/s3/aws4_request, SignedHeaders=",
		client->access_key, timestamp);
	append_signed_names(to, message);
	buffer_printf(to, ", Signature=%s\r\n", signature);
}

static void
append_request(struct s3_client *client, const char *method, const char *target,
	const char *headers, struct slice body, struct buffer *to)
{
	struct slice rest = slice_str(target);
	struct message message = {.method = method};
	char timestamp[17];

	(void)slice_split(&rest, '?', &message.path);
	message.query = rest;
	make_timestamp(timestamp);
	add_given(&message, headers);

	struct slice payload = add_own(client, &message, body, timestamp);

	qsort(message.lines, message.count, sizeof(struct line), compare_lines);
	buffer_printf(to, "%s %s HTTP/1.1\r\n", method, target);
	for (size_t i = 0; i < message.count; i++) {
		buffer_append(to, message.lines[i].name);
		buffer_append(to, SLICE(": "));
		buffer_append(to, message.lines[i].value);
		buffer_append(to, SLICE("\r\n"));
	}
	if (!client->is_anonymous)
		append_authorization(client, &message, payload, timestamp, to);
	buffer_append(to, SLICE("\r\n"));
}

/* --- its reply ------------------------------------------------------------ */

/* False: the stream ended before a header did. */
static bool
receive_header(struct s3_client *client, struct s3_reply *reply)
{
	ptrdiff_t end;
	unsigned long status;

	while ((end = slice_find(buffer_slice(&client->input),
			SLICE("\r\n\r\n"))) < 0)
		if (!receive_more(client))
			return false;
	reply->header = arena_copy(&client->arena,
		slice_of(client->input.data, (size_t)end + 2));
	drop_input(client, (size_t)end + 4);
	must(slice_to_u64(slice_first(slice_from(reply->header, 9), 3), 999,
		     &status),
		"status line");
	reply->status = (unsigned int)status;
	return true;
}

static void
receive_body(struct s3_client *client, struct s3_reply *reply, bool is_head)
{
	unsigned long len = 0;
	struct slice text = s3_client_header(reply, "content-length");

	reply->body = arena_copy(&client->arena, SLICE(""));
	if (is_head || reply->status == 304 || reply->status == 204)
		return;
	must(slice_to_u64(text, INT32_MAX, &len), "content-length");
	while (client->input.len < len)
		if (!receive_more(client))
			break;
	if (len > client->input.len)
		len = client->input.len; /* cut off: the test shall see */
	reply->body =
		arena_copy(&client->arena, slice_of(client->input.data, len));
	drop_input(client, len);
}

static void
receive_reply(struct s3_client *client, struct s3_reply *reply, bool is_head)
{
	if (!receive_header(client, reply)) {
		disconnect(client);
		return;
	}
	if (client->at_header)
		client->at_header(client->context);
	receive_body(client, reply, is_head);
	if (slice_equal(s3_client_header(reply, "connection"), SLICE("close")))
		disconnect(client);
}

/* The header has been sent; true where the body shall follow. */
static bool
await_continue(struct s3_client *client, struct s3_reply *reply)
{
	if (!receive_header(client, reply))
		return false;
	reply->was_continued = reply->status == 100;
	if (reply->was_continued)
		return true;
	receive_body(client, reply, false);
	disconnect(client);
	return false;
}

const struct s3_reply *
s3_client_ask(struct s3_client *client, const char *method, const char *target,
	const char *headers, struct slice body)
{
	struct s3_reply *reply = arena_new(&client->arena, struct s3_reply);
	scoped(buffer_free) struct buffer request = {0};
	bool waits = headers && strstr(headers, "expect: 100-continue");

	connect_to(client);
	append_request(client, method, target, headers, body, &request);
	(void)send_all(client, buffer_slice(&request));
	if (waits && !await_continue(client, reply))
		return reply;
	(void)send_all(client, body);
	receive_reply(client, reply, !strcmp(method, "HEAD"));
	return reply;
}

/* --- looking into it ------------------------------------------------------ */

struct slice
s3_client_header(const struct s3_reply *reply, const char *name)
{
	struct slice rest = reply->header;
	struct slice line;

	while (rest.len > 0 && slice_split(&rest, '\n', &line)) {
		ptrdiff_t colon = slice_find_char(line, ':');

		if (colon < 0 ||
			!slice_equal_nocase(slice_first(line, (size_t)colon),
				slice_str(name)))
			continue;
		line = slice_from(line, (size_t)colon + 1);
		if (slice_has_suffix(line, SLICE("\r")))
			line = slice_first(line, line.len - 1);
		return slice_trim(line);
	}
	return SLICE_NULL;
}

struct slice
s3_client_element(const struct s3_reply *reply, const char *name,
	unsigned int n)
{
	scoped(buffer_free) struct buffer open = {0};
	scoped(buffer_free) struct buffer close = {0};
	struct slice rest = reply->body;

	buffer_printf(&open, "<%s>", name);
	buffer_printf(&close, "</%s>", name);
	for (;;) {
		ptrdiff_t start = slice_find(rest, buffer_slice(&open));

		if (start < 0)
			return SLICE_NULL;
		rest = slice_from(rest, (size_t)start + open.len);
		if (n-- == 0)
			break;
	}

	ptrdiff_t end = slice_find(rest, buffer_slice(&close));

	return end < 0 ? SLICE_NULL : slice_first(rest, (size_t)end);
}

unsigned int
s3_client_element_count(const struct s3_reply *reply, const char *name)
{
	unsigned int count = 0;

	while (s3_client_element(reply, name, count).data)
		count++;
	return count;
}
