/* SPDX-License-Identifier: Apache-2.0 */
/* organization_private.h - for the changes of others. */
#pragma once

#include "store/meta/db.h"
#include "store/organization.h"

/* NO_ORGANIZATION. */
must_check enum store_err organization_check_in(struct db_txn *txn,
	struct slice name);
