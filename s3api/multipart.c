/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/multipart.h"

#include <assert.h>

#include "store/base/text.h"

/* The fields with the first bytes of the file, and behind them a place for what
 * may be the beginning of a delimiter. */
#define BUFFER_SIZE (MULTIPART_FIELDS_MAX + 1024)
#define HELD_SIZE (MULTIPART_DELIMITER_MAX + 2)

/* --- the boundary --------------------------------------------------------- */

/* RFC 2046: bchars. */
static bool
is_boundary(struct slice text)
{
	return text.len > 0 && text.len <= MULTIPART_BOUNDARY_MAX &&
	       text_is_plain(text, "'()+_,-./:=? ") &&
	       text.data[text.len - 1] != ' ';
}

/* Of the quoted or plain value that text begins with. */
static struct slice
first_value(struct slice text)
{
	ptrdiff_t end;

	if (text.len > 0 && text.data[0] == '"') {
		text = slice_from(text, 1);
		end = slice_find_char(text, '"');
		return end < 0 ? SLICE_NULL : slice_first(text, (size_t)end);
	}
	end = slice_find_char(text, ';');
	return slice_trim(end < 0 ? text : slice_first(text, (size_t)end));
}

static struct slice
find_boundary(struct slice content_type)
{
	struct slice rest = content_type;
	struct slice piece;

	if (!slice_split(&rest, ';', &piece) ||
		!slice_equal_nocase(slice_trim(piece),
			SLICE("multipart/form-data")))
		return SLICE_NULL;
	while (rest.len > 0) {
		struct slice name = SLICE("boundary=");

		rest = slice_trim(rest);
		if (slice_equal_nocase(slice_first(rest, name.len), name))
			return first_value(slice_from(rest, name.len));
		if (!slice_split(&rest, ';', &piece))
			break;
	}
	return SLICE_NULL;
}

bool
multipart_begin(struct multipart *form, struct arena *arena,
	struct slice content_type,
	enum store_err (*read)(void *context, void *to, size_t len,
		size_t *got),
	void *context)
{
	struct slice boundary = find_boundary(content_type);

	*form = (struct multipart){.read = read, .context = context};
	if (!is_boundary(boundary))
		return false;
	memcpy(form->delimiter, "\r\n--", 4);
	memcpy(form->delimiter + 4, boundary.data, boundary.len);
	form->delimiter_len = 4 + boundary.len;
	form->buffer = arena_alloc(arena, BUFFER_SIZE + HELD_SIZE);
	/* The first delimiter needs no line to end before it. */
	memcpy(form->buffer, "\r\n", 2);
	form->end = 2;
	return true;
}

/* --- what stands before the file ------------------------------------------ */

static enum store_err
fail(struct multipart *form, enum store_err err)
{
	form->err = err;
	return err;
}

static struct slice
delimiter(const struct multipart *form)
{
	return slice_of(form->delimiter, form->delimiter_len);
}

static struct slice
unused(const struct multipart *form)
{
	return slice_of(form->buffer + form->next, form->end - form->next);
}

/* More of it, into the buffer. */
static enum store_err
fill(struct multipart *form)
{
	size_t got = 0;
	enum store_err err;

	if (form->end == BUFFER_SIZE)
		return fail(form, STORE_TOO_BIG);
	err = form->read(form->context, form->buffer + form->end,
		BUFFER_SIZE - form->end, &got);
	if (err || got == 0)
		return fail(form, err ? err : STORE_INVALID);
	form->end += got;
	return STORE_OK;
}

static enum store_err
want(struct multipart *form, size_t len)
{
	while (form->end - form->next < len) {
		enum store_err err = fill(form);

		if (err)
			return err;
	}
	return STORE_OK;
}

