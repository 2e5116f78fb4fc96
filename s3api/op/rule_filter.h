/* SPDX-License-Identifier: Apache-2.0 */
/* rule_filter.h - what a rule of a configuration is about: its <Filter>, or the
 * <Prefix> that it has in the first version of the schema. */
#pragma once

#include "s3api/request.h"
#include "s3api/xml/xml_reader.h"

struct rule_filter {
	bool is_there;			   /* or the rule has its prefix */
	bool has_and;			   /* its conditions stand in <And> */
	const struct xml_node *conditions; /* their parent; else the rule */
};

/* MALFORMED_XML: it has both or neither, more than one condition without
 * <And>, or none in that. */
must_check enum s3_error rule_filter_find(struct request *request,
	const struct xml_node *rule, struct rule_filter *out);

/* The <Prefix> among the conditions, in the arena; *is_there: it has one.
 * INVALID_REQUEST: it is longer than a key. */
must_check enum s3_error rule_filter_prefix(struct request *request,
	const struct xml_node *conditions, struct slice *prefix,
	bool *is_there);
