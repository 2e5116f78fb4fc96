/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "store/base/error.h"

static const enum store_err every_error[] = {
#define X(name, number, sentence) STORE_##name,
	STORE_ERRORS(X)
#undef X
};

Test(error, success_is_no_errno)
{
	cr_expect(eq(int, error_errno(STORE_OK), 0));
	cr_expect(eq(int, error_from_errno(0), STORE_OK));
	cr_expect(eq(str, (char *)error_name(STORE_OK), "OK"));
}

Test(error, every_code_has_an_errno_a_name_and_a_sentence)
{
	for (size_t i = 0; i < array_len(every_error); i++) {
		cr_expect(gt(int, error_errno(every_error[i]), 0));
		cr_expect(gt(sz, strlen(error_name(every_error[i])), 0));
		cr_expect(gt(sz, strlen(error_sentence(every_error[i])), 0));
	}
}

Test(error, no_sentence_ends_with_a_full_stop)
{
	for (size_t i = 0; i < array_len(every_error); i++) {
		const char *sentence = error_sentence(every_error[i]);

		cr_expect(ne(chr, sentence[strlen(sentence) - 1], '.'));
	}
}

Test(error, a_code_keeps_its_own_errno_and_name)
{
	cr_expect(eq(int, error_errno(STORE_NOT_FOUND), ENOENT));
	cr_expect(eq(int, error_errno(STORE_CLOSED), EPIPE));
	cr_expect(eq(str, (char *)error_name(STORE_NOT_FOUND), "NOT_FOUND"));
	cr_expect(eq(str, (char *)error_name(STORE_CLOSED), "CLOSED"));
	cr_expect(eq(str, (char *)error_sentence(STORE_NOT_DIR),
		"not a directory"));
}

Test(error, an_errno_comes_back_as_the_code_that_gives_it)
{
	static const int numbers[] = {ENOENT, EEXIST, ENOTDIR, EISDIR,
		ENOTEMPTY, ENAMETOOLONG, EINVAL, EFBIG, EXDEV, EMLINK, ENODATA,
		E2BIG, ENOSPC, ENOMEM, EIO, EROFS, EBUSY, ESTALE, EPERM, EACCES,
		EOPNOTSUPP, ECANCELED, ETIMEDOUT, EPIPE};

	for (size_t i = 0; i < array_len(numbers); i++)
		cr_expect(eq(int, error_errno(error_from_errno(numbers[i])),
			numbers[i]));
}

Test(error, where_codes_share_an_errno_the_general_one_is_chosen)
{
	cr_expect(eq(int, error_from_errno(ENOENT), STORE_NOT_FOUND));
	cr_expect(eq(int, error_from_errno(EINVAL), STORE_INVALID));
	cr_expect(eq(int, error_from_errno(EEXIST), STORE_EXISTS));
	cr_expect(eq(int, error_from_errno(EIO), STORE_IO));
}

Test(error, a_full_quota_is_no_space)
{
	cr_expect(eq(int, error_from_errno(EDQUOT), STORE_NO_SPACE));
}

Test(error, no_descriptor_left_is_like_no_memory_left)
{
	cr_expect(eq(int, error_from_errno(EMFILE), STORE_NO_MEMORY));
	cr_expect(eq(int, error_from_errno(ENFILE), STORE_NO_MEMORY));
}

Test(error, an_unknown_errno_is_an_input_output_error)
{
	cr_expect(eq(int, error_from_errno(99999), STORE_IO));
	cr_expect(eq(int, error_from_errno(-ENOENT), STORE_IO));
}

Test(error, out_of_memory_ends_the_process, .signal = SIGABRT)
{
	error_out_of_memory();
}
