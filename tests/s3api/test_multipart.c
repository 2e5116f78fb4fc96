/* SPDX-License-Identifier: Apache-2.0 */
/* Forms as they stream in: what they hold, and what is none. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>

#include "s3api/multipart.h"
#include "store/base/buffer.h"

#define FORM_TYPE "multipart/form-data; boundary=XX"
#define FIELD(name, value)                                                     \
	"--XX\r\nContent-Disposition: form-data; name=\"" name                 \
	"\"\r\n\r\n" value "\r\n"
#define FILE_PART(content)                                                     \
	"--XX\r\nContent-Disposition: form-data; name=\"file\"; "              \
	"filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\n" content       \
	"\r\n"

/* A body that comes in pieces. */
struct source {
	struct slice rest;
	size_t piece;
};

static enum store_err
read_source(void *context, void *to, size_t len, size_t *got)
{
	struct source *source = context;
	struct slice part = slice_first(source->rest,
		len < source->piece ? len : source->piece);

	if (part.len)
		memcpy(to, part.data, part.len);
	source->rest = slice_from(source->rest, part.len);
	*got = part.len;
	return STORE_OK;
}

struct outcome {
	struct buffer fields; /* "name=value;" */
	struct buffer file;
	struct buffer filename;
	enum store_err err;
	bool has_file;
};

static void
end(struct outcome *outcome)
{
	buffer_free(&outcome->fields);
	buffer_free(&outcome->file);
	buffer_free(&outcome->filename);
}

static void
read_file(struct multipart *form, struct outcome *outcome, size_t room)
{
	char piece[4096];
	size_t got = 1;

	outcome->has_file = true;
	while (got && !outcome->err) {
		outcome->err = multipart_read(form, piece, room, &got);
		buffer_append(&outcome->file, slice_of(piece, got));
	}
}

static struct outcome
parse(const char *type, struct slice body, size_t piece, size_t room)
{
	scoped(arena_free) struct arena arena = {0};
	struct source source = {body, piece};
	struct outcome outcome = {0};
	struct multipart form;
	struct multipart_part part;
	struct slice value;

	if (!multipart_begin(&form, &arena, slice_str(type), read_source,
		    &source))
		outcome.err = STORE_BAD_NAME;
	while (!outcome.err && !outcome.has_file) {
		outcome.err = multipart_next(&form, &part);
		if (!outcome.err && part.is_file) {
			buffer_append(&outcome.filename, part.filename);
			read_file(&form, &outcome, room);
			continue;
		}
		if (!outcome.err)
			outcome.err = multipart_value(&form, &value);
		if (!outcome.err)
			buffer_printf(&outcome.fields, "%.*s=%.*s;",
				(int)part.name.len, part.name.data,
				(int)value.len, value.data);
	}
	return outcome;
}

static void
expect(const struct outcome *outcome, const char *fields, const char *file)
{
	cr_expect(eq(int, outcome->err, STORE_OK));
	cr_expect(slice_equal(buffer_slice(&outcome->fields),
			  slice_str(fields)),
		"%.*s", (int)outcome->fields.len, outcome->fields.data);
	cr_expect(slice_equal(buffer_slice(&outcome->file), slice_str(file)),
		"%.*s", (int)outcome->file.len, outcome->file.data);
}

Test(multipart, fields_and_a_file_come_whole_in_pieces_of_any_size)
{
	struct slice body = SLICE(FIELD("key", "a b") FIELD("Empty",
		"") FIELD("acl", "line\r\n-\r\n--X")
			FILE_PART("bytes\r\n--X\r\n\r\n-") "--XX--\r\n");

	for (size_t piece = 1; piece < body.len + 2; piece++) {
		scoped(end) struct outcome outcome =
				parse(FORM_TYPE, body, piece, 200);

		expect(&outcome, "key=a b;Empty=;acl=line\r\n-\r\n--X;",
			"bytes\r\n--X\r\n\r\n-");
		cr_expect(slice_equal(buffer_slice(&outcome.filename),
			SLICE("a.txt")));
	}
}

Test(multipart, a_file_larger_than_all_buffers_comes_through)
{
	scoped(buffer_free) struct buffer body = {0};
	scoped(buffer_free) struct buffer file = {0};

	for (unsigned int i = 0; i < 20000; i++)
		buffer_printf(&file, "\r\n--X%u", i);
	buffer_append_char(&file, '\0');
	buffer_append_str(&body,
		FIELD("key", "a") "--XX\r\nContent-Disposition: form-data; "
				  "name=file\r\n\r\n");
	buffer_append(&body, slice_str(file.data));
	buffer_append_str(&body, "\r\n--XX\r\nwhat follows is not read");
	for (size_t piece = 997; piece < 100000; piece *= 10) {
		scoped(end) struct outcome outcome = parse(FORM_TYPE,
			buffer_slice(&body), piece, 4096);

		expect(&outcome, "key=a;", file.data);
	}
}

Test(multipart, an_empty_file_is_one)
{
	scoped(end) struct outcome outcome =
			parse(FORM_TYPE, SLICE(FILE_PART("") "--XX--"), 3, 200);

	cr_expect(outcome.has_file);
	expect(&outcome, "", "");
}

