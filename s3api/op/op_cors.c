/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S3 API: PutBucketCors, GetBucketCors, DeleteBucketCors, and the preflight
 * (OPTIONS) that browsers send of their own and sign with nothing.
 */
#include "s3api/cors.h"
#include "s3api/op/document.h"
#include "s3api/op/op.h"
#include "s3api/reply.h"
#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/text.h"

#define BODY_MAX (64 * 1024)
#define ID_MAX 255

/* --- the document --------------------------------------------------------- */

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

static enum s3_error
invalid(struct request *request, const char *format, struct slice text)
{
	return error_set(&request->report, S3_INVALID_REQUEST,
		arena_str(request->arena,
			arena_printf(request->arena, format,
				arena_str(request->arena, text))));
}

static bool
is_method(struct slice text)
{
	static const char *const methods[] = {
		"GET", "PUT", "POST", "DELETE", "HEAD"};

	for (size_t i = 0; i < array_len(methods); i++) {
		if (slice_equal(text, slice_str(methods[i])))
			return true;
	}
	return false;
}

static bool
has_two_stars(struct slice text)
{
	ptrdiff_t star = slice_find_char(text, '*');

	return star >= 0 &&
	       slice_find_char(slice_from(text, (size_t)star + 1), '*') >= 0;
}

/* Everything in it ends up in the header of a reply. */
static bool
is_printable(struct slice text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] <= ' ' || text.data[i] == 0x7f)
			return false;
	}
	return text.len > 0;
}

static enum s3_error
check_item(struct request *request, const char *element, struct slice text)
{
	bool is_exposed = !strcmp(element, "ExposeHeader");

	if ((is_exposed || !strcmp(element, "AllowedHeader")) && text.len > 0 &&
		!text_is_token(text))
		return invalid(request,
			is_exposed ? "ExposeHeader \"%.64s\" contains invalid "
				     "character."
				   : "AllowedHeader \"%.64s\" contains invalid "
				     "character.",
			text);
	if (!is_printable(text))
		return malformed(request);
	if (!strcmp(element, "AllowedMethod"))
		return is_method(text)
			       ? S3_OK
			       : invalid(request,
					 "Found unsupported HTTP method in "
					 "CORS config. Unsupported method is "
					 "%.64s",
					 text);
	if (is_exposed)
		return slice_find_char(text, '*') < 0
			       ? S3_OK
			       : invalid(request,
					 "ExposeHeader \"%.64s\" contains "
					 "wildcard. We currently do not "
					 "support wildcard for ExposeHeader.",
					 text);
	if (has_two_stars(text))
		return invalid(request,
			"AllowedOrigin and AllowedHeader can not have more "
			"than one wildcard: \"%.64s\"",
			text);
	return S3_OK;
}

static enum s3_error
parse_list(struct request *request, const struct xml_node *rule,
	const char *element, struct cors_list *out)
{
	const struct xml_node *node = xml_reader_child(rule, element);
	size_t count = 0;

	for (; node; node = xml_reader_next(node, element))
		count++;
	out->items = arena_new_array(request->arena, count, struct slice);
	out->count = count;
	node = xml_reader_child(rule, element);
	for (size_t i = 0; i < count; i++) {
		struct slice text =
			slice_trim(xml_reader_text(node, request->arena));
		enum s3_error error = check_item(request, element, text);

		if (error)
			return error;
		out->items[i] = text;
		node = xml_reader_next(node, element);
	}
	return S3_OK;
}

static enum s3_error
parse_rule(struct request *request, const struct xml_node *node,
	struct cors_rule *rule)
{
	struct slice age =
		xml_reader_child_text(node, "MaxAgeSeconds", request->arena);
	unsigned long seconds = 0;
	enum s3_error error;

	rule->id = xml_reader_child_text(node, "ID", request->arena);
	rule->has_max_age = age.data != NULL;
	if (rule->id.len > ID_MAX || (age.data && !slice_to_u64(slice_trim(age),
							  INT32_MAX, &seconds)))
		return malformed(request);
	rule->max_age_s = (uint32_t)seconds;
	error = parse_list(request, node, "AllowedOrigin", &rule->origins);
	if (!error)
		error = parse_list(request, node, "AllowedMethod",
			&rule->methods);
	if (!error)
		error = parse_list(request, node, "AllowedHeader",
			&rule->headers);
	if (!error)
		error = parse_list(request, node, "ExposeHeader",
			&rule->exposed);
	if (!error && (rule->origins.count == 0 || rule->methods.count == 0))
		error = malformed(request);
	return error;
}

