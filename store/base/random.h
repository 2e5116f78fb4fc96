/* SPDX-License-Identifier: Apache-2.0 */
/* random.h - bytes from the kernel's generator, fit for keys. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *to, size_t len);
uint64_t random_u64(void);
