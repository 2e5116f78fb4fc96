/* SPDX-License-Identifier: Apache-2.0 */
/* Whole objects, sealed; then what somebody may do to their files. */
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <ftw.h>

#include "store/base/random.h"
#include "store/sealed.h"
#include "store/upload.h"
#include "tests/base/on_loop.h"
#include "tests/store/objects.h"
#include "tests/support/temp_store.h"

#define FRAME ((size_t)SEAL_FRAME)
#define STORED ((off_t)SEAL_STORED_FRAME)
#define MIB ((size_t)1 << 20)

static const uint8_t key[SEAL_KEY_LEN] = "customer's key: not to be found";
static const uint8_t other_key[SEAL_KEY_LEN] = "another";

struct fixture {
	struct temp_store temp;
	struct store *store;
	uint64_t bucket;
	struct arena arena;
};

static struct fixture
fixture_open(void)
{
	struct fixture it = {.temp = temp_store_open()};

	it.store = it.temp.store;
	it.bucket = objects_bucket(it.store, "bucket");
	return it;
}

static void
fixture_close(struct fixture *it)
{
	arena_free(&it->arena);
	temp_store_close(&it->temp);
}

/* Text that says where in it one is. */
static struct slice
body_of(struct fixture *it, size_t len)
{
	char *bytes = arena_alloc(&it->arena, len + 32);

	for (size_t at = 0; at < len; at += 16)
		(void)snprintf(bytes + at, 17, "plaintext%07x",
			(unsigned)(at / 16) & 0xfffffff);
	return slice_of(bytes, len);
}

/* In pieces of that size. */
static struct object
put_sealed(struct fixture *it, const char *name, struct slice body,
	size_t piece)
{
	struct object_attrs attrs = objects_attrs(body);
	struct object_put *put = NULL;
	struct object made;

	attrs.checksum_kind = DIGEST_CRC32C;
	attrs.checksum_len = 4;
	digest_of(DIGEST_CRC32C, body, attrs.checksum);
	cr_assert(eq(int, object_put_begin(it->store, body.len, &put),
		STORE_OK));
	object_put_seal(put, key);
	for (size_t at = 0; at < body.len; at += piece)
		cr_assert(eq(int,
			object_put_write(put,
				slice_first(slice_from(body, at), piece)),
			STORE_OK));
	cr_assert(eq(u64, object_put_size(put), body.len));
	cr_assert(eq(int,
		object_put_commit(&put, it->bucket, slice_str(name), &attrs,
			NULL, &made),
		STORE_OK));
	return made;
}

/* A range of an object with a key. */
static enum store_err
read_range(struct fixture *it, const char *name, const uint8_t *with,
	uint64_t from, char *to, size_t len)
{
	scoped(sealed_close) struct sealed *sealed = NULL;
	struct object object;
	struct slice attr;
	struct seal seal;
	uint64_t offset;
	int fd;
	enum store_err err = object_open(it->store, it->bucket, slice_str(name),
		&it->arena, &object, &fd, &offset);

	if (err)
		return err;
	if (!seal_find(object.inode.attrs, &attr))
		return STORE_NO_ATTR;
	err = seal_open(&seal, attr, with);
	if (!err)
		err = sealed_open(&object.inode, &seal, fd, offset, &sealed);
	if (!err)
		err = sealed_read(sealed, from, to, len);
	if (fd >= 0)
		close(fd);
	return err;
}

static bool
holds(struct fixture *it, const char *name, struct slice body)
{
	char *bytes = arena_alloc(&it->arena, body.len + 1);
	struct object object;

	return !object_head(it->store, it->bucket, slice_str(name), &it->arena,
		       &object) &&
	       object.inode.size == body.len &&
	       !read_range(it, name, key, 0, bytes, body.len) &&
	       (!body.len || !memcmp(bytes, body.data, body.len));
}

static int
open_file(struct fixture *it, const char *name)
{
	struct object object;
	char path[160];

	cr_assert(eq(int,
		object_head(it->store, it->bucket, slice_str(name), &it->arena,
			&object),
		STORE_OK));
	(void)snprintf(path, sizeof(path), "%s/data/%llx/%llx", it->temp.path,
		(unsigned long long)object.inode.blob / 4096,
		(unsigned long long)object.inode.blob);
	int fd = open(path, O_RDWR);
	cr_assert(ge(int, fd, 0), "%s", path);
	return fd;
}

