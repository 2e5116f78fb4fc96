/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/tarn/manifest.h"

#include <stdarg.h>
#include <stdio.h>
#include <yaml.h>

#include "store/user.h"

#define DEPTH_MAX 16
#define NODES_MAX 20000
#define USERS_MAX 1000

/* A value: text, or a list of named values (of a sequence without names). */
struct node {
	struct slice name;
	struct slice text; /* SLICE_NULL: not text */
	bool is_map;
	struct node *first;
	struct node *last;
	struct node *next;
};

struct reader {
	yaml_parser_t parser;
	struct arena *arena;
	struct manifest_error *error;
	struct node *open[DEPTH_MAX]; /* those we are in */
	size_t depth;
	size_t nodes;
	struct slice name; /* of the value to come; NULL: none */
	unsigned int document;
};

static bool
refuse(struct reader *reader, const char *format, ...)
{
	struct manifest_error *error = reader->error;
	int len = snprintf(error->text, sizeof(error->text),
		"document %u: ", reader->document);
	va_list args;

	va_start(args, format);
	(void)vsnprintf(error->text + len, sizeof(error->text) - (size_t)len,
		format, args);
	va_end(args);
	return false;
}

/* For messages: as much as is printable, in quotation marks. */
static const char *
quote(struct slice text, struct arena *arena)
{
	size_t len = 0;

	while (len < text.len && len < 60 && text.data[len] >= ' ' &&
		text.data[len] != 0x7f)
		len++;
	return arena_printf(arena, "\"%.*s\"%s", (int)len, text.data,
		len < text.len ? "..." : "")
		.data;
}

/* --- events to nodes ------------------------------------------------------ */

static struct node *
find(const struct node *map, const char *name)
{
	for (struct node *node = map ? map->first : NULL; node;
		node = node->next) {
		if (slice_equal(node->name, slice_str(name)))
			return node;
	}
	return NULL;
}

static struct node *
add_node(struct reader *reader)
{
	struct node *parent =
		reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
	struct node *node = arena_new(reader->arena, struct node);

	if (++reader->nodes > NODES_MAX) {
		refuse(reader, "there is too much in it");
		return NULL;
	}
	if (parent && parent->last)
		parent->last->next = node;
	else if (parent)
		parent->first = node;
	if (parent)
		parent->last = node;
	node->name = reader->name;
	reader->name = SLICE_NULL;
	return node;
}

static bool
open_node(struct reader *reader, bool is_map)
{
	const struct node *parent =
		reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
	struct node *node;

	if (parent && parent->is_map && !reader->name.data)
		return refuse(reader, "a name is not text");
	if (reader->depth == DEPTH_MAX)
		return refuse(reader, "it is nested too deeply");
	node = add_node(reader);
	if (!node)
		return false;
	node->is_map = is_map;
	reader->open[reader->depth++] = node;
	return true;
}

static bool
is_plain_null(const yaml_event_t *event, struct slice text)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (text.len == 0 || slice_equal(text, SLICE("~")) ||
		       slice_equal(text, SLICE("null")));
}

static bool
take_scalar(struct reader *reader, const yaml_event_t *event)
{
	struct node *parent =
		reader->depth > 0 ? reader->open[reader->depth - 1] : NULL;
	struct slice text = arena_copy(reader->arena,
		slice_of(event->data.scalar.value, event->data.scalar.length));
	struct node *node;

	if (event->data.scalar.anchor || event->data.scalar.tag)
		return refuse(reader, "anchors and tags are not accepted");
	if (parent && parent->is_map && !reader->name.data) {
		if (find(parent, text.data))
			return refuse(reader, "%s stands twice",
				quote(text, reader->arena));
		reader->name = text;
		return true;
	}
	node = add_node(reader);
	if (!node)
		return false;
	if (!is_plain_null(event, text))
		node->text = text;
	/* The whole document: an empty one is passed over. */
	return parent || !node->text.data ||
	       refuse(reader, "it is not a resource");
}

/* False: refused, or (with *is_over) the document or the file is over. */
static bool
take_event(struct reader *reader, const yaml_event_t *event, bool *is_over)
{
	*is_over = false;
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return take_scalar(reader, event);
	case YAML_MAPPING_START_EVENT:
		if (event->data.mapping_start.anchor ||
			event->data.mapping_start.tag)
			return refuse(reader,
				"anchors and tags are not accepted");
		return open_node(reader, true);
	case YAML_SEQUENCE_START_EVENT:
		if (event->data.sequence_start.anchor ||
			event->data.sequence_start.tag)
			return refuse(reader,
				"anchors and tags are not accepted");
		return open_node(reader, false);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		/* The outermost one stays, to be looked at. */
		if (reader->depth > 1)
			reader->depth--;
		return true;
	case YAML_ALIAS_EVENT:
		return refuse(reader, "aliases are not accepted");
	case YAML_DOCUMENT_END_EVENT:
	case YAML_STREAM_END_EVENT:
		*is_over = true;
		return false;
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_DOCUMENT_START_EVENT:
		return true;
	}
	return true;
}

/* One document.  *is_last: there is no further one; then *root is NULL. */
static bool
read_document(struct reader *reader, struct node **root, bool *is_last)
{
	bool is_over = false;
	bool goes_on = true;

	reader->depth = 0;
	reader->name = SLICE_NULL;
	*root = NULL;
	while (goes_on) {
		yaml_event_t event;

		if (!yaml_parser_parse(&reader->parser, &event))
			return refuse(reader, "line %zu: not YAML: %s",
				reader->parser.problem_mark.line + 1,
				reader->parser.problem ? reader->parser.problem
						       : "it cannot be read");
		goes_on = take_event(reader, &event, &is_over);
		*is_last = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
	}
	if (is_over && reader->depth > 0)
		*root = reader->open[0];
	return is_over;
}

