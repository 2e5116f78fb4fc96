/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "store/bucket.h"
#include "store/file.h"
#include "tests/s3api/op/served.h"

#define TEXT "0123456789"
#define ETAG "\"781e5e245d69b566979b86e28d23f2c7\"" /* of it */
#define OTHER "\"00000000000000000000000000000000\""
#define PAST "Sun, 06 Nov 1994 08:49:37 GMT"
#define FUTURE "Thu, 01 Dec 2033 16:00:00 GMT"

static struct served
start_with_text(void)
{
	struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/a", TEXT);
	return served;
}

static const struct s3_reply *
get(struct served *served, const char *headers)
{
	return served_send(served, "GET", "/photos/a", headers, SLICE_NULL);
}

Test(op_get, sends_the_range_that_is_asked_for)
{
	scoped(served_stop) struct served served = start_with_text();
	static const struct {
		const char *range;
		const char *bytes;
		const char *content_range;
	} cases[] = {
		{"bytes=0-0", "0", "bytes 0-0/10"},
		{"bytes=2-5", "2345", "bytes 2-5/10"},
		{"bytes=7-", "789", "bytes 7-9/10"},
		{"bytes=7-100", "789", "bytes 7-9/10"},
		{"bytes=7-99999999999999999999999", "789", "bytes 7-9/10"},
		{"bytes=-3", "789", "bytes 7-9/10"},
		{"bytes=-100", TEXT, "bytes 0-9/10"},
		{"bytes=0-", TEXT, "bytes 0-9/10"},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *reply = get(&served,
			served_text(&served, "range: %s\n", cases[i].range));

		served_expect_body(reply, 206, cases[i].bytes);
		served_expect_header(reply, "content-range",
			cases[i].content_range);
	}
}

Test(op_get, sends_the_whole_where_the_range_is_none)
{
	scoped(served_stop) struct served served = start_with_text();
	static const char *const ranges[] = {"bytes=5-2", "bytes=a-b",
		"bytes=", "bytes=-", "lines=0-1", "bytes=0-1,3-4", "0-1",
		"bytes= -1", "bytes=0 -1"};

	for (size_t i = 0; i < array_len(ranges); i++) {
		const struct s3_reply *reply = get(&served,
			served_text(&served, "range: %s\n", ranges[i]));

		served_expect_body(reply, 200, TEXT);
		served_expect_header(reply, "content-range", "");
	}
}

Test(op_get, refuses_ranges_of_which_nothing_is_there)
{
	scoped(served_stop) struct served served = start_with_text();

	served_put(&served, "/photos/empty", "");

	const struct s3_reply *reply = get(&served, "range: bytes=10-\n");

	served_expect_refusal(reply, 416, "InvalidRange");
	served_expect_elements(reply, "ActualObjectSize", "10 ");
	served_expect_elements(reply, "RangeRequested", "bytes=10- ");
	served_expect_header(reply, "content-range", "bytes */10");
	served_expect_refusal(get(&served, "range: bytes=-0\n"), 416,
		"InvalidRange");
	served_expect_refusal(served_send(&served, "GET", "/photos/empty",
				      "range: bytes=0-\n", SLICE_NULL),
		416, "InvalidRange");
	/* The end of nothing is there; whoever reads Parquet or ZIP begins so.
	 */
	served_expect_body(served_send(&served, "GET", "/photos/empty",
				   "range: bytes=-8\n", SLICE_NULL),
		200, "");
}

Test(op_get, head_of_a_range_tells_its_length)
{
	scoped(served_stop) struct served served = start_with_text();

	const struct s3_reply *reply = served_send(&served, "HEAD", "/photos/a",
		"range: bytes=2-5\n", SLICE_NULL);

	served_expect_body(reply, 206, "");
	served_expect_header(reply, "content-length", "4");
	served_expect_header(reply, "content-range", "bytes 2-5/10");
}