Test(multipart, a_form_without_a_file_ends)
{
	scoped(end) struct outcome outcome = parse(FORM_TYPE,
		SLICE(FIELD("key", "a") "--XX--"), 9, 200);

	cr_expect(not(outcome.has_file));
	cr_expect(eq(int, outcome.err, STORE_NOT_FOUND));
}

Test(multipart, boundaries_are_quoted_or_not)
{
	static const struct {
		const char *type;
		bool is_good;
	} rows[] = {
		{"multipart/form-data; boundary=XX", true},
		{"Multipart/Form-Data;charset=utf-8; Boundary=\"XX\"", true},
		{"multipart/form-data; boundary=XX; charset=utf-8", true},
		{"multipart/form-data", false},
		{"multipart/form-data; boundary=", false},
		{"multipart/form-data; boundary=\"\"", false},
		{"multipart/form-data; boundary=\"XX", false},
		{"multipart/form-data; boundary=X\tX", false},
		{"multipart/form-data; boundary=\"XX \"", false},
		{"multipart/mixed; boundary=XX", false},
		{"application/x-www-form-urlencoded; boundary=XX", false},
		{"", false},
		{"multipart/form-data; boundary="
		 "0123456789012345678901234567890123456789"
		 "0123456789012345678901234567890",
			false},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(end) struct outcome outcome = parse(rows[i].type,
			SLICE(FILE_PART("x") "--XX--"), 100, 200);

		cr_expect(eq(int, outcome.err == STORE_OK, rows[i].is_good),
			"%s", rows[i].type);
	}
}

Test(multipart, names_of_files_lose_their_directories)
{
	static const struct {
		const char *sent;
		const char *name;
	} rows[] = {
		{"\"a.txt\"", "a.txt"},
		{"\"/home/me/a.txt\"", "a.txt"},
		{"\"C:\\me\\a.txt\"", "a.txt"},
		{"\"say \\\"hi\\\".txt\"", "say \"hi\".txt"},
		{"a.txt", "a.txt"},
		{"\"\"", ""},
		{"\"a;b=c.txt\"", "a;b=c.txt"},
		{"\"dir/\"", ""},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		scoped(buffer_free) struct buffer body = {0};

		buffer_printf(&body,
			"--XX\r\ncontent-DISPOSITION:form-data;name=\"file\" ; "
			"filename=%s\r\n\r\nx\r\n--XX--",
			rows[i].sent);

		scoped(end) struct outcome outcome =
				parse(FORM_TYPE, buffer_slice(&body), 7, 200);

		cr_expect(eq(int, outcome.err, STORE_OK));
		cr_expect(slice_equal(buffer_slice(&outcome.filename),
				  slice_str(rows[i].name)),
			"%s: %.*s", rows[i].sent, (int)outcome.filename.len,
			outcome.filename.data);
	}
}

Test(multipart, what_is_no_form_is_refused)
{
	static const char *const bodies[] = {
		"",
		"--",
		"--XX",
		"--XX\r\n",
		"preamble\r\n" FILE_PART("x") "--XX--",
		"\r\n" FILE_PART("x") "--XX--",
		"--XXY\r\n",
		"--XX \r\n",
		"--XX\n\n",
		"--XX\r\n\r\nno header\r\n--XX--",
		"--XX\r\nContent-Type: text/plain\r\n\r\nx\r\n--XX--",
		"--XX\r\nContent-Disposition: form-data\r\n\r\nx\r\n--XX--",
		"--XX\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nx"
		"\r\n--XX--",
		"--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx"
		"\r\n--XX--",
		"--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx"
		"\r\n--XX--",
		"--XX\r\nContent-Disposition: form-data; name=\"a\"b\r\n\r\nx"
		"\r\n--XX--",
		"--XX\r\nContent-Disposition: form-data; name=\"a\"; "
		"name=\"b\"\r\n\r\nx\r\n--XX--",
		"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n"
		"Content-Disposition: form-data; name=\"a\"\r\n\r\nx"
		"\r\n--XX--",
		"--XX\r\nno colon\r\n\r\nx\r\n--XX--",
		FIELD("a", "x"),
		FIELD("a", "x") "--XX",
		FIELD("a", "x\r\n--XXY") "--XX--",
		FILE_PART("x"),
		FILE_PART("x") "--XX",
		FILE_PART("x") "--XXYY",
		FILE_PART("x") "--XX-",
	};

	for (size_t i = 0; i < array_len(bodies); i++) {
		for (size_t piece = 1; piece < 200; piece += 50) {
			scoped(end) struct outcome outcome = parse(FORM_TYPE,
				slice_str(bodies[i]), piece, 200);

			cr_expect(eq(int, outcome.err, STORE_INVALID),
				"%zu: %s", i, bodies[i]);
		}
	}
}

Test(multipart, fields_are_bounded)
{
	scoped(buffer_free) struct buffer body = {0};

	buffer_append_str(&body, FIELD("key", "a"));
	for (int i = 0; i < 400; i++)
		buffer_append_str(&body, FIELD("x", "0123456789"));
	buffer_append_str(&body, FILE_PART("x") "--XX--");
	cr_assert(body.len > MULTIPART_FIELDS_MAX);
	for (size_t piece = 1; piece < 100000; piece *= 10) {
		scoped(end) struct outcome outcome = parse(FORM_TYPE,
			buffer_slice(&body), piece, 200);

		cr_expect(eq(int, outcome.err, STORE_TOO_BIG));
	}
}