static void
swap(int a, off_t a_at, int b, off_t b_at, size_t len)
{
	char *bytes = malloc(2 * len);

	cr_assert(eq(int, io_pread_all(a, bytes, len, (uint64_t)a_at), 0));
	cr_assert(eq(int, io_pread_all(b, bytes + len, len, (uint64_t)b_at),
		0));
	cr_assert(eq(int, io_pwrite_all(a, bytes + len, len, (uint64_t)a_at),
		0));
	cr_assert(eq(int, io_pwrite_all(b, bytes, len, (uint64_t)b_at), 0));
	free(bytes);
}

/* --- whole objects -------------------------------------------------------- */

static void
come_back(void *arg)
{
	static const size_t sizes[] = {0, 1, 1000, FRAME - 1, FRAME, FRAME + 1,
		4 * FRAME, 4 * FRAME + 1, 8 * FRAME, 9 * FRAME - 3, MIB + 17};
	static const size_t pieces[] = {FRAME * 4, 1000003, 4099};
	struct fixture *it = arg;

	for (size_t i = 0; i < array_len(sizes); i++) {
		for (size_t j = 0; j < array_len(pieces); j++) {
			struct slice body = body_of(it, sizes[i]);

			put_sealed(it, "a", body, pieces[j]);
			cr_expect(holds(it, "a", body), "%zu by %zu", sizes[i],
				pieces[j]);
		}
	}
}

Test(sealed, objects_come_back_whatever_their_size)
{
	scoped(fixture_close) struct fixture it = fixture_open();

	come_back(&it);

	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(sealed, objects_come_back_on_a_fiber_too)
{
	scoped(fixture_close) struct fixture it = fixture_open();

	on_loop(come_back, &it);
}

Test(sealed, ranges_are_those_of_the_bytes)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	size_t size = 6 * FRAME + 100;
	struct slice body = body_of(&it, size);
	static const struct {
		uint64_t from;
		size_t len;
	} cases[] = {
		{0, 1},
		{FRAME - 1, 2},
		{FRAME, FRAME},
		{FRAME + 1, FRAME},
		{3 * FRAME - 5, 2 * FRAME + 10},
		{6 * FRAME, 100},
		{6 * FRAME + 99, 1},
		{17, 6 * FRAME + 60},
	};
	char *got = arena_alloc(&it.arena, size);

	put_sealed(&it, "a", body, size);

	for (size_t i = 0; i < array_len(cases); i++) {
		cr_expect(eq(int,
			read_range(&it, "a", key, cases[i].from, got,
				cases[i].len),
			STORE_OK));
		cr_expect(memcmp(got, body.data + cases[i].from,
				  cases[i].len) == 0);
	}
}

Test(sealed, another_key_opens_nothing)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	char got[16];

	put_sealed(&it, "a", body_of(&it, 16), 16);

	cr_expect(eq(int, read_range(&it, "a", other_key, 0, got, 16),
		STORE_WRONG_KEY));
}

Test(sealed, etag_and_checksum_tell_nothing_of_the_bytes)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 100);
	struct object_attrs clear = objects_attrs(body);
	uint8_t crc[4];

	digest_of(DIGEST_CRC32C, body, crc);
	struct object a = put_sealed(&it, "a", body, 100);
	struct object b = put_sealed(&it, "b", body, 100);

	cr_expect(eq(u32, a.inode.etag.parts, 0));
	cr_expect(memcmp(a.inode.etag.value, clear.etag.value, 16) != 0);
	cr_expect(memcmp(a.inode.etag.value, b.inode.etag.value, 16) != 0);
	cr_expect(memcmp(a.inode.checksum, crc, 4) != 0);
	cr_expect(memcmp(a.inode.checksum, b.inode.checksum, 4) != 0);
}

static const char *wanted_text;
static size_t wanted_len;
static unsigned int files_with_it;

static int
look_into(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)ftw;
	if (type != FTW_F || st->st_size == 0)
		return 0;
	char *bytes = malloc((size_t)st->st_size);
	int fd = open(path, O_RDONLY);
	cr_assert(eq(int, io_pread_all(fd, bytes, (size_t)st->st_size, 0),
		STORE_OK));
	close(fd);
	files_with_it += memmem(bytes, (size_t)st->st_size, wanted_text,
				 wanted_len) != NULL;
	free(bytes);
	return 0;
}

/* In how many of the store's files these bytes are. */
static unsigned int
find_in_store(struct fixture *it, const void *text, size_t len)
{
	wanted_text = text;
	wanted_len = len;
	files_with_it = 0;
	(void)nftw(it->temp.path, look_into, 16, FTW_PHYS);
	return files_with_it;
}

