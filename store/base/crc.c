/* SPDX-License-Identifier: Apache-2.0 */
#include "store/base/crc_private.h"

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "store/base/compiler.h"

#ifdef HAVE_ISAL
#include <isa-l/crc.h>
#include <isa-l/crc64.h>
#elif defined(__x86_64__)
#include <nmmintrin.h>
#endif

/* Reflected: the lowest bit stands for the highest power of x. */
static const struct crc_form {
	uint64_t polynomial;
	uint64_t one; /* the polynomial 1 */
} crc_forms[] = {
	[CRC_32] = {0xedb88320, 1ull << 31},
	[CRC_32C] = {0x82f63b78, 1ull << 31},
	[CRC_64NVME] = {0x9a6c9329ac4bc9b5, 1ull << 63},
};

#define CRC_KINDS array_len(crc_forms)

/*
 * crc_tables[kind][n][byte]: what a byte leaves behind when n more bytes have
 * gone through.
 */
static uint64_t crc_tables[CRC_KINDS][8][256];
static pthread_once_t crc_tables_once = PTHREAD_ONCE_INIT;

static uint64_t
times_x(const struct crc_form *form, uint64_t value)
{
	return value & 1 ? value >> 1 ^ form->polynomial : value >> 1;
}

static void
fill_tables_of(size_t kind)
{
	uint64_t(*table)[256] = crc_tables[kind];

	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t value = byte;

		for (int bit = 0; bit < 8; bit++)
			value = times_x(&crc_forms[kind], value);
		table[0][byte] = value;
	}
	for (size_t n = 1; n < 8; n++)
		for (size_t byte = 0; byte < 256; byte++) {
			uint64_t value = table[n - 1][byte];

			table[n][byte] = value >> 8 ^ table[0][value & 255];
		}
}

static void
fill_tables(void)
{
	for (size_t kind = 0; kind < CRC_KINDS; kind++)
		fill_tables_of(kind);
}

static uint64_t
crc_of_nothing_inverted(enum crc_kind kind)
{
	return crc_forms[kind].one | (crc_forms[kind].one - 1);
}

uint64_t
crc_update_by_tables(enum crc_kind kind, uint64_t crc, const void *data,
	size_t len)
{
	const uint64_t ones = crc_of_nothing_inverted(kind);
	const uint8_t *next = data;
	uint64_t(*table)[256] = crc_tables[kind];

	pthread_once(&crc_tables_once, fill_tables);
	crc ^= ones;
	for (; len >= 8; len -= 8, next += 8) {
		uint64_t word;

		memcpy(&word, next, sizeof(word));
		word = le64toh(word) ^ crc;
		crc = 0;
		for (unsigned n = 0; n < 8; n++)
			crc ^= table[7 - n][word >> (8 * n) & 255];
	}
	for (; len; len--)
		crc = crc >> 8 ^ table[0][(crc ^ *next++) & 255];
	return crc ^ ones;
}

#ifdef HAVE_ISAL

/* ISA-L takes an int here, and leaves the inversions to the caller. */
static uint32_t
update_32c(uint32_t crc, const unsigned char *data, size_t len)
{
	const size_t most = 1 << 30;

	crc = ~crc;
	while (len) {
		size_t piece = len < most ? len : most;

		crc = crc32_iscsi((unsigned char *)data, (int)piece, crc);
		data += piece;
		len -= piece;
	}
	return ~crc;
}

uint64_t
crc_update(enum crc_kind kind, uint64_t crc, const void *data, size_t len)
{
	switch (kind) {
	case CRC_32:
		return crc32_gzip_refl((uint32_t)crc, data, len);
	case CRC_32C:
		return update_32c((uint32_t)crc, data, len);
	case CRC_64NVME:
		/* NVMe took it over from Rocksoft's model. */
		return crc64_rocksoft_refl(crc, data, len);
	}
	__builtin_unreachable();
}

#elif defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
update_32c(uint32_t crc, const uint8_t *next, size_t len)
{
	uint64_t value = ~crc;

	for (; len >= 8; len -= 8, next += 8) {
		uint64_t word;

		memcpy(&word, next, sizeof(word));
		value = _mm_crc32_u64(value, word);
	}
	for (; len; len--)
		value = _mm_crc32_u8((uint32_t)value, *next++);
	return ~(uint32_t)value;
}

uint64_t
crc_update(enum crc_kind kind, uint64_t crc, const void *data, size_t len)
{
	if (kind == CRC_32C && __builtin_cpu_supports("sse4.2"))
		return update_32c((uint32_t)crc, data, len);
	return crc_update_by_tables(kind, crc, data, len);
}

#else

uint64_t
crc_update(enum crc_kind kind, uint64_t crc, const void *data, size_t len)
{
	return crc_update_by_tables(kind, crc, data, len);
}

#endif

static uint64_t
multiply(const struct crc_form *form, uint64_t a, uint64_t b)
{
	uint64_t product = 0;

	for (uint64_t power = form->one; power; power >>= 1) {
		if (a & power)
			product ^= b;
		b = times_x(form, b);
	}
	return product;
}

/*
 * To append n zero bytes is to multiply by x^(8n); the inversions at both
 * ends cancel out.
 */
uint64_t
crc_combine(enum crc_kind kind, uint64_t first, uint64_t second,
	uint64_t second_len)
{
	const struct crc_form *form = &crc_forms[kind];
	uint64_t power = form->one >> 8; /* x^8: one byte */

	for (; second_len; second_len >>= 1) {
		if (second_len & 1)
			first = multiply(form, first, power);
		power = multiply(form, power, power);
	}
	return first ^ second;
}
