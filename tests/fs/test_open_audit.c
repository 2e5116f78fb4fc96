/* SPDX-License-Identifier: Apache-2.0 */
/* Which opens the audit log tells of, and by which names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "store/tree.h"
#include "tests/fs/needs_mount.h"

static struct temp_mount
open_audited(void)
{
	struct temp_mount temp = temp_mount_open();

	temp_mount_stop(&temp);
	temp.is_audited = true;
	temp_mount_start(&temp);
	return temp;
}

static bool
has(struct slice line, const char *text)
{
	return memmem(line.data, line.len, text, strlen(text)) != NULL;
}

/* The next line of the text, without its end; SLICE_NULL: there is none. */
static struct slice
next_line(struct slice *text)
{
	ptrdiff_t end = slice_find_char(*text, '\n');

	if (end < 0)
		return SLICE_NULL;
	struct slice line = slice_first(*text, (size_t)end);
	*text = slice_from(*text, (size_t)end + 1);
	return line;
}

static void
touch(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	cr_assert(ge(int, fd, 0), "%s: %d", path, errno);
	cr_assert(not(close(fd)));
}

Test(open_audit, an_open_tells_who_and_what)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_audited();
	char pid[64];

	temp_mount_put(&temp, "dir/a \"b\"", "text");
	touch(temp_mount_at(&temp, "dir/a \"b\""), O_RDONLY);

	struct slice text = temp_mount_lines(&temp);
	struct slice line = next_line(&text);
	cr_expect(has(line, "{\"time\":\"20"));
	cr_expect(has(line, "\"requestId\":\""));
	cr_expect(has(line, "\"source\":\"mount\",\"operation\":\"Open\""));
	cr_expect(has(line, "\"action\":\"s3:GetObject\",\"access\":\"read\","
			    "\"decision\":\"allow\""));
	(void)snprintf(pid, sizeof(pid),
		"\"principal\":\"uid/0\",\"uid\":0,\"gid\":0,\"pid\":%d,",
		(int)gettid());
	cr_expect(has(line, pid));
	cr_expect(has(line, "\"bucketName\":\"bbb\","
			    "\"key\":\"dir/a \\\"b\\\"\","
			    "\"inode\":"));
	cr_expect(has(line, "\"status\":0}"));
	cr_expect(zero(sz, text.len));
}

Test(open_audit, what_is_opened_to_be_written_is_put)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_audited();
	static const struct {
		int flags;
		const char *says;
	} rows[] = {
		{O_RDWR | O_CREAT | O_EXCL,
			"\"Create\",\"action\":\"s3:PutObject\","
			"\"access\":\"readwrite\""},
		{O_WRONLY, "\"Open\",\"action\":\"s3:PutObject\","
			   "\"access\":\"write\""},
		{O_RDWR, "\"Open\",\"action\":\"s3:PutObject\","
			 "\"access\":\"readwrite\""},
		{O_RDONLY | O_TRUNC, "\"Open\",\"action\":\"s3:PutObject\","
				     "\"access\":\"write\""},
		{O_RDONLY, "\"Open\",\"action\":\"s3:GetObject\","
			   "\"access\":\"read\""},
	};

	for (size_t i = 0; i < array_len(rows); i++)
		touch(temp_mount_at(&temp, "f"), rows[i].flags);

	struct slice text = temp_mount_lines(&temp);
	for (size_t i = 0; i < array_len(rows); i++) {
		struct slice line = next_line(&text);

		cr_expect(has(line, rows[i].says), "%zu", i);
		cr_expect(has(line, "\"bucketName\":\"bbb\",\"key\":\"f\""),
			"%zu", i);
	}
	cr_expect(zero(sz, text.len));
}

Test(open_audit, a_file_is_told_by_the_name_it_was_opened_by)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_audited();

	temp_mount_write(&temp, "f", "text");
	cr_assert(not(link(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "other"))));
	touch(temp_mount_at(&temp, "f"), O_RDONLY);
	touch(temp_mount_at(&temp, "other"), O_RDONLY);
	cr_assert(not(rename(temp_mount_at(&temp, "f"),
		temp_mount_at(&temp, "renamed"))));
	touch(temp_mount_at(&temp, "renamed"), O_RDONLY);

	struct slice text = temp_mount_lines(&temp);
	cr_expect(has(next_line(&text), "\"key\":\"f\""));
	cr_expect(has(next_line(&text), "\"key\":\"f\""));
	cr_expect(has(next_line(&text), "\"key\":\"other\""));
	cr_expect(has(next_line(&text), "\"key\":\"renamed\""));
}

/* Invariant 2. */
Test(open_audit, a_name_that_is_another_files_by_now_is_not_told)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_audited();
	char again[64];

	temp_mount_write(&temp, "f", "text");
	int fd = open(temp_mount_at(&temp, "f"), O_RDONLY);
	cr_assert(ge(int, fd, 0));
	temp_mount_write(&temp, "new", "other text");
	cr_assert(not(rename(temp_mount_at(&temp, "new"),
		temp_mount_at(&temp, "f"))));
	(void)snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	touch(again, O_RDONLY);
	cr_assert(not(close(fd)));

	struct slice text = temp_mount_lines(&temp);
	(void)next_line(&text);
	(void)next_line(&text);
	(void)next_line(&text);
	struct slice line = next_line(&text);
	cr_expect(has(line, "\"bucketName\":\"bbb\",\"inode\":"));
	cr_expect(not(has(line, "\"key\":")));
}

Test(open_audit, all_of_many_files_have_their_names)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_audited();
	char key[64];

	for (int i = 0; i < 500; i++)
		touch(temp_mount_at(&temp, "f%d", i), O_WRONLY | O_CREAT);
	for (int i = 0; i < 500; i++)
		touch(temp_mount_at(&temp, "f%d", i), O_RDONLY);

	struct slice text = temp_mount_lines(&temp);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(key, sizeof(key), "\"key\":\"f%d\"", i % 500);
		cr_expect(has(next_line(&text), key), "%d", i);
	}
	cr_expect(zero(sz, text.len));
}

Test(open_audit, what_is_refused_is_told_too)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_audited();
	char path[128];

	/* No file stands beside the buckets. */
	(void)snprintf(path, sizeof(path), "%s/file", temp.dir);
	cr_expect(eq(int, open(path, O_WRONLY | O_CREAT, 0600), -1));
	cr_expect(eq(int,
		open(temp_mount_at(&temp, ".tarn~f~x"), O_WRONLY | O_CREAT,
			0600),
		-1));

	struct slice text = temp_mount_lines(&temp);
	struct slice line = next_line(&text);
	cr_expect(has(line, "\"decision\":\"deny\""));
	cr_expect(has(line, "\"key\":\"file\",\"status\":1,"
			    "\"error\":\"EPERM\"}"));
	line = next_line(&text);
	cr_expect(has(line, "\"decision\":\"allow\""));
	cr_expect(has(line, "\"error\":\"EINVAL\"}"));
}