Test(sealed, neither_key_nor_plaintext_reaches_the_disk)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);

	put_sealed(&it, "small", slice_first(body, 1000), 1000);
	put_sealed(&it, "large", body, FRAME);
	cr_assert(eq(int, store_sync(it.store), STORE_OK));

	cr_expect(eq(uint, find_in_store(&it, "plaintext", 9), 0));
	cr_expect(eq(uint, find_in_store(&it, key, 16), 0));
	cr_expect(eq(uint, find_in_store(&it, key + 16, 16), 0));
	cr_expect(gt(uint, find_in_store(&it, "small", 5), 0),
		"what looks does see");
}

/* --- what somebody may do to the file ------------------------------------- */

Test(sealed, no_changed_byte_of_the_file_goes_unnoticed)
{
	static const off_t places[] = {0, 7, 8, 31, 32, 35, 36, 100,
		32 + STORED - 1, 32 + STORED, 32 + 3 * STORED - 1};
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);
	char *got = arena_alloc(&it.arena, body.len);

	put_sealed(&it, "a", body, body.len);
	int fd = open_file(&it, "a");

	for (size_t i = 0; i < array_len(places); i++) {
		char byte;

		cr_assert(eq(int,
			io_pread_all(fd, &byte, 1, (uint64_t)places[i]), 0));
		byte ^= 0x10;
		cr_assert(eq(int,
			io_pwrite_all(fd, &byte, 1, (uint64_t)places[i]), 0));
		cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
				  STORE_CORRUPT),
			"byte %lld", (long long)places[i]);
		byte ^= 0x10;
		cr_assert(eq(int,
			io_pwrite_all(fd, &byte, 1, (uint64_t)places[i]), 0));
	}
	cr_expect(holds(&it, "a", body));
	close(fd);
}

Test(sealed, a_frame_that_is_not_asked_for_is_not_read)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);
	char got[16];

	put_sealed(&it, "a", body, body.len);
	int fd = open_file(&it, "a");
	cr_assert(eq(int, io_pwrite_all(fd, "x", 1, 32 + (uint64_t)STORED + 9),
		0));
	close(fd);

	cr_expect(eq(int, read_range(&it, "a", key, 2 * FRAME, got, 16),
		STORE_OK));
	cr_expect(eq(int, read_range(&it, "a", key, 2 * FRAME - 1, got, 16),
		STORE_CORRUPT));
}

Test(sealed, a_file_cut_off_anywhere_is_refused)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);
	off_t cuts[] = {32 + 3 * STORED - 1, 32 + 2 * STORED, 32, 0};
	char *got = arena_alloc(&it.arena, body.len);

	put_sealed(&it, "a", body, body.len);
	int fd = open_file(&it, "a");

	for (size_t i = 0; i < array_len(cuts); i++) {
		cr_assert(eq(int, ftruncate(fd, cuts[i]), 0));
		cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
			STORE_CORRUPT));
	}
	close(fd);
	cr_expect(eq(u64, objects_findings(it.store), 1));
}

Test(sealed, frames_cannot_be_moved_doubled_or_taken_from_elsewhere)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);
	char *got = arena_alloc(&it.arena, body.len);
	char *frame = arena_alloc(&it.arena, (size_t)STORED);

	put_sealed(&it, "a", body, body.len);
	put_sealed(&it, "b", body, body.len);
	int a = open_file(&it, "a");
	int b = open_file(&it, "b");

	swap(a, 32, a, 32 + STORED, (size_t)STORED);
	cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
			  STORE_CORRUPT),
		"moved");
	swap(a, 32, a, 32 + STORED, (size_t)STORED);

	swap(a, 32, b, 32, (size_t)STORED);
	cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
			  STORE_CORRUPT),
		"from another object");
	swap(a, 32, b, 32, (size_t)STORED);

	swap(a, 0, b, 0, (size_t)(32 + 3 * STORED));
	cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
			  STORE_CORRUPT),
		"another object's file");
	swap(a, 0, b, 0, (size_t)(32 + 3 * STORED));
	cr_assert(holds(&it, "a", body));

	cr_assert(eq(int, io_pread_all(a, frame, (size_t)STORED, 32), 0));
	cr_assert(eq(int,
		io_pwrite_all(a, frame, (size_t)STORED, 32 + (uint64_t)STORED),
		0));
	cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
			  STORE_CORRUPT),
		"doubled");
	close(a);
	close(b);
}