static enum s3_error
parse_rules(struct request *request, struct slice text,
	struct cors_rules *rules)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	rules->rules = arena_new_array(request->arena, CORS_RULES_MAX,
		struct cors_rule);
	rules->count = 0;
	if (!xml_reader_open(text, "CORSConfiguration", &reader))
		return malformed(request);

	const struct xml_node *node =
		xml_reader_child(xml_reader_root(reader), NULL);

	for (; node; node = xml_reader_next(node, NULL)) {
		enum s3_error error;

		if (rules->count == CORS_RULES_MAX ||
			strcmp(xml_reader_name(node), "CORSRule") != 0)
			return malformed(request);
		error = parse_rule(request, node,
			&rules->rules[rules->count++]);
		if (error)
			return error;
	}
	return rules->count > 0 ? S3_OK : malformed(request);
}

enum s3_error
op_cors_put(struct request *request)
{
	scoped(buffer_free) struct buffer encoded = {0};
	struct slice text = SLICE_NULL;
	struct cors_rules rules;
	enum s3_error error = document_read(request, BODY_MAX, &text);

	if (!error)
		error = parse_rules(request, text, &rules);
	if (error)
		return error;
	cors_encode(&encoded, &rules);
	return document_put(request, CORS_KIND, buffer_slice(&encoded), 200);
}

static void
write_list(struct buffer *to, const char *element, const struct cors_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		xml_writer_text(to, element, list->items[i]);
}

static void
write_rule(struct buffer *to, const struct cors_rule *rule)
{
	xml_writer_open(to, "CORSRule");
	if (rule->id.len > 0)
		xml_writer_text(to, "ID", rule->id);
	write_list(to, "AllowedHeader", &rule->headers);
	write_list(to, "AllowedMethod", &rule->methods);
	write_list(to, "AllowedOrigin", &rule->origins);
	write_list(to, "ExposeHeader", &rule->exposed);
	if (rule->has_max_age)
		xml_writer_u64(to, "MaxAgeSeconds", rule->max_age_s);
	xml_writer_close(to, "CORSRule");
}

enum s3_error
op_cors_get(struct request *request)
{
	scoped(buffer_free) struct buffer body = {0};
	struct slice bytes = SLICE_NULL;
	struct cors_rules rules;
	enum s3_error error =
		document_get(request, CORS_KIND, S3_NO_SUCH_CORS, &bytes);

	if (error)
		return error;
	if (!cors_decode(bytes, request->arena, &rules))
		return reply_store_error(request, STORE_CORRUPT);
	xml_writer_begin(&body, "CORSConfiguration");
	for (size_t i = 0; i < rules.count; i++)
		write_rule(&body, &rules.rules[i]);
	xml_writer_close(&body, "CORSConfiguration");
	reply_xml(request, &body);
	return S3_OK;
}

enum s3_error
op_cors_delete(struct request *request)
{
	return document_delete(request, CORS_KIND);
}

/* --- the preflight -------------------------------------------------------- */

static enum s3_error
check_question(struct request *request, const struct cors_question *question)
{
	if (!question->origin.data)
		return error_set(&request->report, S3_BAD_REQUEST,
			"Insufficient information. Origin request header "
			"needed.");
	if (!is_method(question->method))
		return error_set(&request->report, S3_BAD_REQUEST,
			"Invalid Access-Control-Request-Method.");
	return S3_OK;
}

static enum s3_error
refuse_preflight(struct request *request, bool has_rules)
{
	return error_set(&request->report, S3_ACCESS_FORBIDDEN,
		has_rules ? "CORSResponse: This CORS request is not allowed. "
			    "This is usually because the evalution of Origin, "
			    "request method / Access-Control-Request-Method or "
			    "Access-Control-Request-Headers are not "
			    "whitelisted by the resource's CORS spec."
			  : "CORSResponse: CORS is not enabled for this "
			    "bucket.");
}

enum s3_error
op_cors_preflight(struct request *request)
{
	const struct cors_question question = {
		.origin = request_header(request, "origin"),
		.method = request_header(request,
			"access-control-request-method"),
		.headers = request_header(request,
			"access-control-request-headers"),
	};
	struct cors_rules rules;
	const struct cors_rule *rule;
	bool any_origin;
	enum s3_error error = check_question(request, &question);

	if (!error)
		error = request_find_bucket(request);
	if (error)
		return error;
	rules = cors_read(request);
	rule = cors_find(&rules, &question, &any_origin);
	if (!rule)
		return refuse_preflight(request, rules.count > 0);
	reply_status(request, 200);
	cors_reply_rule(request, rule, question.origin, any_origin);
	if (question.headers.len > 0)
		http_reply_header(request->response,
			"access-control-allow-headers", question.headers);
	reply_empty(request, 200);
	return S3_OK;
}
