/* SPDX-License-Identifier: Apache-2.0 */
/* rule_id.h - the name of a rule of a configuration: up to 255 characters, and
 * one of the server's where it has none. */
#pragma once

#include "s3api/request.h"
#include "s3api/xml/xml_reader.h"

/* From the rule's element of that name.  In the arena.  INVALID_ARGUMENT. */
must_check enum s3_error rule_id_read(struct request *request,
	const struct xml_node *rule, const char *element, struct slice *out);
