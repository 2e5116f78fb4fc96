/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/acl_document.h"

#include "s3api/reply.h"
#include "s3api/xml/xml_writer.h"
#include "store/organization.h"

#define GROUPS "http://acs.amazonaws.com/groups/"

static const struct {
	enum acl_grantee grantee;
	const char *uri;
} groups[] = {
	{ACL_ALL_USERS, GROUPS "global/AllUsers"},
	{ACL_AUTHENTICATED_USERS, GROUPS "global/AuthenticatedUsers"},
	{ACL_LOG_DELIVERY, GROUPS "s3/LogDelivery"},
};

/* --- grantees ------------------------------------------------------------- */

/* One that there is. */
static enum s3_error
check_organization(struct request *request, const struct acl_document_of *of,
	struct slice id)
{
	enum store_err err;

	if (slice_equal(id, of->owner) || slice_equal(id, of->bucket_owner))
		return S3_OK;
	err = organization_check(request->store, id);
	if (err && err != STORE_NO_ORGANIZATION)
		return reply_store_error(request, err);
	if (!err && id.len <= ACL_ORGANIZATION_MAX)
		return S3_OK;
	return request_refuse_argument(request, "Invalid id",
		"CanonicalUser/ID", id);
}

static enum s3_error
find_group(struct request *request, struct slice uri, enum acl_grantee *out)
{
	for (size_t i = 0; i < array_len(groups); i++) {
		if (slice_equal(uri, slice_str(groups[i].uri))) {
			*out = groups[i].grantee;
			return S3_OK;
		}
	}
	return request_refuse_argument(request, "Invalid group uri",
		"Group/URI", uri);
}

/* Exactly one of the three is given. */
struct grantee {
	struct slice id;
	struct slice uri;
	struct slice email;
};

static enum s3_error
add(struct request *request, const struct acl_document_of *of,
	const struct grantee *grantee, enum acl_permission permission,
	struct acl *out)
{
	enum acl_grantee kind = ACL_ORGANIZATION;
	enum s3_error error;

	if (grantee->email.data)
		return error_set(&request->report, S3_UNRESOLVABLE_GRANT, NULL);
	error = grantee->uri.data
			? find_group(request, grantee->uri, &kind)
			: check_organization(request, of, grantee->id);
	if (!error && !acl_add(out, kind, grantee->id, permission))
		return error_set(&request->report, S3_MALFORMED_ACL, NULL);
	return error;
}

/* --- headers -------------------------------------------------------------- */

struct canned {
	const char *name;
	bool is_on_buckets;
	bool is_on_objects;
	struct {
		enum acl_grantee grantee;
		enum acl_permission permission;
	} grants[2]; /* beside the owner's; to the bucket's owner where it is
		      * ACL_ORGANIZATION */
};

static const struct canned canned[] = {
	{"private", true, true, {{0, 0}}},
	{"public-read", true, true, {{ACL_ALL_USERS, ACL_READ}}},
	{"public-read-write", true, true,
		{{ACL_ALL_USERS, ACL_READ}, {ACL_ALL_USERS, ACL_WRITE}}},
	{"authenticated-read", true, true,
		{{ACL_AUTHENTICATED_USERS, ACL_READ}}},
	/* Its readers are a service that is not here. */
	{"aws-exec-read", true, true, {{0, 0}}},
	/* Of buckets they say nothing (S3 API: Canned ACL). */
	{"bucket-owner-read", true, true, {{ACL_ORGANIZATION, ACL_READ}}},
	{"bucket-owner-full-control", true, true,
		{{ACL_ORGANIZATION, ACL_FULL_CONTROL}}},
	{"log-delivery-write", true, false,
		{{ACL_LOG_DELIVERY, ACL_WRITE},
			{ACL_LOG_DELIVERY, ACL_READ_ACP}}},
};

static enum s3_error
fill_canned(struct request *request, struct slice name,
	const struct acl_document_of *of, struct acl *out)
{
	size_t i = 0;

	while (i < array_len(canned) &&
		!slice_equal(name, slice_str(canned[i].name)))
		i++;
	if (i == array_len(canned) ||
		!(of->is_on_object ? canned[i].is_on_objects
				   : canned[i].is_on_buckets))
		return request_refuse_argument(request, NULL, "x-amz-acl",
			name);
	acl_init(out, of->owner);
	for (size_t g = 0; g < array_len(canned[i].grants); g++) {
		enum acl_grantee grantee = canned[i].grants[g].grantee;
		bool is_owner = grantee == ACL_ORGANIZATION;

		if (!canned[i].grants[g].permission ||
			(is_owner && slice_equal(of->owner, of->bucket_owner)))
			continue;
		if (!acl_add(out, grantee,
			    is_owner ? of->bucket_owner : SLICE_NULL,
			    canned[i].grants[g].permission))
			return S3_INTERNAL_ERROR;
	}
	return S3_OK;
}

/* id="...", uri="..." or emailAddress="...", with or without the quotes. */
static enum s3_error
parse_grantee(struct request *request, const char *header, struct slice text,
	struct grantee *out)
{
	struct slice value = slice_trim(text);
	struct slice name;

	*out = (struct grantee){SLICE_NULL, SLICE_NULL, SLICE_NULL};
	if (!slice_split(&value, '=', &name) || !value.data)
		return request_refuse_argument(request,
			"Argument format not recognized", header, text);
	name = slice_trim(name);
	value = slice_trim(value);
	if (value.len >= 2 && value.data[0] == '"' &&
		value.data[value.len - 1] == '"')
		value = slice_of(value.data + 1, value.len - 2);
	if (slice_equal_nocase(name, SLICE("id")))
		out->id = value;
	else if (slice_equal_nocase(name, SLICE("uri")))
		out->uri = value;
	else if (slice_equal_nocase(name, SLICE("emailAddress")))
		out->email = value;
	else
		return request_refuse_argument(request,
			"Argument format not recognized", header, text);
	return S3_OK;
}

