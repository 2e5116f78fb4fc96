/* SPDX-License-Identifier: Apache-2.0 */
/* blob_spare_private.h - the taking of spares, for blob_create(). */
#pragma once

#include <stdint.h>

#include "store/base/compiler.h"
#include "store/base/error.h"

struct blobs;

/* A spare becomes the new, empty blob.  EXISTS; NOT_FOUND: there is no spare,
 * or none could be had. */
must_check enum store_err blob_spare_take(struct blobs *blobs, uint64_t id,
	int *fd);