Test(op_get, ranges_of_another_object_become_the_whole)
{
	scoped(served_stop) struct served served = start_with_text();

	served_expect_body(get(&served,
				   "range: bytes=2-5\nif-range: " ETAG "\n"),
		206, "2345");
	served_expect_body(get(&served,
				   "range: bytes=2-5\nif-range: " OTHER "\n"),
		200, TEXT);
	served_expect_body(get(&served,
				   "range: bytes=2-5\nif-range: W/" ETAG "\n"),
		200, TEXT);
	served_expect_body(get(&served,
				   "range: bytes=2-5\nif-range: " PAST "\n"),
		200, TEXT);
}

Test(op_get, keeps_the_conditions_in_their_order)
{
	scoped(served_stop) struct served served = start_with_text();
	static const struct {
		const char *headers;
		unsigned int status;
	} cases[] = {
		{"if-match: " ETAG "\n", 200},
		{"if-match: 781e5e245d69b566979b86e28d23f2c7\n", 200},
		{"if-match: *\n", 200},
		{"if-match: " OTHER ", " ETAG "\n", 200},
		{"if-match: " OTHER "\n", 412},
		{"if-match: oops\n", 412},
		{"if-none-match: " ETAG "\n", 304},
		{"if-none-match: *\n", 304},
		{"if-none-match: W/" ETAG "\n", 304},
		{"if-none-match: " OTHER "\n", 200},
		{"if-modified-since: " PAST "\n", 200},
		{"if-modified-since: " FUTURE "\n", 304},
		{"if-modified-since: oops\n", 200},
		{"if-unmodified-since: " PAST "\n", 412},
		{"if-unmodified-since: " FUTURE "\n", 200},
		{"if-match: " ETAG "\nif-unmodified-since: " PAST "\n", 200},
		{"if-none-match: " OTHER "\nif-modified-since: " FUTURE "\n",
			200},
		{"if-none-match: " ETAG "\nif-modified-since: " PAST "\n", 304},
		{"if-match: " OTHER "\nif-none-match: " ETAG "\n", 412},
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		const struct s3_reply *reply = get(&served, cases[i].headers);

		cr_expect(eq(uint, reply->status, cases[i].status), "%s",
			cases[i].headers);
	}
}

Test(op_get, tells_the_etag_of_what_was_not_modified)
{
	scoped(served_stop) struct served served = start_with_text();

	const struct s3_reply *reply =
		get(&served, "if-none-match: " ETAG "\n");

	served_expect_body(reply, 304, "");
	served_expect_header(reply, "etag", ETAG);
	served_expect_refusal(get(&served, "if-match: " OTHER "\n"), 412,
		"PreconditionFailed");
}

Test(op_get, says_what_response_parameters_say)
{
	scoped(served_stop) struct served served = start_with_text();

	const struct s3_reply *reply = served_ask(&served, "GET",
		"/photos/a?response-content-type=text%2Fplain"
		"&response-content-disposition=attachment%3B%20filename%3Dx"
		"&response-cache-control=no-cache&response-expires=never"
		"&response-content-language=de&response-content-encoding=gzip");

	served_expect_body(reply, 200, TEXT);
	served_expect_header(reply, "content-type", "text/plain");
	served_expect_header(reply, "content-disposition",
		"attachment; filename=x");
	served_expect_header(reply, "cache-control", "no-cache");
	served_expect_header(reply, "expires", "never");
	served_expect_header(reply, "content-language", "de");
	served_expect_header(reply, "content-encoding", "gzip");
}

Test(op_get, who_signs_nothing_does_not_say_how_bytes_are_read)
{
	scoped(served_stop) struct served served = start_with_text();
	static const char policy[] =
		"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
		"\"Allow\",\"Principal\":\"*\",\"Action\":\"s3:GetObject\","
		"\"Resource\":\"arn:aws:s3:::photos/*\"}]}";
	static const char *const methods[] = {"GET", "HEAD"};

	cr_assert(eq(uint,
		served_send(&served, "PUT", "/photos?policy", NULL,
			slice_str(policy))
			->status,
		204));
	served.client.is_anonymous = true;

	served_expect_body(served_ask(&served, "GET", "/photos/a"), 200, TEXT);
	for (size_t i = 0; i < array_len(methods); i++)
		cr_expect(eq(uint,
			served_ask(&served, methods[i],
				"/photos/a?response-content-type=text%2Fhtml")
				->status,
			400));
}

