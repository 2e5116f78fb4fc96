/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <stdatomic.h>

#include "s3api/iam/access.h"
#include "store/base/digest.h"
#include "tests/s3api/iam/access_site.h"
#include "tests/s3api/op/versioned.h"

struct swapping {
	struct served *served;
	atomic_bool is_done;
};

/* Public with a tag, and secret without, in turns. */
static void *
swap(void *arg)
{
	struct swapping *swapping = arg;
	struct s3_client client;

	s3_client_open(&client, server_port(swapping->served->server),
		swapping->served->client.access_key,
		swapping->served->client.secret);
	for (int i = 0; i < 150; i++) {
		(void)s3_client_ask(&client, "PUT", "/photos/a",
			"x-amz-tagging: public=yes\n", SLICE("public"));
		(void)s3_client_ask(&client, "PUT", "/photos/a", NULL,
			SLICE("secret"));
	}
	atomic_store(&swapping->is_done, true);
	s3_client_close(&client);
	return NULL;
}

Test(decided, what_is_sent_is_what_was_decided_about)
{
	scoped(served_stop) struct served served = served_start();
	struct swapping swapping = {.served = &served};
	struct s3_client stranger;
	pthread_t thread;
	unsigned int seen = 0;

	served_bucket(&served, "photos");
	(void)access_site_put_policy(&served,
		STATEMENT("\"Effect\":\"Allow\",\"Principal\":\"*\","
			  "\"Action\":\"s3:GetObject\",\"Resource\":"
			  "\"arn:aws:s3:::photos/*\",\"Condition\":"
			  "{\"StringEquals\":{"
			  "\"s3:ExistingObjectTag/public\":\"yes\"}}"));
	s3_client_open(&stranger, server_port(served.server), "", "");
	stranger.is_anonymous = true;
	cr_assert(eq(int, pthread_create(&thread, NULL, swap, &swapping), 0));
	while (!atomic_load(&swapping.is_done)) {
		const struct s3_reply *reply = s3_client_ask(&stranger, "GET",
			"/photos/a", NULL, SLICE(""));

		seen += reply->status == 200;
		cr_expect(not(slice_equal(reply->body, SLICE("secret"))));
	}
	(void)pthread_join(thread, NULL);
	cr_expect(gt(uint, seen, 0));
	s3_client_close(&stranger);
}

static void *
put_versions(void *arg)
{
	struct swapping *swapping = arg;
	struct s3_client client;

	s3_client_open(&client, server_port(swapping->served->server),
		swapping->served->client.access_key,
		swapping->served->client.secret);
	for (int i = 0; i < 300; i++)
		(void)s3_client_ask(&client, "PUT", "/photos/a", NULL,
			SLICE("x"));
	atomic_store(&swapping->is_done, true);
	s3_client_close(&client);
	return NULL;
}

Test(decided, the_version_that_is_told_is_the_one_that_was_changed)
{
	scoped(served_stop) struct served served = versioned_start();
	struct swapping swapping = {.served = &served};
	pthread_t thread;

	versioned_put(&served, "a", "x");
	cr_assert(eq(int,
		pthread_create(&thread, NULL, put_versions, &swapping), 0));
	for (int i = 0; !atomic_load(&swapping.is_done); i++) {
		const char *value = served_text(&served, "%d", i);
		const char *body = served_text(&served,
			"<Tagging><TagSet><Tag><Key>k</Key><Value>%s</Value>"
			"</Tag></TagSet></Tagging>",
			value);
		const char *id = versioned_id(&served,
			served_send(&served, "PUT", "/photos/a?tagging", NULL,
				slice_str(body)));

		served_expect_elements(served_ask(&served, "GET",
					       served_text(&served,
						       "/photos/a?tagging&"
						       "versionId=%s",
						       id)),
			"Value", served_text(&served, "%s ", value));
	}
	(void)pthread_join(thread, NULL);
}

static void
set_attr(struct inode *inode, struct buffer *attrs, enum inode_attr_kind kind,
	const char *value)
{
	struct inode_attr attr = {kind, SLICE("k"), slice_str(value)};

	attrs->len = 0;
	inode_attr_append(attrs, &attr);
	inode->attrs = buffer_slice(attrs);
}

/* A file that a mount writes to stays what it is; one whose tags are others, or
 * that has another's place, does not. */
Test(decided, what_was_seen_is_known_by_its_number_and_tags)
{
	scoped(buffer_free) struct buffer attrs = {0};
	struct inode inode = {.ino = 7, .etag = {.parts = 1}};
	struct access_policies none = {.has_seen = false};
	struct access_policies seen = {.has_seen = true, .seen_ino = 7};

	cr_expect(not(access_is_of_another(&none, &inode)));
	/* The SHA-256 of nothing. */
	digest_of(DIGEST_SHA256, SLICE(""), seen.seen);
	cr_expect(not(access_is_of_another(&seen, &inode)));
	inode.etag.parts = 2;
	inode.size = 5;
	cr_expect(not(access_is_of_another(&seen, &inode)));
	set_attr(&inode, &attrs, INODE_ATTR_META, "x");
	cr_expect(not(access_is_of_another(&seen, &inode)));
	set_attr(&inode, &attrs, INODE_ATTR_TAG, "x");
	cr_expect(access_is_of_another(&seen, &inode));
	set_attr(&inode, &attrs, INODE_ATTR_ACL, "x");
	cr_expect(access_is_of_another(&seen, &inode));
	inode.attrs = SLICE("");
	inode.ino = 8;
	cr_expect(access_is_of_another(&seen, &inode));
}
