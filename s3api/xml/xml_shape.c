/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/xml/xml_shape.h"

#include <string.h>

static const struct xml_shape *
find_shape(const struct xml_node *node, const struct xml_shape *shapes,
	size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(shapes[i].element, xml_reader_name(node)))
			return &shapes[i];
	return NULL;
}

static bool
is_among(const char *names, const char *name)
{
	struct slice rest = slice_str(names);
	struct slice word;

	while (slice_split(&rest, ' ', &word))
		if (slice_equal(word, slice_str(name)))
			return true;
	return false;
}

static bool
may_hold(const struct xml_shape *shape, const struct xml_node *child)
{
	const char *name = xml_reader_name(child);

	return is_among(shape->children, name) &&
	       (!xml_reader_next(child, name) ||
		       is_among(shape->repeated, name));
}

bool
xml_shape_holds(const struct xml_node *node, const struct xml_shape *shapes,
	size_t count)
{
	const struct xml_shape *shape = find_shape(node, shapes, count);
	const struct xml_node *child = xml_reader_child(node, NULL);

	if (!shape)
		return !child;
	if (!shape->children)
		return true;
	if (xml_reader_has_own_text(node))
		return false;
	for (; child; child = xml_reader_next(child, NULL))
		if (!may_hold(shape, child) ||
			!xml_shape_holds(child, shapes, count))
			return false;
	return true;
}

size_t
xml_shape_count(const struct xml_node *node)
{
	size_t count = 0;

	for (node = xml_reader_child(node, NULL); node;
		node = xml_reader_next(node, NULL))
		count++;
	return count;
}
