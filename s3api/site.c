/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/site.h"

#include "s3api/op/decided.h"
#include "s3api/op/op.h"
#include "s3api/payer.h"
#include "s3api/reply.h"
#include "s3api/website.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/log.h"
#include "store/base/text.h"
#include "store/object.h"
#include "store/tree.h"

static const struct operation get_page = {"GetObject", 0, op_get_object};
static const struct operation head_page = {"HeadObject", 0, op_get_head};

struct visit {
	struct website website;
	struct slice asked; /* the key, before an index document is added */
};

/* --- pages of our own ----------------------------------------------------- */

static void
write_item(struct request *request, struct buffer *to, const char *name,
	struct slice text)
{
	struct slice label =
		arena_concat(request->arena, slice_str(name), SLICE(": "));

	if (text.len > 0 && xml_writer_is_text(text))
		xml_writer_text(to, "li",
			arena_concat(request->arena, label, text));
}

/* S3 API: the list in the page of an error. */
static void
write_report(struct request *request, struct buffer *to,
	const struct error_report *report, struct slice key)
{
	write_item(request, to, "Code", slice_str(error_code(report->error)));
	write_item(request, to, "Message",
		report->message.len > 0
			? report->message
			: slice_str(error_message(report->error)));
	if (report->error == S3_METHOD_NOT_ALLOWED)
		write_item(request, to, "Method", request->http->method_name);
	if (error_status(report->error) == 404)
		write_item(request, to, "BucketName", request->bucket_name);
	write_item(request, to, "Key", key);
}

/* worse: what became of the page that the bucket has for this; NULL: none. */
static void
reply_page(struct request *request, const struct visit *visit,
	const struct error_report *worse)
{
	const struct error_report *report = &request->report;
	unsigned int status = error_status(report->error);
	scoped(buffer_free) struct buffer body = {0};
	struct slice title = arena_printf(request->arena, "%u %s", status,
		http_reply_phrase(status));

	buffer_append_str(&body, "<!DOCTYPE html>\n<html>\n<head>");
	xml_writer_text(&body, "title", title);
	buffer_append_str(&body, "</head>\n<body>\n");
	xml_writer_text(&body, "h1", title);
	buffer_append_str(&body, "\n<ul>\n");
	write_report(request, &body, report, visit->asked);
	write_item(request, &body, "RequestId", slice_str(request->id));
	buffer_append_str(&body, "</ul>\n");
	if (worse) {
		buffer_append_str(&body,
			"<h3>An Error Occurred While Attempting to Retrieve a "
			"Custom Error Document</h3>\n<ul>\n");
		write_report(request, &body, worse, visit->website.error);
		buffer_append_str(&body, "</ul>\n");
	}
	buffer_append_str(&body, "<hr/>\n</body>\n</html>\n");

	reply_status(request, status);
	http_reply_header_str(request->response, "x-amz-error-code",
		error_code(report->error));
	http_reply_header_str(request->response, "content-type",
		"text/html; charset=utf-8");
	if (status == 405)
		http_reply_header_str(request->response, "allow", "GET, HEAD");
	if (status == 416)
		reply_size_of_range(request);
	if (http_reply_body(request->response, buffer_slice(&body)))
		log_debug("request %s: reply not sent", request->id);
}

/* --- elsewhere ------------------------------------------------------------ */

static void
send_to(struct request *request, unsigned int status, struct slice location)
{
	reply_status(request, status);
	http_reply_header(request->response, "location", location);
	reply_empty(request, status);
}

static void
redirect(struct request *request, const struct visit *visit,
	const struct website_redirect *to, const struct website_rule *rule)
{
	const struct website_target target = {
		.is_secure = request_is_secure(request),
		.host = request->http->host,
		.key = visit->asked,
		.query = request->http->query,
	};
	scoped(buffer_free) struct buffer location = {0};

	website_locate(&location, to, rule, &target);
	send_to(request, website_status(to), buffer_slice(&location));
}

/* --- pages of the bucket -------------------------------------------------- */

/* From now on the request is about that key. */
static enum s3_error
turn_to(struct request *request, struct slice key)
{
	access_leave_key(&request->access);
	request->key = key;
	request->target = OPERATION_OBJECT;
	if (key.len > TREE_KEY_MAX)
		return error_set(&request->report, S3_KEY_TOO_LONG, NULL);
	return access_check_action(request, POLICY_ACTION_GET_OBJECT);
}

static struct slice
index_of(struct request *request, const struct visit *visit, struct slice dir)
{
	return arena_concat(request->arena, dir, visit->website.index);
}

static bool
is_dir(struct slice key)
{
	return key.len == 0 || slice_has_suffix(key, SLICE("/"));
}

static enum s3_error
show(struct request *request, const struct visit *visit)
{
	struct object object;
	struct slice location;
	enum s3_error error = turn_to(request,
		is_dir(visit->asked) ? index_of(request, visit, visit->asked)
				     : visit->asked);

	if (!error)
		error = decided_head(request, &object);
	if (error)
		return access_hide_missing(request, error);
	if (!inode_attr_find(object.inode.attrs, INODE_ATTR_REDIRECT,
		    SLICE_NULL, &location))
		return access_hide_missing(request,
			request->operation->run(request));
	send_to(request, 301, location);
	return S3_OK;
}

