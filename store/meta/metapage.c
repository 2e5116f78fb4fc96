/* SPDX-License-Identifier: Apache-2.0 */
#include "store/meta/metapage.h"

#include <assert.h>
#include <string.h>

#include "store/base/io.h"

/* struct MDB_page's head, then struct MDB_meta, of LMDB 0.9's mdb.c. */
#define FLAGS_AT 10
#define MAGIC_AT 16
#define VERSION_AT 20
#define PAGE_SIZE_AT 40
#define LAST_PAGE_AT 136
#define COMMIT_AT 144

#define PAGE_IS_META 0x08
#define MAGIC 0xbeefc0deu
#define DATA_VERSION 1u
#define PAGE_SIZE_LEAST 512u
#define PAGE_SIZE_MOST 65536u
/* More than one transaction takes and gives back. */
#define UNWRITTEN_MAX (16u << 20)

_Static_assert(sizeof(size_t) == 8, "the layout of 64-bit machines");

static uint16_t
load_u16(const uint8_t *from)
{
	uint16_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static uint32_t
load_u32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static uint64_t
load_u64(const uint8_t *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return value;
}

bool
metapage_parse(const uint8_t bytes[METAPAGE_LEN], struct metapage *out)
{
	uint32_t page_size = load_u32(bytes + PAGE_SIZE_AT);

	if (!(load_u16(bytes + FLAGS_AT) & PAGE_IS_META) ||
		load_u32(bytes + MAGIC_AT) != MAGIC ||
		load_u32(bytes + VERSION_AT) != DATA_VERSION)
		return false;
	if (page_size < PAGE_SIZE_LEAST || page_size > PAGE_SIZE_MOST ||
		(page_size & (page_size - 1)) != 0)
		return false;
	out->page_size = page_size;
	out->last_page = load_u64(bytes + LAST_PAGE_AT);
	out->commit = load_u64(bytes + COMMIT_AT);
	return true;
}

enum store_err
metapage_page_size(int fd, uint32_t *page_size)
{
	uint8_t bytes[METAPAGE_LEN];
	struct metapage page;
	enum store_err err = io_pread_all(fd, bytes, METAPAGE_LEN, 0);

	if (err)
		return err;
	if (!metapage_parse(bytes, &page))
		return STORE_CORRUPT;
	*page_size = page.page_size;
	return STORE_OK;
}

enum store_err
metapage_read(int fd, uint32_t page_size, int slot, uint8_t bytes[METAPAGE_LEN],
	struct metapage *out)
{
	enum store_err err = io_pread_all(fd, bytes, METAPAGE_LEN,
		(uint64_t)slot * page_size);

	if (err)
		return err;
	if (!metapage_parse(bytes, out) || out->page_size != page_size)
		return STORE_CORRUPT;
	return STORE_OK;
}

enum store_err
metapage_newest(int fd, uint32_t page_size, struct metapage *out)
{
	uint8_t bytes[METAPAGE_LEN];
	struct metapage page;
	bool is_found = false;

	for (int slot = 0; slot < 2; slot++) {
		enum store_err err =
			metapage_read(fd, page_size, slot, bytes, &page);

		if (err == STORE_CORRUPT)
			continue;
		if (err)
			return err;
		if (!is_found || page.commit > out->commit)
			*out = page;
		is_found = true;
	}
	return is_found ? STORE_OK : STORE_CORRUPT;
}

bool
metapage_fits(const struct metapage *page, uint64_t file_size, uint64_t *wanted)
{
	uint64_t pages_max = (file_size + UNWRITTEN_MAX) / page->page_size;

	*wanted = 0;
	if (page->last_page >= pages_max)
		return false;
	*wanted = (page->last_page + 1) * page->page_size;
	return true;
}

enum store_err
metapage_restore(int fd, const uint8_t bytes[METAPAGE_LEN])
{
	struct metapage page;
	bool is_whole = metapage_parse(bytes, &page);
	enum store_err err;

	assert(is_whole);
	err = io_pwrite_all(fd, bytes, METAPAGE_LEN, 0);
	if (!err)
		err = io_pwrite_all(fd, bytes, METAPAGE_LEN, page.page_size);
	return err ? err : io_fsync(fd);
}