Test(op_get, response_parameters_cannot_add_headers)
{
	scoped(served_stop) struct served served = start_with_text();

	const struct s3_reply *reply = served_ask(&served, "GET",
		"/photos/a?response-content-type=a%0D%0Ax-evil%3A%201");

	served_expect_body(reply, 200, TEXT);
	served_expect_header(reply, "x-evil", "");
}

Test(op_get, an_object_that_one_put_made_has_one_part)
{
	scoped(served_stop) struct served served = start_with_text();

	const struct s3_reply *first =
		served_ask(&served, "GET", "/photos/a?partNumber=1");

	served_expect_body(first, 206, TEXT);
	served_expect_header(first, "content-range", "bytes 0-9/10");
	served_expect_header(first, "x-amz-mp-parts-count", "");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/a?partNumber=2"),
		416, "InvalidPartNumber");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/a?partNumber=0"),
		400, "InvalidArgument");
	served_expect_refusal(served_ask(&served, "GET",
				      "/photos/a?partNumber=x"),
		400, "InvalidArgument");
	served_expect_refusal(served_send(&served, "GET",
				      "/photos/a?partNumber=1",
				      "range: bytes=0-1\n", SLICE_NULL),
		400, "InvalidRequest");
}

Test(op_get, needs_no_key_for_what_is_not_encrypted)
{
	scoped(served_stop) struct served served = start_with_text();

	served_expect_refusal(
		get(&served, "x-amz-server-side-encryption-customer-algorithm: "
			     "AES256\n"),
		400, "InvalidRequest");
}

Test(op_get, sends_what_does_not_fit_in_one_piece)
{
	scoped(served_stop) struct served served = served_start();
	size_t len = 3 * 1024 * 1024 + 17;
	char *bytes = arena_alloc(&served.client.arena, len);

	served_bucket(&served, "photos");
	for (size_t i = 0; i < len; i++)
		bytes[i] = (char)(i * 31 + i / 4099);

	const struct s3_reply *put = served_send(&served, "PUT", "/photos/big",
		NULL, slice_of(bytes, len));
	const struct s3_reply *whole =
		served_ask(&served, "GET", "/photos/big");
	const struct s3_reply *range = served_send(&served, "GET",
		"/photos/big", "range: bytes=1000000-2999999\n", SLICE_NULL);

	cr_expect(eq(uint, put->status, 200));
	cr_expect(slice_equal(whole->body, slice_of(bytes, len)));
	cr_expect(slice_equal(range->body, slice_of(bytes + 1000000, 2000000)));
}

Test(op_get, shows_files_as_a_mount_left_them_or_not_at_all)
{
	scoped(served_stop) struct served served = served_start();

	served_bucket(&served, "photos");
	served_put(&served, "/photos/dir/a", "bytes");

	served_expect_refusal(served_ask(&served, "GET", "/photos/dir"), 404,
		"NoSuchKey");
	served_expect_refusal(served_ask(&served, "GET", "/photos/dir/"), 404,
		"NoSuchKey");
	served_expect_refusal(served_ask(&served, "GET", "/photos/dir/a/"), 404,
		"NoSuchKey");
	served_expect_refusal(served_ask(&served, "GET", "/photos//dir/a"), 404,
		"NoSuchKey");
}

/* More than sockets hold. */
#define LONG (16u << 20)

/* A file as a mount has it; the bucket is "photos". */
struct mounted {
	struct store *store;
	uint64_t ino;
};

static struct file *
open_file(const struct mounted *mounted)
{
	struct file *file = NULL;

	cr_assert(zero(int,
		file_open(mounted->store, mounted->ino, O_RDWR, &file)));
	return file;
}

static void
close_file(struct file *file)
{
	cr_assert(zero(int, file_close(&file, O_RDWR)));
}

static void
write_file(struct file *file, char byte, size_t len)
{
	char *bytes = malloc(len);

	memset(bytes, byte, len);
	cr_assert(eq(i64, pwrite(file_fd(file), bytes, len, 0), (ssize_t)len));
	free(bytes);
}