/* Up to the mark, which is skipped. */
static enum store_err
take_until(struct multipart *form, struct slice mark, struct slice *out)
{
	ptrdiff_t at;

	while ((at = slice_find(unused(form), mark)) < 0) {
		enum store_err err = fill(form);

		if (err)
			return err;
	}
	*out = slice_first(unused(form), (size_t)at);
	form->next += (size_t)at + mark.len;
	/* Never more, even where the buffer had room for it. */
	return form->next > MULTIPART_FIELDS_MAX ? fail(form, STORE_TOO_BIG)
						 : STORE_OK;
}

/* The two bytes behind a delimiter.  NOT_FOUND: it was the last. */
static enum store_err
judge_delimiter(struct multipart *form, const char *two)
{
	if (!memcmp(two, "\r\n", 2))
		return STORE_OK;
	return memcmp(two, "--", 2) ? fail(form, STORE_INVALID)
				    : STORE_NOT_FOUND;
}

/* --- the header of a part ------------------------------------------------- */

/*
 * A quoted string; *rest is what follows it.  Browsers send a quotation mark as
 * %22, curl and others as \": a backslash is one unless it stands before
 * either.
 */
static bool
take_quoted(struct slice *rest, char *to, size_t *len)
{
	size_t i = 1;

	*len = 0;
	if (rest->len < 2 || rest->data[0] != '"')
		return false;
	for (; i < rest->len && rest->data[i] != '"'; i++) {
		char next = i + 1 < rest->len ? rest->data[i + 1] : '\0';

		if (rest->data[i] == '\\' && (next == '"' || next == '\\'))
			i++;
		to[(*len)++] = rest->data[i];
	}
	if (i == rest->len)
		return false;
	*rest = slice_trim(slice_from(*rest, i + 1));
	return true;
}

/* A token; of parameters that nobody asks for, anything up to the next. */
static bool
take_token(struct slice *rest, char *to, size_t *len)
{
	ptrdiff_t end = slice_find_char(*rest, ';');
	struct slice token =
		slice_trim(end < 0 ? *rest : slice_first(*rest, (size_t)end));

	*len = token.len;
	memmove(to, token.data, token.len);
	*rest = end < 0 ? slice_from(*rest, rest->len)
			: slice_from(*rest, (size_t)end);
	return token.len > 0 && slice_find_char(token, '"') < 0;
}

/* S3 API: ${filename}: without what some clients send of directories. */
static struct slice
base_name(struct slice path)
{
	for (size_t i = path.len; i > 0; i--) {
		if (path.data[i - 1] == '/' || path.data[i - 1] == '\\')
			return slice_from(path, i);
	}
	return path;
}

/* form-data; name="..."; filename="..." */
static bool
parse_disposition(char *text, size_t len, struct multipart_part *part)
{
	struct slice rest = slice_of(text, len);
	struct slice kind;

	if (!slice_split(&rest, ';', &kind) ||
		!slice_equal_nocase(slice_trim(kind), SLICE("form-data")))
		return false;
	rest = slice_trim(rest);
	while (rest.len > 0) {
		struct slice name;
		char *value; /* over what it is read from, and no longer */
		size_t value_len;

		if (!slice_split(&rest, '=', &name) || !rest.data)
			return false;
		name = slice_trim(name);
		value = text + (rest.data - text);
		if (!(rest.len > 0 && rest.data[0] == '"'
				    ? take_quoted
				    : take_token)(&rest, value, &value_len))
			return false;

		struct slice *out =
			slice_equal_nocase(name, SLICE("name")) ? &part->name
			: slice_equal_nocase(name, SLICE("filename"))
				? &part->filename
				: NULL;

		if (out && out->data)
			return false;
		if (out)
			*out = slice_of(value, value_len);
		if (rest.len > 0 && rest.data[0] != ';')
			return false;
		rest = rest.len > 0 ? slice_trim(slice_from(rest, 1)) : rest;
	}
	part->filename = base_name(part->filename);
	return part->name.len > 0;
}