Test(sealed, attributes_of_another_object_do_not_open_this_one)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);
	char *got = arena_alloc(&it.arena, body.len);
	struct object b;

	put_sealed(&it, "a", body, body.len);
	put_sealed(&it, "b", body, body.len);
	cr_assert(eq(int,
		object_head(it.store, it.bucket, SLICE("b"), &it.arena, &b),
		STORE_OK));
	cr_assert(eq(int,
		object_set_attrs(it.store, it.bucket, SLICE("a"), b.inode.attrs,
			1u << INODE_ATTR_SSE_C),
		STORE_OK));

	cr_expect(eq(int, read_range(&it, "a", key, 0, got, body.len),
		STORE_CORRUPT));
}

/* --- copies --------------------------------------------------------------- */

static enum store_err
check_nothing(const struct object *source, void *context)
{
	(void)source;
	(void)context;
	return STORE_OK;
}

Test(sealed, a_copy_shares_the_bytes_and_opens_with_the_same_key)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * FRAME);
	struct object copy;

	put_sealed(&it, "a", body, body.len);
	cr_assert(eq(int,
		object_copy(it.store, it.bucket, SLICE("a"), check_nothing,
			NULL, it.bucket, SLICE("b"), NULL, NULL, &copy),
		STORE_OK));

	cr_expect(holds(&it, "b", body));
	cr_expect(eq(u64, objects_files_left(it.store), 1));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

/* --- uploads -------------------------------------------------------------- */

struct sealed_upload {
	char id[UPLOAD_ID_LEN + 1];
	struct seal seal;
	struct upload_part_info parts[8];
};

static void
begin_upload(struct fixture *it, struct sealed_upload *upload)
{
	struct slice value = slice_of(upload->seal.attr, SEAL_ATTR_LEN);
	scoped(buffer_free) struct buffer attrs = {0};

	*upload = (struct sealed_upload){.parts = {{0}}};
	seal_create(&upload->seal, key);
	inode_attr_set(&attrs, SLICE_NULL, INODE_ATTR_SSE_C, SLICE_NULL,
		&value);
	const struct upload_info info = {
		.initiator = SLICE("AKID"),
		.attrs = buffer_slice(&attrs),
		.checksum_kind = DIGEST_CRC32C,
	};
	cr_assert(eq(int,
		upload_begin(it->store, it->bucket, SLICE("up"), &info,
			upload->id),
		STORE_OK));
}

static void
send_part(struct fixture *it, struct sealed_upload *upload, unsigned number,
	struct slice body)
{
	struct upload_part_info *info = &upload->parts[number];
	struct upload_part *part = NULL;

	*info = (struct upload_part_info){.number = number,
		.checksum_kind = DIGEST_CRC32C,
		.checksum_len = 4};
	digest_of(DIGEST_CRC32C, body, info->checksum);
	digest_of(DIGEST_MD5, body, info->md5);
	cr_assert(eq(int,
		upload_part_begin(it->store, it->bucket, SLICE("up"),
			slice_str(upload->id), number, body.len, &part),
		STORE_OK));
	upload_part_seal(part, &upload->seal);
	for (size_t at = 0; at < body.len; at += 4 * FRAME)
		cr_assert(eq(int,
			upload_part_write(part,
				slice_first(slice_from(body, at), 4 * FRAME)),
			STORE_OK));
	cr_assert(eq(int, upload_part_commit(&part, info), STORE_OK));
}

static void
complete_upload(struct fixture *it, struct sealed_upload *upload,
	const unsigned *numbers, size_t count)
{
	struct slice value = slice_of(upload->seal.attr, SEAL_ATTR_LEN);
	scoped(buffer_free) struct buffer sealed = {0};
	struct upload_part_info wanted[8];
	struct object object;

	inode_attr_set(&sealed, SLICE_NULL, INODE_ATTR_SSE_C, SLICE_NULL,
		&value);
	const struct object_attrs attrs = {.attrs = buffer_slice(&sealed)};

	for (size_t i = 0; i < count; i++) {
		wanted[i] = upload->parts[numbers[i]];
		wanted[i].checksum_kind = 0;
		wanted[i].checksum_len = 0;
	}
	cr_assert(eq(int,
		upload_complete(it->store, it->bucket, SLICE("up"),
			slice_str(upload->id), wanted, count, &attrs, NULL,
			&object),
		STORE_OK));
}

#define PART (5 * MIB + 12345)

Test(sealed, parts_in_any_order_make_an_object_without_a_copy)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 2 * PART + 777);
	struct sealed_upload upload;

	begin_upload(&it, &upload);
	send_part(&it, &upload, 2, slice_first(slice_from(body, PART), PART));
	send_part(&it, &upload, 3, slice_from(body, 2 * PART));
	send_part(&it, &upload, 1, slice_first(body, PART));
	cr_assert(eq(u64, objects_files(it.store), 1));
	complete_upload(&it, &upload, (unsigned[]){1, 2, 3}, 3);

	cr_expect(holds(&it, "up", body));
	cr_expect(eq(u64, objects_files_left(it.store), 1));
	cr_expect(eq(u64, objects_findings(it.store), 0));
	cr_expect(eq(uint, find_in_store(&it, "plaintext", 9), 0));
}

