/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crc_private.h - the three CRCs that S3 knows, for digest.c alone.
 *
 * A crc here is the finished value of what has been read so far; that of
 * nothing is 0.  All three are reflected, begin with ones and end inverted.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum crc_kind { CRC_32, CRC_32C, CRC_64NVME };

/* The crc of what `crc` stands for, followed by data. */
uint64_t crc_update(enum crc_kind kind, uint64_t crc, const void *data,
	size_t len);

/* As crc_update(), by tables alone, on any machine. */
uint64_t crc_update_by_tables(enum crc_kind kind, uint64_t crc,
	const void *data, size_t len);

uint64_t crc_combine(enum crc_kind kind, uint64_t first, uint64_t second,
	uint64_t second_len);