/* Whether there is a directory of that name with a page in it.  Whether there
 * is something else of that name, which the stranger may not see, makes no
 * difference. */
static bool
is_dir_with_index(struct request *request, const struct visit *visit)
{
	struct slice dir =
		arena_concat(request->arena, visit->asked, SLICE("/"));
	struct object object;

	return !is_dir(visit->asked) &&
	       !turn_to(request, index_of(request, visit, dir)) &&
	       !object_head(request->store, request->bucket.ino, request->key,
		       request->arena, &object);
}

/* A key that begins with a slash must not become the name of a host. */
static void
send_to_dir(struct request *request, struct slice asked)
{
	scoped(buffer_free) struct buffer location = {0};

	buffer_append_char(&location, '/');
	if (slice_has_prefix(asked, SLICE("/"))) {
		buffer_append_str(&location, "%2F");
		asked = slice_from(asked, 1);
	}
	text_percent_encode(&location, asked, true);
	buffer_append_char(&location, '/');
	send_to(request, 302, buffer_slice(&location));
}

static bool
is_not_to_be_had(enum s3_error error)
{
	return error == S3_NO_SUCH_KEY || error == S3_ACCESS_DENIED;
}

/* S3 API: of errors of the client.  A page that is there is not one for a
 * range, or a condition, that does not hold of it. */
static bool
has_error_page(const struct visit *visit, unsigned int status)
{
	return visit->website.error.len > 0 && status >= 400 && status < 500 &&
	       status != 412 && status != 416;
}

/* The bucket's page for it, or ours.  What is logged is what was asked for. */
static void
reply_failure(struct request *request, const struct visit *visit,
	unsigned int status)
{
	const struct error_report report = request->report;
	const struct decision decision = request->access.decision;
	struct slice key = request->key;
	struct error_report worse = {0};
	bool is_shown = false;

	if (has_error_page(visit, status)) {
		enum s3_error error = turn_to(request, visit->website.error);

		if (!error)
			error = op_get_error_page(request, status);
		error = access_hide_missing(request, error);
		is_shown = !error;
		worse = request->report;
	}
	request->report = report;
	request->access.decision = decision;
	request->key = key;
	if (!is_shown && http_reply_is_started(request->response))
		http_reply_close(request->response);
	else if (!is_shown)
		reply_page(request, visit, worse.error ? &worse : NULL);
}

static void
fail(struct request *request, const struct visit *visit)
{
	const struct error_report report = request->report;
	const struct decision decision = request->access.decision;
	struct slice key = request->key;
	unsigned int status = error_status(report.error);
	const struct website_rule *rule =
		website_find_rule(&visit->website, visit->asked, status);

	if (http_reply_is_started(request->response)) {
		http_reply_close(request->response);
		return;
	}
	if (is_not_to_be_had(report.error) &&
		is_dir_with_index(request, visit)) {
		request->report = (struct error_report){0};
		send_to_dir(request, visit->asked);
		return;
	}
	request->report = report;
	request->access.decision = decision;
	request->key = key;
	if (rule)
		redirect(request, visit, &rule->redirect, rule);
	else
		reply_failure(request, visit, status);
}

/* --- a visit -------------------------------------------------------------- */

static enum s3_error
find_website(struct request *request, struct website *website)
{
	struct slice bytes;
	enum s3_error error = request_find_bucket(request);
	enum store_err err;

	if (!error)
		error = payer_check(request, &request->bucket);
	if (error)
		return error;
	err = bucket_get_document(request->store, request->bucket.ino,
		SLICE(WEBSITE_KIND), request->arena, &bytes);
	if (err == STORE_NOT_FOUND)
		return error_set(&request->report, S3_NO_SUCH_WEBSITE, NULL);
	if (!err && !website_decode(bytes, request->arena, website))
		err = STORE_CORRUPT;
	return err ? reply_store_error(request, err) : S3_OK;
}

static enum s3_error
begin(struct request *request, struct visit *visit)
{
	bool is_head = request->http->method == HTTP_METHOD_HEAD;

	access_begin(request);
	/* Neither versions nor headers of the reply are for strangers. */
	request->params = NULL;
	request->param_count = 0;
	if (!is_head && request->http->method != HTTP_METHOD_GET)
		return error_set(&request->report, S3_METHOD_NOT_ALLOWED, NULL);
	request->operation = is_head ? &head_page : &get_page;
	return find_website(request, &visit->website);
}

void
site_handle(struct request *request, enum s3_error error)
{
	struct visit visit = {.asked = request->key};
	const struct website_rule *rule;

	if (!error)
		error = begin(request, &visit);
	if (error) {
		reply_page(request, &visit, NULL);
		return;
	}
	rule = website_find_rule(&visit.website, visit.asked, 0);
	if (visit.website.goes_elsewhere)
		redirect(request, &visit, &visit.website.elsewhere, NULL);
	else if (rule)
		redirect(request, &visit, &rule->redirect, rule);
	else if (show(request, &visit))
		fail(request, &visit);
}
