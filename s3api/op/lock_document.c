/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/op/lock_document.h"

#include "s3api/xml/xml_reader.h"
#include "s3api/xml/xml_writer.h"
#include "store/base/clock.h"
#include "store/base/text.h"
#include "store/lock.h"

#define NUMBER_LEN_MAX 20

static enum s3_error
refuse(struct request *request)
{
	return error_set(&request->report, S3_MALFORMED_XML, NULL);
}

/* Each of them at most once, and no other. */
static bool
has_only(const struct xml_node *node, const char *const *names, size_t count)
{
	const struct xml_node *child = xml_reader_child(node, NULL);

	if (xml_reader_has_own_text(node))
		return false;
	for (; child; child = xml_reader_next(child, NULL)) {
		const char *name = xml_reader_name(child);
		size_t i = 0;

		while (i < count && strcmp(names[i], name) != 0)
			i++;
		if (i == count || xml_reader_next(child, name))
			return false;
	}
	return true;
}

/* --- of a bucket ---------------------------------------------------------- */

static bool
is_integer(struct slice text)
{
	bool is_signed = slice_has_prefix(text, SLICE("-"));
	struct slice digits = slice_from(text, is_signed);

	return digits.len > 0 && digits.len <= NUMBER_LEN_MAX &&
	       text_is_digits(digits);
}

static enum s3_error
parse_period(struct request *request, struct slice text, uint32_t max,
	uint32_t *out)
{
	unsigned long number = 0;

	text = slice_trim(text);
	if (!is_integer(text))
		return refuse(request);
	if (slice_to_u64(text, max, &number) && number > 0) {
		*out = (uint32_t)number;
		return S3_OK;
	}
	return error_set(&request->report, S3_INVALID_RETENTION_PERIOD,
		"Default retention period must be a positive integer value, "
		"up to 36500 days or 100 years.");
}

static enum s3_error
parse_default(struct request *request, const struct xml_node *node,
	struct inode_lock_rule *out)
{
	static const char *const names[] = {"Mode", "Days", "Years"};
	struct arena *arena = request->arena;
	struct slice days = xml_reader_child_text(node, "Days", arena);
	struct slice years = xml_reader_child_text(node, "Years", arena);
	enum inode_lock_mode mode;

	if (!has_only(node, names, array_len(names)) ||
		(days.data != NULL) == (years.data != NULL) ||
		!lock_mode_find(slice_trim(xml_reader_child_text(node, "Mode",
					arena)),
			&mode))
		return refuse(request);
	out->mode = (uint8_t)mode;
	return days.data ? parse_period(request, days, INODE_LOCK_DAYS_MAX,
				   &out->days)
			 : parse_period(request, years, INODE_LOCK_YEARS_MAX,
				   &out->years);
}

static enum s3_error
parse_configuration(struct request *request, const struct xml_node *root,
	struct inode_lock_rule *out)
{
	static const char *const names[] = {"ObjectLockEnabled", "Rule"};
	static const char *const of_rule[] = {"DefaultRetention"};
	const struct xml_node *rule = xml_reader_child(root, "Rule");
	struct slice enabled = xml_reader_child_text(root, "ObjectLockEnabled",
		request->arena);

	if (!has_only(root, names, array_len(names)) ||
		!slice_equal(slice_trim(enabled), SLICE("Enabled")))
		return refuse(request);
	out->is_enabled = true;
	if (!rule)
		return S3_OK;
	const struct xml_node *retention =
		xml_reader_child(rule, "DefaultRetention");

	if (!retention || !has_only(rule, of_rule, array_len(of_rule)))
		return refuse(request);
	return parse_default(request, retention, out);
}

enum s3_error
lock_document_parse_rule(struct request *request, struct slice text,
	struct inode_lock_rule *out)
{
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	*out = (struct inode_lock_rule){0};
	if (!xml_reader_open(text, "ObjectLockConfiguration", &reader))
		return refuse(request);
	return parse_configuration(request, xml_reader_root(reader), out);
}

