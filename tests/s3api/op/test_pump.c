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
