/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/condition.h"

#include "s3api/iam/access.h"
#include "store/base/clock.h"

struct condition
condition_of_read(const struct request *request)
{
	return (struct condition){
		.match = request_header(request, "if-match"),
		.none_match = request_header(request, "if-none-match"),
		.modified_since = request_header(request, "if-modified-since"),
		.unmodified_since =
			request_header(request, "if-unmodified-since"),
	};
}

struct condition
condition_of_copy_source(const struct request *request)
{
	return (struct condition){
		.match = request_header(request, "x-amz-copy-source-if-match"),
		.none_match = request_header(request,
			"x-amz-copy-source-if-none-match"),
		.modified_since = request_header(request,
			"x-amz-copy-source-if-modified-since"),
		.unmodified_since = request_header(request,
			"x-amz-copy-source-if-unmodified-since"),
	};
}

struct condition
condition_of_rename_source(const struct request *request)
{
	return (struct condition){
		.match =
			request_header(request, "x-amz-rename-source-if-match"),
		.none_match = request_header(request,
			"x-amz-rename-source-if-none-match"),
		.modified_since = request_header(request,
			"x-amz-rename-source-if-modified-since"),
		.unmodified_since = request_header(request,
			"x-amz-rename-source-if-unmodified-since"),
	};
}

static struct slice
without_weakness(struct slice etag)
{
	return slice_has_prefix(etag, SLICE("W/")) ? slice_from(etag, 2) : etag;
}

/* "*" or a list of ETags, one of which is the inode's. */
static bool
is_in_list(struct slice list, const struct inode_etag *etag)
{
	struct slice rest = list;
	struct slice piece;

	while (slice_split(&rest, ',', &piece)) {
		struct inode_etag listed;

		piece = slice_trim(piece);
		if (slice_equal(piece, SLICE("*")))
			return true;
		if (inode_etag_parse(without_weakness(piece), &listed) &&
			inode_etag_equal(&listed, etag))
			return true;
	}
	return false;
}

/* Headers tell whole seconds; one that does not parse is passed over, as the
 * RFC has it. */
static bool
is_modified_since(const struct inode *inode, struct slice time, bool otherwise)
{
	int64_t time_ns;

	if (!time.data || !clock_from_http(time, &time_ns))
		return otherwise;
	return inode->mtime_ns / CLOCK_NS_PER_S > time_ns / CLOCK_NS_PER_S;
}

enum s3_error
condition_check(const struct condition *condition, const struct inode *inode)
{
	if (condition->match.data) {
		if (!is_in_list(condition->match, &inode->etag))
			return S3_PRECONDITION_FAILED;
	} else if (is_modified_since(inode, condition->unmodified_since,
			   false)) {
		return S3_PRECONDITION_FAILED;
	}
	if (condition->none_match.data)
		return is_in_list(condition->none_match, &inode->etag)
			       ? S3_NOT_MODIFIED
			       : S3_OK;
	return is_modified_since(inode, condition->modified_since, true)
		       ? S3_OK
		       : S3_NOT_MODIFIED;
}

bool
condition_allows_range(const struct request *request, const struct inode *inode)
{
	struct slice value = request_header(request, "if-range");
	int64_t time_ns;

	if (!value.data)
		return true;
	if (clock_from_http(value, &time_ns))
		return inode->mtime_ns / CLOCK_NS_PER_S ==
		       time_ns / CLOCK_NS_PER_S;
	return is_in_list(value, &inode->etag) &&
	       !slice_has_prefix(value, SLICE("W/"));
}

enum s3_error
condition_refuse_none_match(struct request *request)
{
	struct slice none_match = request_header(request, "if-none-match");

	if (!none_match.data || slice_equal(none_match, SLICE("*")))
		return S3_OK;
	return error_set(&request->report, S3_NOT_IMPLEMENTED,
		"If-None-Match takes * alone in a write.");
}

enum s3_error
condition_check_reader(struct request *request)
{
	if (!access_may_tell(request))
		return error_set(&request->report, S3_ACCESS_DENIED, NULL);
	if (access_may(request, POLICY_ACTION_GET_OBJECT))
		return S3_OK;
	return access_check_action(request, POLICY_ACTION_GET_OBJECT);
}

enum s3_error
condition_of_write(struct request *request, struct object_condition *out,
	struct inode_etag *etag)
{
	struct slice match = request_header(request, "if-match");

	*out = (struct object_condition){0};
	if (condition_refuse_none_match(request))
		return request->report.error;
	out->must_not_exist = request_header(request, "if-none-match").data;
	if (!match.data)
		return S3_OK;
	if (slice_equal(match, SLICE("*"))) {
		out->must_exist = true;
		return S3_OK;
	}
	if (!inode_etag_parse(match, etag))
		*etag = INODE_ETAG_OF_NONE;
	out->must_match = etag;
	/* Whether it matches tells something of what is there. */
	return condition_check_reader(request);
}
