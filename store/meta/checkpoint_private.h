/* SPDX-License-Identifier: Apache-2.0 */
/* checkpoint_private.h - what only the tests of checkpoints may do. */
#pragma once

#include "store/meta/checkpoint.h"

/* As checkpoint_recover() in the boot of that id: a power cut to order. */
must_check enum store_err checkpoint_recover_as(const char *meta_path,
	const char *side_path, const uint8_t boot_id[CHECKPOINT_BOOT_ID_LEN],
	bool *after_power_cut);

/* Breaks rule 2. */
void checkpoint_drop_pin(struct checkpoint *checkpoint);
