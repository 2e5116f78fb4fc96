/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/website_document.h"

#include "s3api/xml/xml_shape.h"
#include "s3api/xml/xml_writer.h"
#include "store/tree.h"

#define HOST_MAX 255
#define TEXT_MAX 2048

static const char *const schemes[] = {
	[WEBSITE_HTTP] = "http",
	[WEBSITE_HTTPS] = "https",
};

static const struct xml_shape shapes[] = {
	{"WebsiteConfiguration",
		"ErrorDocument IndexDocument RedirectAllRequestsTo "
		"RoutingRules",
		""},
	{"ErrorDocument", "Key", ""},
	{"IndexDocument", "Suffix", ""},
	{"RedirectAllRequestsTo", "HostName Protocol", ""},
	{"RoutingRules", "RoutingRule", "RoutingRule"},
	{"RoutingRule", "Condition Redirect", ""},
	{"Condition", "HttpErrorCodeReturnedEquals KeyPrefixEquals", ""},
	{"Redirect",
		"HostName HttpRedirectCode Protocol ReplaceKeyPrefixWith "
		"ReplaceKeyWith",
		""},
};

static enum s3_error
malformed(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

static enum s3_error
invalid(struct request *request, const char *message)
{
	return error_set(&request->report, S3_INVALID_REQUEST, message);
}

/* --- redirects ------------------------------------------------------------ */

/* It ends up in a header, where nobody may add another host's path. */
static bool
is_host(struct slice text)
{
	if (text.len == 0 || text.len > HOST_MAX)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (c <= ' ' || c >= 0x7f || strchr("/\\?#@", c))
			return false;
	}
	return true;
}

static enum s3_error
read_host(struct request *request, const struct xml_node *node,
	struct website_redirect *redirect)
{
	if (!xml_reader_child(node, "HostName"))
		return S3_OK;
	redirect->host = slice_trim(xml_reader_child_text(node, "HostName",
		request->arena));
	return is_host(redirect->host)
		       ? S3_OK
		       : invalid(request, "The provided host name is not "
					  "valid.");
}

static enum s3_error
read_scheme(struct request *request, const struct xml_node *node,
	struct website_redirect *redirect)
{
	struct slice text = slice_trim(xml_reader_child_text(node, "Protocol",
		request->arena));

	if (!xml_reader_child(node, "Protocol"))
		return S3_OK;
	for (size_t i = WEBSITE_HTTP; i < array_len(schemes); i++) {
		if (!slice_equal(text, slice_str(schemes[i])))
			continue;
		redirect->scheme = (enum website_scheme)i;
		return S3_OK;
	}
	return invalid(request, "Invalid protocol, protocol can be http or "
				"https. If not defined the protocol will be "
				"selected automatically.");
}

/* A status from..to; 0 where there is no such child. */
static bool
read_status(struct request *request, const struct xml_node *node,
	const char *element, unsigned int from, unsigned int to,
	uint16_t *status)
{
	struct slice text = slice_trim(xml_reader_child_text(node, element,
		request->arena));
	unsigned long number = 0;

	if (!xml_reader_child(node, element))
		return true;
	if (!slice_to_u64(text, to, &number) || number < from)
		return false;
	*status = (uint16_t)number;
	return true;
}

static enum s3_error
read_replacement(struct request *request, const struct xml_node *node,
	struct website_redirect *redirect)
{
	static const char *const elements[] = {
		[WEBSITE_REPLACES_PREFIX] = "ReplaceKeyPrefixWith",
		[WEBSITE_REPLACES_KEY] = "ReplaceKeyWith",
	};

	for (size_t i = WEBSITE_REPLACES_PREFIX; i < array_len(elements); i++) {
		if (!xml_reader_child(node, elements[i]))
			continue;
		if (redirect->replaced != WEBSITE_KEEPS_KEY)
			return invalid(request,
				"You can only define ReplaceKeyPrefix or "
				"ReplaceKey but not both.");
		redirect->replaced = (enum website_replaced)i;
		redirect->replacement = xml_reader_child_text(node, elements[i],
			request->arena);
	}
	return redirect->replacement.len <= TEXT_MAX ? S3_OK
						     : malformed(request);
}

