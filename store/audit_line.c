/* SPDX-License-Identifier: Apache-2.0 */
#include "store/audit_line.h"

#include "store/base/clock.h"
#include "store/base/random.h"
#include "store/base/text.h"

void
audit_line_begin(struct buffer *line, const char *source)
{
	char now[25];

	clock_to_iso8601(clock_now_ns(), now);
	buffer_printf(line, "{\"time\":\"%s\",\"requestId\":\"%016llx\"", now,
		(unsigned long long)random_u64());
	audit_line_text(line, "source", slice_str(source));
}

void
audit_line_text(struct buffer *line, const char *name, struct slice text)
{
	scoped(buffer_free) struct buffer encoded = {0};

	if (text.len == 0)
		return;
	buffer_printf(line, ",\"%s\":\"", name);
	text_json_escape(line, text_printable(text, &encoded));
	buffer_append_char(line, '"');
}

void
audit_line_number(struct buffer *line, const char *name, uint64_t number)
{
	buffer_printf(line, ",\"%s\":%llu", name, (unsigned long long)number);
}

void
audit_line_end(struct buffer *line, struct audit *audit)
{
	buffer_append_char(line, '}');
	audit_append(audit, buffer_slice(line));
}
