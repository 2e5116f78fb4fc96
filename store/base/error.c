/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct error_entry {
	int number;
	const char *name;
	const char *sentence;
};

static const struct error_entry error_table[] = {
	[STORE_OK] = {0, "OK", "success"},
#define X(name, number, sentence) [STORE_##name] = {number, #name, sentence},
	STORE_ERRORS(X)
#undef X
};

static const struct error_entry *
error_entry(enum store_err err)
{
	assert((size_t)err < array_len(error_table));
	return &error_table[err];
}

int
error_errno(enum store_err err)
{
	return error_entry(err)->number;
}

const char *
error_sentence(enum store_err err)
{
	return error_entry(err)->sentence;
}

const char *
error_name(enum store_err err)
{
	return error_entry(err)->name;
}

/* Several codes share an errno: this names the one the kernel means. */
enum store_err
error_from_errno(int number)
{
	static const struct {
		int number;
		enum store_err err;
	} nearest[] = {
		{0, STORE_OK},
		{ENOENT, STORE_NOT_FOUND},
		{EEXIST, STORE_EXISTS},
		{ENOTDIR, STORE_NOT_DIR},
		{EISDIR, STORE_IS_DIR},
		{ENOTEMPTY, STORE_NOT_EMPTY},
		{ENAMETOOLONG, STORE_NAME_TOO_LONG},
		{EINVAL, STORE_INVALID},
		{ELOOP, STORE_INVALID},
		{EFBIG, STORE_TOO_BIG},
		{EOVERFLOW, STORE_TOO_BIG},
		{EXDEV, STORE_CROSS_BUCKET},
		{EMLINK, STORE_TOO_MANY_LINKS},
		{ENODATA, STORE_NO_ATTR},
		{E2BIG, STORE_ATTR_TOO_BIG},
		{ENOSPC, STORE_NO_SPACE},
		{EDQUOT, STORE_NO_SPACE},
		{ENOMEM, STORE_NO_MEMORY},
		{EMFILE, STORE_NO_MEMORY},
		{ENFILE, STORE_NO_MEMORY},
		{EROFS, STORE_READ_ONLY},
		{EBUSY, STORE_BUSY},
		{EAGAIN, STORE_BUSY},
		{ETXTBSY, STORE_BUSY},
		{ESTALE, STORE_STALE},
		{EPERM, STORE_NOT_PERMITTED},
		{EACCES, STORE_ACCESS},
		{EOPNOTSUPP, STORE_UNSUPPORTED},
		{ENOSYS, STORE_UNSUPPORTED},
		{ENOTTY, STORE_UNSUPPORTED},
		{ECANCELED, STORE_CANCELED},
		{ETIMEDOUT, STORE_TIMED_OUT},
		{EPIPE, STORE_CLOSED},
		{ECONNRESET, STORE_CLOSED},
	};

	for (size_t i = 0; i < array_len(nearest); i++)
		if (nearest[i].number == number)
			return nearest[i].err;
	return STORE_IO;
}

void
error_out_of_memory(void)
{
	static const char text[] = "tarn: out of memory\n";

	/* Nothing can be done about a failing write here. */
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		abort();
	abort();
}
