/* SPDX-License-Identifier: Apache-2.0 */
#include "s3api/error.h"

#include <assert.h>

static const struct {
	const char *code;
	unsigned int status;
	const char *message;
} errors[] = {[S3_OK] = {"OK", 200, ""},
#define X(name, code, status, message) [S3_##name] = {code, status, message},
	S3_ERRORS(X)
#undef X
};

const char *
error_code(enum s3_error error)
{
	assert(error < array_len(errors));
	return errors[error].code;
}

unsigned int
error_status(enum s3_error error)
{
	assert(error < array_len(errors));
	return errors[error].status;
}

const char *
error_message(enum s3_error error)
{
	assert(error < array_len(errors));
	return errors[error].message;
}

enum s3_error
error_set(struct error_report *report, enum s3_error error, const char *message)
{
	*report = (struct error_report){
		.error = error,
		.message = slice_str(message),
	};
	return error;
}

void
error_add(struct error_report *report, const char *name, struct slice value)
{
	if (report->field_count < ERROR_FIELDS_MAX)
		report->fields[report->field_count++] =
			(struct error_field){name, value};
}