/* Lines, the last without its end; exactly one of them is of use. */
static bool
parse_header(char *text, size_t len, struct multipart_part *part)
{
	struct slice rest = slice_of(text, len);
	bool has_disposition = false;

	while (rest.data) {
		ptrdiff_t end = slice_find(rest, SLICE("\r\n"));
		struct slice line =
			end < 0 ? rest : slice_first(rest, (size_t)end);
		struct slice value = line;
		struct slice name;

		rest = end < 0 ? SLICE_NULL : slice_from(rest, (size_t)end + 2);
		if (!slice_split(&value, ':', &name) || !value.data ||
			name.len == 0)
			return false;
		if (!slice_equal_nocase(name, SLICE("content-disposition")))
			continue;
		value = slice_trim(value);
		if (has_disposition ||
			!parse_disposition(text + (value.data - text),
				value.len, part))
			return false;
		has_disposition = true;
	}
	return has_disposition;
}

enum store_err
multipart_next(struct multipart *form, struct multipart_part *part)
{
	struct slice mark = delimiter(form);
	struct slice header;
	enum store_err err = form->err;

	*part = (struct multipart_part){0};
	if (!err && form->next == 0) {
		/* The first. */
		err = want(form, mark.len);
		if (!err &&
			!slice_equal(slice_first(unused(form), mark.len), mark))
			err = fail(form, STORE_INVALID);
		form->next += err ? 0 : mark.len;
	}
	if (!err)
		err = want(form, 2);
	if (!err)
		err = judge_delimiter(form, form->buffer + form->next);
	if (err)
		return err;
	form->next += 2;
	err = take_until(form, SLICE("\r\n\r\n"), &header);
	if (err)
		return err;
	if (!parse_header(form->buffer + (header.data - form->buffer),
		    header.len, part))
		return fail(form, STORE_INVALID);
	part->is_file = slice_equal_nocase(part->name, SLICE("file"));
	return STORE_OK;
}

enum store_err
multipart_value(struct multipart *form, struct slice *value)
{
	return form->err ? form->err : take_until(form, delimiter(form), value);
}

/* --- the file ------------------------------------------------------------- */

/* From the buffer first, then as it comes. */
static enum store_err
read_raw(struct multipart *form, char *to, size_t len, size_t *got)
{
	struct slice held = slice_first(unused(form), len);

	*got = held.len;
	if (held.len == 0)
		return form->read(form->context, to, len, got);
	memcpy(to, held.data, held.len);
	form->next += held.len;
	return STORE_OK;
}

/* Gives back what may be the beginning of a delimiter. */
static void
hold(struct multipart *form, const char *from, size_t len)
{
	assert(len <= HELD_SIZE);
	if (form->end > form->next) {
		/* All of it came out of the buffer: it is there still. */
		form->next -= len;
		return;
	}
	memcpy(form->buffer + BUFFER_SIZE, from, len);
	form->next = BUFFER_SIZE;
	form->end = BUFFER_SIZE + len;
}

enum store_err
multipart_read(struct multipart *form, void *to, size_t len, size_t *got)
{
	struct slice mark = delimiter(form);
	char *bytes = to;
	size_t have = 0;

	assert(len >= MULTIPART_READ_MIN);
	*got = 0;
	while (!form->err && !form->is_at_end) {
		size_t more = 0;
		enum store_err err =
			read_raw(form, bytes + have, len - have, &more);

		if (err || more == 0)
			return fail(form, err ? err : STORE_INVALID);
		have += more;

		struct slice all = slice_of(bytes, have);
		ptrdiff_t at = slice_find(all, mark);
		size_t plain = at >= 0		     ? (size_t)at
			       : have > mark.len - 1 ? have - (mark.len - 1)
						     : 0;

		/* A delimiter, with the two bytes that say which it is. */
		if (at >= 0 && have - plain >= mark.len + 2) {
			err = judge_delimiter(form, bytes + plain + mark.len);
			if (err && err != STORE_NOT_FOUND)
				return err;
			form->is_at_end = true;
			*got = plain;
			return STORE_OK;
		}
		if (plain > 0) {
			hold(form, bytes + plain, have - plain);
			*got = plain;
			return STORE_OK;
		}
	}
	return form->err;
}
