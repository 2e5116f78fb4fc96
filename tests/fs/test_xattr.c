/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes, and what S3 says of an object among them. */
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fs/needs_mount.h"

static struct temp_mount
open_with_file(void)
{
	struct temp_mount temp = temp_mount_open();

	temp_mount_write(&temp, "f", "text");
	return temp;
}

static int
set(struct temp_mount *temp, const char *name, const char *value)
{
	return setxattr(temp_mount_at(temp, "f"), name, value, strlen(value), 0)
		       ? errno
		       : 0;
}

/* The value, or the name of the errno. */
static const char *
get(struct temp_mount *temp, const char *name)
{
	static char value[4096];
	ssize_t len = getxattr(temp_mount_at(temp, "f"), name, value,
		sizeof(value) - 1);

	if (len < 0)
		return strerrorname_np(errno);
	value[len] = '\0';
	return value;
}

static struct object
head(struct temp_mount *temp)
{
	struct object object = {0};

	cr_assert(not(object_head(temp->store.store, temp->bucket, SLICE("f"),
		&temp->arena, &object)));
	return object;
}

Test(xattr, a_value_may_have_64_kib)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	char *value = malloc(XATTR_SIZE_MAX);
	char *got = malloc(XATTR_SIZE_MAX);

	for (size_t i = 0; i < XATTR_SIZE_MAX; i++)
		value[i] = (char)(i * 7);
	cr_assert(not(setxattr(temp_mount_at(&temp, "f"), "user.big", value,
		XATTR_SIZE_MAX, 0)));
	cr_assert(eq(i64,
		getxattr(temp_mount_at(&temp, "f"), "user.big", got,
			XATTR_SIZE_MAX),
		XATTR_SIZE_MAX));

	cr_expect(not(memcmp(value, got, XATTR_SIZE_MAX)));
	cr_expect(eq(i64,
		getxattr(temp_mount_at(&temp, "f"), "user.big", got, 100), -1));
	cr_expect(eq(int, errno, ERANGE));
	free(value);
	free(got);
}

Test(xattr, the_etag_is_the_one_that_s3_gives)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	char etag[INODE_ETAG_TEXT_LEN + 1];

	struct object object = head(&temp);
	inode_etag_text(&object.inode.etag, etag);

	cr_expect(eq(str, (char *)get(&temp, "user.s3.etag"), etag));
	temp_mount_put(&temp, "f", "other");
	object = head(&temp);
	inode_etag_text(&object.inode.etag, etag);
	cr_expect(eq(str, (char *)get(&temp, "user.s3.etag"), etag));
	cr_expect(eq(int, set(&temp, "user.s3.etag", "x"), EOPNOTSUPP));
}

static void
put_with_checksum(struct temp_mount *temp, enum digest_kind kind)
{
	struct object_attrs attrs = {
		.checksum_kind = (uint8_t)kind,
		.checksum_len = (uint8_t)digest_len(kind),
	};
	struct object_put *put = NULL;
	struct object object;

	digest_of(kind, SLICE("hello"), attrs.checksum);
	cr_assert(zero(int, object_put_begin(temp->store.store, 5, &put)));
	cr_assert(zero(int, object_put_write(put, SLICE("hello"))));
	cr_assert(zero(int, object_put_commit(&put, temp->bucket, SLICE("f"),
				    &attrs, NULL, &object)));
}

Test(xattr, the_checksum_is_told_by_its_kind)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	static const struct {
		enum digest_kind kind;
		const char *name;
		const char *of_hello;
	} rows[] = {
		{DIGEST_CRC32, "crc32", "NhCmhg=="},
		{DIGEST_CRC32C, "crc32c", "mnG7TA=="},
		{DIGEST_CRC64NVME, "crc64nvme", "M3eFcAZSQlc="},
		{DIGEST_SHA1, "sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="},
		{DIGEST_SHA256, "sha256",
			"LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
		{DIGEST_SHA512, "sha512",
			"m3HSJL1i83hdltRq0+o9czGb+8KJDKra4t/3JRlnPKcjI8PZm6XBHX"
			"x6zG4UuMXaDEZjR1wuXDre9G9zvN7AQw=="},
		{DIGEST_MD5, "md5", "XUFAKrxLKna5cZ2REBfFkg=="},
		{DIGEST_XXHASH64, "xxhash64", "JseCfYifbaM="},
		{DIGEST_XXHASH3, "xxhash3", "lVXoVVxi3P0="},
		{DIGEST_XXHASH128, "xxhash128", "tenBrQcbPn/Hec+qXlI4GA=="},
	};

	for (size_t i = 0; i < array_len(rows); i++) {
		put_with_checksum(&temp, rows[i].kind);
		for (size_t n = 0; n < array_len(rows); n++) {
			char name[64];

			(void)snprintf(name, sizeof(name),
				"user.s3.checksum-%s", rows[n].name);
			cr_expect(eq(str, (char *)get(&temp, name),
				(char *)(n == i ? rows[n].of_hello
						: "ENODATA")));
		}
	}
	cr_expect(eq(int, set(&temp, "user.s3.checksum-md5", "x"), EOPNOTSUPP));
}

