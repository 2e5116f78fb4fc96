/* SPDX-License-Identifier: Apache-2.0 */
/* replicated.h - buckets that are replicated, and the documents that say so. */
#pragma once

#include "store/base/io.h"
#include "tests/s3api/op/versioned.h"

#define XML(name, inside) "<" name ">" inside "</" name ">"
#define SAID(name, status) XML(name, XML("Status", status))
#define CONFIGURATION(rules)                                                   \
	XML("ReplicationConfiguration",                                        \
		XML("Role", "arn:aws:iam::default:role/r") rules)
#define TO(name) XML("Bucket", "arn:aws:s3:::" name)
#define RULE(id, priority, filter, more, to)                                   \
	XML("Rule",                                                            \
		XML("ID", id) XML("Priority", priority) XML("Filter", filter)  \
			XML("Status", "Enabled") more XML("Destination", to))
#define MARKERS SAID("DeleteMarkerReplication", "Enabled")
#define NO_MARKERS SAID("DeleteMarkerReplication", "Disabled")
#define ALL RULE("all", "1", XML("Prefix", ""), MARKERS, TO("copies"))

static inline const struct s3_reply *
replicated_put(struct served *served, const char *xml)
{
	return served_send(served, "PUT", "/photos?replication", NULL,
		slice_str(xml));
}

static inline void
replicated_keep(struct served *served, const char *bucket)
{
	served_put(served, served_text(served, "/%s?versioning", bucket),
		VERSIONED_STATUS("Enabled"));
}

/* "photos" and "copies" keep versions. */
static inline struct served
replicated_start(void)
{
	struct served served = versioned_start();

	served_bucket(&served, "copies");
	replicated_keep(&served, "copies");
	return served;
}

static inline void
replicated_wait(struct served *served, const char *target, const char *status)
{
	while (!slice_equal(s3_client_header(served_ask(served, "HEAD", target),
				    "x-amz-replication-status"),
		slice_str(status)))
		io_sleep_ms(1);
}