void
lock_document_write_rule(struct buffer *to, const struct inode_lock_rule *rule)
{
	xml_writer_begin(to, "ObjectLockConfiguration");
	xml_writer_str(to, "ObjectLockEnabled", "Enabled");
	if (rule->mode) {
		xml_writer_open(to, "Rule");
		xml_writer_open(to, "DefaultRetention");
		xml_writer_str(to, "Mode", lock_mode_name(rule->mode));
		if (rule->days)
			xml_writer_u64(to, "Days", rule->days);
		else
			xml_writer_u64(to, "Years", rule->years);
		xml_writer_close(to, "DefaultRetention");
		xml_writer_close(to, "Rule");
	}
	xml_writer_close(to, "ObjectLockConfiguration");
}

/* --- of a version --------------------------------------------------------- */

enum s3_error
lock_document_check_date(struct request *request, int64_t until_ns)
{
	/* It would be told as another date than was asked for. */
	if (until_ns == INT64_MAX)
		return error_set(&request->report, S3_INVALID_ARGUMENT,
			"The retain until date must be before 2262-04-11.");
	if (until_ns > clock_now_ns())
		return S3_OK;
	return error_set(&request->report, S3_INVALID_ARGUMENT,
		"The retain until date must be in the future!");
}

enum s3_error
lock_document_parse_retention(struct request *request, struct slice text,
	struct inode_lock *out)
{
	static const char *const names[] = {"Mode", "RetainUntilDate"};
	scoped(xml_reader_close) struct xml_reader *reader = NULL;
	enum inode_lock_mode mode;

	*out = (struct inode_lock){0};
	if (!xml_reader_open(text, "Retention", &reader))
		return refuse(request);

	const struct xml_node *root = xml_reader_root(reader);
	struct slice date =
		xml_reader_child_text(root, "RetainUntilDate", request->arena);
	struct slice name = xml_reader_child_text(root, "Mode", request->arena);

	if (!has_only(root, names, array_len(names)))
		return refuse(request);
	if (!date.data && !name.data)
		return S3_OK;
	if (!lock_mode_find(slice_trim(name), &mode) ||
		!clock_from_iso8601(slice_trim(date), &out->until_ns))
		return refuse(request);
	out->mode = (uint8_t)mode;
	return lock_document_check_date(request, out->until_ns);
}

void
lock_document_write_retention(struct buffer *to, const struct inode_lock *lock)
{
	xml_writer_begin(to, "Retention");
	xml_writer_str(to, "Mode", lock_mode_name(lock->mode));
	xml_writer_time(to, "RetainUntilDate", lock->until_ns);
	xml_writer_close(to, "Retention");
}

enum s3_error
lock_document_parse_hold(struct request *request, struct slice text,
	struct inode_lock *out)
{
	static const char *const names[] = {"Status"};
	scoped(xml_reader_close) struct xml_reader *reader = NULL;

	*out = (struct inode_lock){0};
	if (!xml_reader_open(text, "LegalHold", &reader))
		return refuse(request);

	const struct xml_node *root = xml_reader_root(reader);
	struct slice status = slice_trim(xml_reader_child_text(root, "Status",
		request->arena));

	if (slice_equal(status, SLICE("ON")))
		out->hold = INODE_HOLD_ON;
	else if (slice_equal(status, SLICE("OFF")))
		out->hold = INODE_HOLD_OFF;
	return out->hold && has_only(root, names, array_len(names))
		       ? S3_OK
		       : refuse(request);
}

void
lock_document_write_hold(struct buffer *to, const struct inode_lock *lock)
{
	xml_writer_begin(to, "LegalHold");
	xml_writer_str(to, "Status",
		lock->hold == INODE_HOLD_ON ? "ON" : "OFF");
	xml_writer_close(to, "LegalHold");
}