Test(sealed, parts_that_do_not_lie_in_place_are_copied_sealed)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 3 * PART);
	struct sealed_upload upload;

	begin_upload(&it, &upload);
	send_part(&it, &upload, 2, slice_first(body, PART));
	send_part(&it, &upload, 5,
		slice_first(slice_from(body, PART), MIB * 6));
	send_part(&it, &upload, 7, slice_from(body, PART + MIB * 6));
	complete_upload(&it, &upload, (unsigned[]){2, 5, 7}, 3);

	cr_expect(holds(&it, "up", body));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(sealed, a_part_sent_again_replaces_the_first)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 2 * PART);
	struct sealed_upload upload;

	begin_upload(&it, &upload);
	send_part(&it, &upload, 1, slice_from(body, PART));
	send_part(&it, &upload, 1, slice_first(body, PART));
	send_part(&it, &upload, 2, slice_from(body, PART));
	complete_upload(&it, &upload, (unsigned[]){1, 2}, 2);

	cr_expect(holds(&it, "up", body));
	cr_expect(eq(u64, objects_findings(it.store), 0));
}

Test(sealed, a_range_goes_over_the_end_of_a_part)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 2 * PART);
	struct sealed_upload upload;
	char got[100];

	begin_upload(&it, &upload);
	send_part(&it, &upload, 1, slice_first(body, PART));
	send_part(&it, &upload, 2, slice_from(body, PART));
	complete_upload(&it, &upload, (unsigned[]){1, 2}, 2);

	cr_expect(eq(int, read_range(&it, "up", key, PART - 50, got, 100),
		STORE_OK));
	cr_expect(memcmp(got, body.data + PART - 50, 100) == 0);
}

Test(sealed, parts_cannot_change_places)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 2 * PART);
	struct sealed_upload upload;
	char got[16];

	begin_upload(&it, &upload);
	send_part(&it, &upload, 1, slice_first(body, PART));
	send_part(&it, &upload, 2, slice_from(body, PART));
	complete_upload(&it, &upload, (unsigned[]){1, 2}, 2);
	int fd = open_file(&it, "up");
	swap(fd, 0, fd, (off_t)seal_stored_len(PART),
		(size_t)seal_stored_len(PART));
	close(fd);

	cr_expect(eq(int, read_range(&it, "up", key, 0, got, 16),
		STORE_CORRUPT));
	cr_expect(eq(int, read_range(&it, "up", key, PART, got, 16),
		STORE_CORRUPT));
}

Test(sealed, a_parts_etag_and_checksum_tell_nothing_of_it)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct slice body = body_of(&it, 100);
	struct sealed_upload upload;
	struct upload_part_info *listed;
	uint8_t md5[16], crc[4];
	bool is_truncated;
	size_t count;

	digest_of(DIGEST_MD5, body, md5);
	digest_of(DIGEST_CRC32C, body, crc);
	begin_upload(&it, &upload);
	send_part(&it, &upload, 1, body);
	cr_assert(eq(int,
		upload_parts(it.store, it.bucket, SLICE("up"),
			slice_str(upload.id), 0, 10, &it.arena, &listed, &count,
			&is_truncated),
		STORE_OK));

	cr_expect(memcmp(listed[0].md5, md5, 16) != 0);
	cr_expect(memcmp(listed[0].md5, upload.parts[1].md5, 16) == 0);
	cr_expect(memcmp(listed[0].checksum, crc, 4) != 0);
	upload_part_show(&listed[0], &upload.seal);
	cr_expect(memcmp(listed[0].checksum, crc, 4) == 0);
}

Test(sealed, a_part_without_the_key_is_refused)
{
	scoped(fixture_close) struct fixture it = fixture_open();
	struct upload_part_info info = {.number = 1};
	struct sealed_upload upload;
	struct upload_part *part = NULL;

	begin_upload(&it, &upload);
	cr_assert(eq(int,
		upload_part_begin(it.store, it.bucket, SLICE("up"),
			slice_str(upload.id), 1, 5, &part),
		STORE_OK));

	cr_expect(eq(int, upload_part_write(part, SLICE("hello")),
		STORE_NO_KEY));
	cr_expect(eq(int, upload_part_commit(&part, &info), STORE_NO_KEY));
}