static enum s3_error
read_redirect(struct request *request, const struct xml_node *node,
	struct website_redirect *redirect)
{
	enum s3_error error;

	if (!node || xml_shape_count(node) == 0)
		return malformed(request);
	error = read_host(request, node, redirect);
	if (!error)
		error = read_scheme(request, node, redirect);
	if (!error && !read_status(request, node, "HttpRedirectCode", 301, 399,
			      &redirect->status))
		error = invalid(request, "The provided HTTP redirect code is "
					 "not valid. Valid codes are 3XX "
					 "except 300.");
	if (!error)
		error = read_replacement(request, node, redirect);
	return error;
}

/* --- rules ---------------------------------------------------------------- */

static enum s3_error
read_condition(struct request *request, const struct xml_node *node,
	struct website_rule *rule)
{
	if (!node)
		return S3_OK;
	rule->has_condition = true;
	if (xml_shape_count(node) == 0)
		return invalid(request, "Condition cannot be empty. To "
					"redirect all requests without a "
					"condition, the condition element "
					"shouldn't be present.");
	rule->has_prefix = xml_reader_child(node, "KeyPrefixEquals") != NULL;
	rule->prefix =
		xml_reader_child_text(node, "KeyPrefixEquals", request->arena);
	if (rule->prefix.len > TREE_KEY_MAX)
		return malformed(request);
	return read_status(request, node, "HttpErrorCodeReturnedEquals", 400,
		       599, &rule->error)
		       ? S3_OK
		       : invalid(request, "The provided HTTP error code is not "
					  "valid. Valid codes are 4XX or 5XX.");
}

static enum s3_error
read_rules(struct request *request, const struct xml_node *node,
	struct website *website)
{
	size_t count = node ? xml_shape_count(node) : 0;
	enum s3_error error = S3_OK;

	if (!node)
		return S3_OK;
	if (count == 0)
		return malformed(request);
	if (count > WEBSITE_RULES_MAX)
		return invalid(request,
			arena_str(request->arena,
				arena_printf(request->arena,
					"%zu routing rules provided, the "
					"number of routing rules in a website "
					"configuration is limited to %d.",
					count, WEBSITE_RULES_MAX)));
	website->rules =
		arena_new_array(request->arena, count, struct website_rule);
	node = xml_reader_child(node, NULL);
	for (; node && !error; node = xml_reader_next(node, NULL)) {
		struct website_rule *rule = &website->rules[website->count++];

		error = read_condition(request,
			xml_reader_child(node, "Condition"), rule);
		if (!error)
			error = read_redirect(request,
				xml_reader_child(node, "Redirect"),
				&rule->redirect);
	}
	return error;
}

/* --- the document --------------------------------------------------------- */

static enum s3_error
read_elsewhere(struct request *request, const struct xml_node *root,
	struct website *website)
{
	const struct xml_node *node =
		xml_reader_child(root, "RedirectAllRequestsTo");

	website->goes_elsewhere = true;
	if (xml_shape_count(root) > 1)
		return request_refuse_argument(request,
			"RedirectAllRequestsTo cannot be provided in "
			"conjunction with other Routing Rules.",
			"RedirectAllRequestsTo", SLICE("not null"));
	if (!xml_reader_child(node, "HostName"))
		return malformed(request);
	return read_redirect(request, node, &website->elsewhere);
}

static enum s3_error
read_index(struct request *request, const struct xml_node *root,
	struct website *website)
{
	const struct xml_node *node = xml_reader_child(root, "IndexDocument");

