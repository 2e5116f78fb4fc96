/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "s3api/op/pump.h"
#include "store/file.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

static enum store_err
cut_and_make_longer(void *context, struct slice piece)
{
	cr_assert(zero(int, file_data_truncate(context, 1)));
	cr_assert(zero(int, file_data_truncate(context, piece.len)));
	return STORE_OK;
}

/* The ETag's digest may be the checksum, too. */
Test(pump, gives_md5_and_a_checksum_of_any_kind)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct object object;
	uint64_t offset;
	uint8_t md5[16];
	int fd;

	cr_assert(zero(int, objects_put_if(temp.store, bucket, "f",
				    objects_large(), NULL)));
	cr_assert(zero(int, object_open(temp.store, bucket, SLICE("f"), &arena,
				    &object, &fd, &offset)));
	digest_of(DIGEST_MD5, objects_large(), md5);
	const struct pump_source source = {
		.object = &object,
		.fd = fd,
		.offset = offset,
		.len = object.inode.size,
	};

	for (enum digest_kind kind = DIGEST_MD5; kind <= DIGEST_KIND_LAST;
		kind++) {
		uint8_t wanted[DIGEST_LEN_MAX];
		struct pump_digests digests;

		digest_of(kind, objects_large(), wanted);
		cr_assert(zero(int, pump_object(&source, true, kind, NULL, NULL,
					    &digests)));
		cr_expect(zero(memcmp(digests.md5, md5, sizeof(md5))));
		cr_expect(eq(int, digests.checksum.kind, kind));
		cr_expect(eq(sz, digests.checksum.len, digest_len(kind)));
		cr_expect(zero(memcmp(digests.checksum.value, wanted,
			digest_len(kind))));
	}
	(void)close(fd);
}

/* UploadPartCopy, and a copy that is to be sealed. */
Test(pump, gives_no_bytes_for_those_of_an_object_that_was_cut_meanwhile)
{
	scoped(temp_store_close) struct temp_store temp = temp_store_open();
	scoped(arena_free) struct arena arena = {0};
	uint64_t bucket = objects_bucket(temp.store, "bucket");
	struct pump_digests digests;
	struct object object;
	struct file *file = NULL;
	uint64_t offset;
	int fd;

	cr_assert(zero(int, objects_put_if(temp.store, bucket, "f",
				    objects_large(), NULL)));
	cr_assert(zero(int, object_open(temp.store, bucket, SLICE("f"), &arena,
				    &object, &fd, &offset)));
	cr_assert(zero(int,
		file_open(temp.store, object.inode.ino, O_RDWR, &file)));
	const struct pump_source source = {
		.object = &object,
		.fd = fd,
		.offset = offset,
		.len = object.inode.size,
	};

	cr_expect(zero(int,
		pump_object(&source, true, 0, NULL, NULL, &digests)));
	cr_expect(eq(int,
		pump_object(&source, true, 0, cut_and_make_longer, file,
			&digests),
		STORE_BUSY));
	cr_assert(zero(int, file_close(&file, O_RDWR)));
	(void)close(fd);
}