static enum s3_error
add_of_header(struct request *request, const struct acl_document_of *of,
	const char *header, enum acl_permission permission, struct acl *out)
{
	struct slice rest = request_header(request, header);
	struct slice text;

	while (slice_split(&rest, ',', &text)) {
		struct grantee grantee;
		enum s3_error error =
			parse_grantee(request, header, text, &grantee);

		if (!error)
			error = add(request, of, &grantee, permission, out);
		if (error)
			return error;
	}
	return S3_OK;
}

enum s3_error
acl_document_of_headers(struct request *request,
	const struct acl_document_of *of, struct acl *out, bool *is_given)
{
	static const struct {
		const char *header;
		enum acl_permission permission;
	} grants[] = {
		{"x-amz-grant-full-control", ACL_FULL_CONTROL},
		{"x-amz-grant-read", ACL_READ},
		{"x-amz-grant-read-acp", ACL_READ_ACP},
		{"x-amz-grant-write", ACL_WRITE},
		{"x-amz-grant-write-acp", ACL_WRITE_ACP},
	};
	struct slice name = request_header(request, "x-amz-acl");
	bool has_grants = false;
	enum s3_error error = S3_OK;

	for (size_t i = 0; i < array_len(grants); i++)
		has_grants |=
			request_header(request, grants[i].header).data != NULL;
	*is_given = has_grants || name.data;
	if (has_grants && name.data)
		return error_set(&request->report, S3_INVALID_REQUEST,
			"Specifying both Canned ACLs and Header Grants is not "
			"allowed");
	if (!has_grants)
		return *is_given ? fill_canned(request, name, of, out) : S3_OK;
	out->owner = of->owner;
	out->count = 0;
	for (size_t i = 0; i < array_len(grants) && !error; i++)
		error = add_of_header(request, of, grants[i].header,
			grants[i].permission, out);
	return error;
}

/* --- XML ------------------------------------------------------------------ */

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_ACL, NULL);
}

static struct slice
text_of(struct request *request, const struct xml_node *node, const char *name)
{
	return slice_trim(xml_reader_child_text(node, name, request->arena));
}

static enum s3_error
parse_grant(struct request *request, const struct xml_node *node,
	const struct acl_document_of *of, struct acl *out)
{
	const struct xml_node *child = xml_reader_child(node, "Grantee");
	enum acl_permission permission;

	if (strcmp(xml_reader_name(node), "Grant") != 0 || !child ||
		!acl_permission_find(text_of(request, node, "Permission"),
			&permission))
		return malformed(request);

	const struct grantee grantee = {
		.id = text_of(request, child, "ID"),
		.uri = text_of(request, child, "URI"),
		.email = text_of(request, child, "EmailAddress"),
	};

	if ((grantee.id.data != NULL) + (grantee.uri.data != NULL) +
			(grantee.email.data != NULL) !=
		1)
		return malformed(request);
	return add(request, of, &grantee, permission, out);
}

enum s3_error
acl_document_add_grants(struct request *request, const struct xml_node *list,
	const struct acl_document_of *of, struct acl *out)
{
	const struct xml_node *node = xml_reader_child(list, NULL);
	enum s3_error error = S3_OK;

	for (; node && !error; node = xml_reader_next(node, NULL))
		error = parse_grant(request, node, of, out);
	return error;
}

enum s3_error
acl_document_parse(struct request *request, struct slice text,
	const struct acl_document_of *of, struct acl *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *list;
	const struct xml_node *owner;

	if (!xml_reader_open(text, "AccessControlPolicy", &reader))
		return malformed(request);
	list = xml_reader_child(xml_reader_root(reader), "AccessControlList");
	owner = xml_reader_child(xml_reader_root(reader), "Owner");
	if (!list || !owner)
		return malformed(request);
	if (!slice_equal(text_of(request, owner, "ID"), of->owner))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	out->owner = of->owner;
	out->count = 0;
	return acl_document_add_grants(request, list, of, out);
}

static void
write_grant(struct buffer *to, const struct acl_grant *grant)
{
	bool is_user = grant->grantee == ACL_ORGANIZATION;

	xml_writer_open(to, "Grant");
	xml_writer_open_type(to, "Grantee",
		is_user ? "CanonicalUser" : "Group");
	if (is_user) {
		xml_writer_text(to, "ID", grant->organization);
		xml_writer_text(to, "DisplayName", grant->organization);
	}
	for (size_t i = 0; i < array_len(groups); i++) {
		if (groups[i].grantee == grant->grantee)
			xml_writer_str(to, "URI", groups[i].uri);
	}
	xml_writer_close(to, "Grantee");
	xml_writer_str(to, "Permission",
		acl_permission_name(grant->permission));
	xml_writer_close(to, "Grant");
}

void
acl_document_write_grants(struct buffer *to, const struct acl *acl,
	size_t first)
{
	for (size_t i = first; i < acl->count; i++)
		write_grant(to, &acl->grants[i]);
}

void
acl_document_write(struct buffer *to, const struct acl *acl)
{
	xml_writer_begin(to, "AccessControlPolicy");
	xml_writer_person(to, "Owner", acl->owner);
	xml_writer_open(to, "AccessControlList");
	acl_document_write_grants(to, acl, 0);
	xml_writer_close(to, "AccessControlList");
	xml_writer_close(to, "AccessControlPolicy");
}
