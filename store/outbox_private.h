/* SPDX-License-Identifier: Apache-2.0 */
/* outbox_private.h - rows of topics that are gone. */
#pragma once

#include "store/outbox.h"

/* By steps: other writers go on between. */
must_check enum store_err outbox_remove_topic(struct store *store,
	uint64_t topic);
