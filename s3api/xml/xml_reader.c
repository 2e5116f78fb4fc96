/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/xml/xml_reader.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdlib.h>

#include "s3api/xml/xml_bounds.h"
#include "store/base/error.h"
#include "store/base/io.h"

/* Bodies are bounded long before this. */
#define BYTES_MAX (64 << 20)

#define PARSE_OPTIONS                                                          \
	(XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |           \
		XML_PARSE_COMPACT)

struct xml_reader {
	xmlDoc *doc;
};

/* struct xml_node is libxml2's, seen from outside. */
static const xmlNode *
inside(const struct xml_node *node)
{
	return (const xmlNode *)node;
}

static const struct xml_node *
outside(const xmlNode *node)
{
	return (const struct xml_node *)node;
}

struct parse {
	struct slice bytes;
	xmlDoc *doc;
};

static void
parse(void *arg)
{
	struct parse *work = arg;

	work->doc = xmlReadMemory(work->bytes.data, (int)work->bytes.len, NULL,
		"UTF-8", PARSE_OPTIONS);
}

bool
xml_reader_open(struct slice bytes, const char *root, struct xml_reader **out)
{
	struct parse work = {.bytes = bytes};

	if (bytes.len == 0 || bytes.len > BYTES_MAX || !xml_bounds_hold(bytes))
		return false;
	io_run_blocking(parse, &work);
	if (!work.doc)
		return false;

	const xmlNode *top = xmlDocGetRootElement(work.doc);

	if (work.doc->intSubset || work.doc->extSubset || !top ||
		strcmp((const char *)top->name, root) != 0) {
		xmlFreeDoc(work.doc);
		return false;
	}
	struct xml_reader *reader = malloc(sizeof(*reader));

	if (!reader)
		error_out_of_memory();
	reader->doc = work.doc;
	*out = reader;
	return true;
}

void
xml_reader_close(struct xml_reader **reader)
{
	if (!*reader)
		return;
	xmlFreeDoc((*reader)->doc);
	free(*reader);
	*reader = NULL;
}

const struct xml_node *
xml_reader_root(const struct xml_reader *reader)
{
	return outside(xmlDocGetRootElement(reader->doc));
}

static const struct xml_node *
first_of(const xmlNode *node, const char *name)
{
	for (; node; node = node->next) {
		if (node->type == XML_ELEMENT_NODE &&
			(!name || !strcmp((const char *)node->name, name)))
			return outside(node);
	}
	return NULL;
}

const struct xml_node *
xml_reader_child(const struct xml_node *node, const char *name)
{
	return first_of(inside(node)->children, name);
}

const struct xml_node *
xml_reader_next(const struct xml_node *node, const char *name)
{
	return first_of(inside(node)->next, name);
}

const char *
xml_reader_name(const struct xml_node *node)
{
	return (const char *)inside(node)->name;
}

bool
xml_reader_has_own_text(const struct xml_node *node)
{
	const xmlNode *child = inside(node)->children;

	for (; child; child = child->next)
		if ((child->type == XML_TEXT_NODE ||
			    child->type == XML_CDATA_SECTION_NODE) &&
			!xmlIsBlankNode(child))
			return true;
	return false;
}

struct slice
xml_reader_text(const struct xml_node *node, struct arena *arena)
{
	xmlChar *text = xmlNodeGetContent(inside(node));
	struct slice copy = arena_copy(arena, slice_str((const char *)text));

	xmlFree(text);
	return copy;
}

struct slice
xml_reader_child_text(const struct xml_node *node, const char *name,
	struct arena *arena)
{
	const struct xml_node *child = xml_reader_child(node, name);

	return child ? xml_reader_text(child, arena) : SLICE_NULL;
}