	if (!node)
		return request_refuse_argument(request,
			"A value for IndexDocument Suffix must be provided if "
			"RedirectAllRequestsTo is empty",
			"IndexDocument", SLICE("null"));
	website->index = xml_reader_child_text(node, "Suffix", request->arena);
	if (website->index.len == 0 || website->index.len > TREE_KEY_MAX ||
		slice_find_char(website->index, '/') >= 0)
		return request_refuse_argument(request,
			"The IndexDocument Suffix is not well formed",
			"IndexDocument", website->index);
	return S3_OK;
}

static enum s3_error
read_error(struct request *request, const struct xml_node *root,
	struct website *website)
{
	const struct xml_node *node = xml_reader_child(root, "ErrorDocument");

	if (!node)
		return S3_OK;
	website->error = xml_reader_child_text(node, "Key", request->arena);
	return website->error.len > 0 && website->error.len <= TREE_KEY_MAX
		       ? S3_OK
		       : malformed(request);
}

enum s3_error
website_document_read(struct request *request, struct slice text,
	struct website *website)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	const struct xml_node *root;
	enum s3_error error;

	*website = (struct website){0};
	if (!xml_reader_open(text, "WebsiteConfiguration", &reader))
		return malformed(request);
	root = xml_reader_root(reader);
	if (!xml_shape_holds(root, shapes, array_len(shapes)))
		return malformed(request);
	if (xml_reader_child(root, "RedirectAllRequestsTo"))
		return read_elsewhere(request, root, website);
	error = read_index(request, root, website);
	if (!error)
		error = read_error(request, root, website);
	if (!error)
		error = read_rules(request,
			xml_reader_child(root, "RoutingRules"), website);
	return error;
}

/* --- and back ------------------------------------------------------------- */

static void
write_redirect(struct buffer *to, const char *element,
	const struct website_redirect *redirect)
{
	xml_writer_open(to, element);
	if (redirect->host.len > 0)
		xml_writer_text(to, "HostName", redirect->host);
	if (redirect->status)
		xml_writer_u64(to, "HttpRedirectCode", redirect->status);
	if (redirect->scheme != WEBSITE_AS_ASKED)
		xml_writer_str(to, "Protocol", schemes[redirect->scheme]);
	if (redirect->replaced == WEBSITE_REPLACES_PREFIX)
		xml_writer_text(to, "ReplaceKeyPrefixWith",
			redirect->replacement);
	if (redirect->replaced == WEBSITE_REPLACES_KEY)
		xml_writer_text(to, "ReplaceKeyWith", redirect->replacement);
	xml_writer_close(to, element);
}

static void
write_rule(struct buffer *to, const struct website_rule *rule)
{
	xml_writer_open(to, "RoutingRule");
	if (rule->has_condition) {
		xml_writer_open(to, "Condition");
		if (rule->error)
			xml_writer_u64(to, "HttpErrorCodeReturnedEquals",
				rule->error);
		if (rule->has_prefix)
			xml_writer_text(to, "KeyPrefixEquals", rule->prefix);
		xml_writer_close(to, "Condition");
	}
	write_redirect(to, "Redirect", &rule->redirect);
	xml_writer_close(to, "RoutingRule");
}

static void
write_child(struct buffer *to, const char *element, const char *child,
	struct slice text)
{
	xml_writer_open(to, element);
	xml_writer_text(to, child, text);
	xml_writer_close(to, element);
}

void
website_document_write(struct buffer *to, const struct website *website)
{
	xml_writer_begin(to, "WebsiteConfiguration");
	if (website->goes_elsewhere)
		write_redirect(to, "RedirectAllRequestsTo",
			&website->elsewhere);
	else
		write_child(to, "IndexDocument", "Suffix", website->index);
	if (website->error.len > 0)
		write_child(to, "ErrorDocument", "Key", website->error);
	if (website->count > 0)
		xml_writer_open(to, "RoutingRules");
	for (size_t i = 0; i < website->count; i++)
		write_rule(to, &website->rules[i]);
	if (website->count > 0)
		xml_writer_close(to, "RoutingRules");
	xml_writer_close(to, "WebsiteConfiguration");
}
