/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_document.h - access control lists as clients say them: canned, by
 * x-amz-grant-*, and as <AccessControlPolicy> (S3 API: PutObjectAcl).
 *
 * Ownership: slices of a list live in the request's arena.
 */
#pragma once

#include "s3api/iam/acl.h"
#include "s3api/request.h"
#include "s3api/xml/xml_reader.h"

/* Whose list it is to be, and of what. */
struct acl_document_of {
	struct slice owner;
	struct slice bucket_owner;
	bool is_on_object;
};

/*
 * What the headers ask for; *is_given: whether they ask for anything.
 * INVALID_ARGUMENT: no such list, group or organization; INVALID_REQUEST: both
 * forms; UNRESOLVABLE_GRANT: an address of mail.
 */
must_check enum s3_error acl_document_of_headers(struct request *request,
	const struct acl_document_of *of, struct acl *out, bool *is_given);

/* MALFORMED_ACL; ACCESS_DENIED: it names another owner; and as above. */
must_check enum s3_error acl_document_parse(struct request *request,
	struct slice text, const struct acl_document_of *of, struct acl *out);

void acl_document_write(struct buffer *to, const struct acl *acl);

/* A list of <Grant> that stands elsewhere: adds them; MALFORMED_ACL and as
 * above.  And back, from the grant `first` on. */
must_check enum s3_error acl_document_add_grants(struct request *request,
	const struct xml_node *list, const struct acl_document_of *of,
	struct acl *out);
void acl_document_write_grants(struct buffer *to, const struct acl *acl,
	size_t first);