Test(xattr, a_file_that_s3_does_not_see_yet_has_no_etag)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = temp_mount_open();

	int fd = open(temp_mount_at(&temp, "f"), O_CREAT | O_WRONLY, 0644);
	cr_expect(eq(str, (char *)get(&temp, "user.s3.etag"), "ENODATA"));
	cr_assert(not(close(fd)));
}

Test(xattr, headers_and_metadata_are_set_through_the_mount)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	struct slice type, color;

	cr_expect(eq(str, (char *)get(&temp, "user.s3.content-type"),
		"ENODATA"));
	cr_assert(not(set(&temp, "user.s3.content-type", "image/png")));
	cr_assert(not(set(&temp, "user.s3.meta.color", "blue")));
	struct object object = head(&temp);
	cr_assert(inode_attr_find(object.inode.attrs, INODE_ATTR_HEADER,
		SLICE("content-type"), &type));
	cr_assert(inode_attr_find(object.inode.attrs, INODE_ATTR_META,
		SLICE("color"), &color));

	cr_expect(slice_equal(type, SLICE("image/png")));
	cr_expect(slice_equal(color, SLICE("blue")));
	cr_expect(eq(str, (char *)get(&temp, "user.s3.meta.color"), "blue"));
	cr_assert(not(removexattr(temp_mount_at(&temp, "f"),
		"user.s3.meta.color")));
	object = head(&temp);
	cr_expect(not(inode_attr_find(object.inode.attrs, INODE_ATTR_META,
		SLICE("color"), &color)));
}

Test(xattr, what_can_be_set_is_listed)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	const char expected[] =
		"user.s3.content-type\0user.s3.meta.color\0user.own";
	char names[256] = "";

	cr_assert(not(set(&temp, "user.own", "x")));
	cr_assert(not(set(&temp, "user.s3.meta.color", "blue")));
	cr_assert(not(set(&temp, "user.s3.content-type", "a/b")));
	ssize_t len =
		listxattr(temp_mount_at(&temp, "f"), names, sizeof(names));

	cr_assert(eq(i64, len, sizeof(expected)));
	cr_expect(not(memcmp(names, expected, sizeof(expected))));
}

Test(xattr, what_a_header_cannot_hold_is_refused)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();

	cr_expect(eq(int, set(&temp, "user.s3.content-type", "a\r\nX: y"),
		EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.content-type", ""), EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.meta.a", " blank"), EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.meta.a", "\xff"), EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.meta.Upper", "x"), EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.meta.a b", "x"), EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.meta.", "x"), EINVAL));
	cr_expect(eq(int, set(&temp, "user.s3.nonsense", "x"), EOPNOTSUPP));
}

Test(xattr, metadata_have_two_kib_together)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	char value[2048] = "";

	memset(value, 'x', 1500);
	cr_assert(not(set(&temp, "user.s3.meta.a", value)));
	cr_expect(eq(int, set(&temp, "user.s3.meta.b", value), E2BIG));
	value[500] = '\0';
	cr_expect(not(set(&temp, "user.s3.meta.b", value)));
	value[500] = 'x';
	cr_expect(not(set(&temp, "user.not-metadata", value)));
}

Test(xattr, user_attributes_are_kept_and_others_refused)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	char names[32] = "";

	cr_expect(zero(int, set(&temp, "user.color", "blue")));
	cr_expect(eq(str, (char *)get(&temp, "user.color"), "blue"));
	const char *path = temp_mount_at(&temp, "f");
	cr_expect(eq(i64, listxattr(path, names, 32), 11));
	cr_expect(eq(str, names, "user.color"));
	cr_expect(eq(int, setxattr(path, "user.color", "x", 1, XATTR_CREATE),
		-1));
	cr_expect(eq(int, errno, EEXIST));
	cr_assert(not(removexattr(path, "user.color")));
	cr_expect(eq(str, (char *)get(&temp, "user.color"), "ENODATA"));
	cr_expect(eq(int, set(&temp, "security.x", "x"), EOPNOTSUPP));
}

/* How long the names of attributes are that a process of the user is told. */
static int
names_told(uid_t uid, int fd)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		_exit(setuid(uid) ? 255 : (int)flistxattr(fd, NULL, 0));
	return waitpid(child, &status, 0) == child && WIFEXITED(status)
		       ? WEXITSTATUS(status)
		       : -1;
}

Test(xattr, trusted_attributes_are_for_root)
{
	NEEDS_MOUNT();
	scoped(temp_mount_close) struct temp_mount temp = open_with_file();
	int fd = open(temp_mount_at(&temp, "f"), O_RDONLY);

	cr_assert(ge(int, fd, 0));
	cr_assert(zero(int, set(&temp, "user.a", "x")));
	cr_assert(zero(int, set(&temp, "trusted.overlay.opaque", "y")));

	cr_expect(eq(str, (char *)get(&temp, "trusted.overlay.opaque"), "y"));
	cr_expect(eq(int, names_told(0, fd),
		(int)sizeof("trusted.overlay.opaque") + 7));
	cr_expect(eq(int, names_told(65534, fd), 7));
	cr_assert(not(removexattr(temp_mount_at(&temp, "f"),
		"trusted.overlay.opaque")));
	cr_assert(not(close(fd)));
}