/* --- nodes to users ------------------------------------------------------- */

static bool
text_at(struct reader *reader, const struct node *map, const char *path,
	const char *name, struct slice *out)
{
	const struct node *node = find(map, name);

	if (!node || (!node->text.data && !node->is_map && !node->first))
		return refuse(reader, "%s%s: is missing", path, name);
	if (!node->text.data)
		return refuse(reader, "%s%s: must be text", path, name);
	*out = node->text;
	return true;
}

static bool
check_names(struct reader *reader, const struct node *map, const char *path,
	const char *const *known)
{
	for (const struct node *node = map->first; node; node = node->next) {
		bool is_known = false;

		for (size_t i = 0; known[i]; i++)
			is_known |=
				slice_equal(node->name, slice_str(known[i]));
		if (!is_known)
			return refuse(reader, "%s%.60s: there is no such field",
				path, node->name.data);
	}
	return true;
}

static bool
check_kind(struct reader *reader, const struct node *root)
{
	static const char *const known[] = {
		"apiVersion", "kind", "metadata", "spec", "status", NULL};
	struct slice api, kind;

	if (!root->is_map)
		return refuse(reader, "it is not a resource");
	if (!text_at(reader, root, "", "apiVersion", &api) ||
		!text_at(reader, root, "", "kind", &kind))
		return false;
	if (!slice_equal(api, SLICE(MANIFEST_API)))
		return refuse(reader, "apiVersion: %s is not " MANIFEST_API,
			quote(api, reader->arena));
	if (!slice_equal(kind, SLICE("User")))
		return refuse(reader, "kind: %s is not User",
			quote(kind, reader->arena));
	return check_names(reader, root, "", known);
}

static bool
check_name(struct reader *reader, const char *field, struct slice text,
	size_t max)
{
	return user_name_is_valid(text, max) ||
	       refuse(reader,
		       "%s: %s is not 1 to %zu of a-z 0-9 - and ., a letter or "
		       "digit at both ends",
		       field, quote(text, reader->arena), max);
}

static bool
read_metadata(struct reader *reader, const struct node *root,
	struct manifest_user *out)
{
	const struct node *metadata = find(root, "metadata");

	if (!metadata || !metadata->is_map)
		return refuse(reader, "metadata: must have name and namespace");
	return text_at(reader, metadata, "metadata.", "name", &out->name) &&
	       text_at(reader, metadata, "metadata.", "namespace",
		       &out->namespace) &&
	       check_name(reader, "metadata.name", out->name, USER_NAME_MAX) &&
	       check_name(reader, "metadata.namespace", out->namespace,
		       USER_NAME_MAX);
}

static bool
read_spec(struct reader *reader, const struct node *root,
	struct manifest_user *out)
{
	static const char *const known[] = {
		"owner", "access", "secretName", NULL};
	const struct node *spec = find(root, "spec");
	const struct node *secret = find(spec, "secretName");
	struct slice access;

	if (!spec || !spec->is_map)
		return refuse(reader, "spec: must have owner and access");
	if (!check_names(reader, spec, "spec.", known) ||
		!text_at(reader, spec, "spec.", "owner", &out->owner) ||
		!text_at(reader, spec, "spec.", "access", &access))
		return false;
	if (!token_level_from_name(access.data, &out->access))
		return refuse(reader,
			"spec.access: %s is not full, readwrite, read or write",
			quote(access, reader->arena));
	out->secret_name = arena_printf(reader->arena,
		"%.*s-%.*s-obj-store-creds", (int)out->namespace.len,
		out->namespace.data, (int)out->name.len, out->name.data);
	if (secret && (secret->text.data || secret->is_map || secret->first) &&
		!text_at(reader, spec, "spec.", "secretName",
			&out->secret_name))
		return false;
	return check_name(reader, "spec.owner", out->owner, USER_NAME_MAX) &&
	       check_name(reader, "spec.secretName", out->secret_name,
		       USER_SECRET_NAME_MAX);
}

static bool
read_users(struct reader *reader, struct manifest_user *users, size_t *count)
{
	bool is_last = false;
	struct node *root;

	for (*count = 0; !is_last;) {
		if (!read_document(reader, &root, &is_last))
			return false;
		if (!is_last && !root)
			continue; /* an empty one */
		if (is_last)
			break;
		if (*count == USERS_MAX)
			return refuse(reader, "there are too many");
		if (!check_kind(reader, root) ||
			!read_metadata(reader, root, &users[*count]) ||
			!read_spec(reader, root, &users[*count]))
			return false;
		++*count;
		reader->document++;
	}
	return *count > 0 || refuse(reader, "there is nothing in it");
}

bool
manifest_parse(struct slice text, struct arena *arena,
	struct manifest_user **out, size_t *count, struct manifest_error *error)
{
	struct reader reader = {
		.arena = arena,
		.error = error,
		.document = 1,
	};
	bool is_good;

	*count = 0;
	*out = arena_new_array(arena, USERS_MAX, struct manifest_user);
	if (text.len > MANIFEST_BYTES_MAX)
		return refuse(&reader, "the file is larger than %d bytes",
			MANIFEST_BYTES_MAX);
	if (memchr(text.len > 0 ? text.data : "", '\0', text.len))
		return refuse(&reader, "the file has a NUL in it");
	if (!yaml_parser_initialize(&reader.parser))
		return refuse(&reader, "out of memory");
	yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader.parser,
		(const unsigned char *)(text.len > 0 ? text.data : ""),
		text.len);
	is_good = read_users(&reader, *out, count);
	yaml_parser_delete(&reader.parser);
	return is_good;
}
