/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_shape.h - what the elements of a document may hold: a table in place of
 * a schema.
 *
 * What is read of a document that says more than is understood would be done
 * otherwise than it was meant, so anything that has no place is refused.
 */
#pragma once

#include "s3api/xml/xml_reader.h"

/* An element without a row holds text alone. */
struct xml_shape {
	const char *element;
	const char *children; /* names with spaces between; NULL: anything */
	const char *repeated; /* of them, those that may be there twice */
};

must_check bool xml_shape_holds(const struct xml_node *node,
	const struct xml_shape *shapes, size_t count);

/* Of any name. */
size_t xml_shape_count(const struct xml_node *node);
