/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reap_private.h - what dead sessions leave behind, for session.c; and who
 * is dead.
 */
#pragma once

#include "store/store_private.h"

/* Opens run/<id>, making it where it is missing.  -1 with errno. */
int reap_open_lock(struct store *store, uint64_t session);

/*
 * Settles what the session has open, removes the files that nothing names,
 * then its records and its lock file.  The caller holds its lock.  What
 * fails is logged and left for the next time.  True: these two stay, as files
 * that it had open are still written to (session_private.h, rule 6).  is_known:
 * so it was when all else was cleared up.
 */
bool reap_session(struct store *store, uint64_t session, bool after_power_cut,
	bool is_known);

/* Removes one record of DB_LEASE. */
must_check enum store_err reap_lease(struct store *store, uint64_t session,
	uint64_t first);

/* As session_reap(). */
must_check enum store_err reap_dead(struct store *store);

/* boot_id: as in the session's record. */
must_check enum store_err reap_is_alive(struct store *store, uint64_t id,
	const uint8_t boot_id[16], bool *is_alive);