static struct mounted
mount_file(struct served *served, const char *name, size_t len)
{
	const struct tree_owner owner = {S_IFREG | 0640, 1, 2};
	struct mounted mounted = {.store = served->temp.store};
	struct file *file = NULL;
	struct bucket bucket;
	struct inode inode;

	served_bucket(served, "photos");
	cr_assert(zero(int,
		bucket_get(mounted.store, SLICE("photos"), &bucket)));
	cr_assert(zero(int, file_create(mounted.store, bucket.ino,
				    slice_str(name), &owner, &inode, &file)));
	mounted.ino = inode.ino;
	write_file(file, 'a', len);
	close_file(file);
	return mounted;
}

static void
cut_and_make_longer(void *arg)
{
	struct file *file = open_file(arg);

	cr_assert(zero(int, file_data_truncate(file, LONG / 2)));
	cr_assert(zero(int, file_data_truncate(file, LONG)));
	close_file(file);
}

static void
change_a_byte(void *arg)
{
	struct file *file = open_file(arg);

	write_file(file, 'a', 1);
	close_file(file);
}

static bool
is_all(struct slice bytes, char byte)
{
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] != byte)
			return false;
	return true;
}

/* Open before the GET or not: copied from the beginning, or from there on. */
Test(op_get, ends_early_where_a_mount_cuts_what_is_being_sent)
{
	for (int is_open_before = 0; is_open_before < 2; is_open_before++) {
		scoped(served_stop) struct served served = served_start();
		struct mounted mounted = mount_file(&served, "f", LONG);
		struct file *before =
			is_open_before ? open_file(&mounted) : NULL;

		served.client.at_header = cut_and_make_longer;
		served.client.context = &mounted;
		const struct s3_reply *reply =
			served_ask(&served, "GET", "/photos/f");

		cr_expect(eq(uint, reply->status, 200));
		cr_expect(lt(sz, reply->body.len, LONG));
		cr_expect(is_all(reply->body, 'a'));
		if (before)
			close_file(before);
	}
}

Test(op_get, goes_on_where_a_mount_writes_to_what_is_being_sent)
{
	scoped(served_stop) struct served served = served_start();
	struct mounted mounted = mount_file(&served, "f", LONG);

	served.client.at_header = change_a_byte;
	served.client.context = &mounted;
	const struct s3_reply *reply = served_ask(&served, "GET", "/photos/f");

	cr_expect(eq(sz, reply->body.len, LONG));
	cr_expect(is_all(reply->body, 'a'));
}

struct changing {
	struct mounted mounted;
	atomic_bool is_ending;
};

/* It is empty, 1000 bytes 'a' or 2000 bytes 'b'. */
static void *
change_and_change_back(void *arg)
{
	struct changing *changing = arg;
	struct file *file = open_file(&changing->mounted);

	while (!atomic_load(&changing->is_ending)) {
		cr_assert(zero(int, file_data_truncate(file, 0)));
		write_file(file, 'b', 2000);
		cr_assert(zero(int, file_data_truncate(file, 0)));
		write_file(file, 'a', 1000);
	}
	close_file(file);
	return NULL;
}

Test(op_get, small_bytes_are_of_one_state_of_what_a_mount_cuts_and_writes)
{
	scoped(served_stop) struct served served = served_start();
	struct changing changing = {
		.mounted = mount_file(&served, "f", 1000),
	};
	pthread_t thread;

	cr_assert(zero(int, pthread_create(&thread, NULL,
				    change_and_change_back, &changing)));
	for (int i = 0; i < 3000; i++) {
		const struct s3_reply *reply =
			served_ask(&served, "GET", "/photos/f");
		char byte = reply->body.len == 1000 ? 'a' : 'b';

		if (reply->status == 503)
			continue;
		cr_assert(eq(uint, reply->status, 200));
		cr_assert(reply->body.len == 0 || reply->body.len == 1000 ||
			  reply->body.len == 2000);
		cr_assert(is_all(reply->body, byte));
	}
	atomic_store(&changing.is_ending, true);
	cr_assert(zero(int, pthread_join(thread, NULL)));
}
