/* SPDX-License-Identifier: Apache-2.0 */
#include "store/complaint_private.h"

#include <stdlib.h>

#include "store/base/mutex.h"
#include "store/store_private.h"

struct complaints {
	pthread_mutex_t lock;

	/* under lock */
	struct {
		uint64_t bucket;
		enum complaint what;
	} said[COMPLAINTS_MAX];
	unsigned int count;
};

enum store_err
complaint_open(struct store *store)
{
	store->complaints = calloc(1, sizeof(*store->complaints));
	if (!store->complaints)
		return STORE_NO_MEMORY;
	mutex_init(&store->complaints->lock);
	return STORE_OK;
}

void
complaint_close(struct store *store)
{
	if (!store->complaints)
		return;
	mutex_destroy(&store->complaints->lock);
	free(store->complaints);
	store->complaints = NULL;
}

bool
complaint_is_new(struct store *store, enum complaint what, uint64_t bucket)
{
	struct complaints *all = store->complaints;

	mutex_scoped(&all->lock);
	for (unsigned int i = 0; i < all->count; i++)
		if (all->said[i].bucket == bucket && all->said[i].what == what)
			return false;
	if (all->count == COMPLAINTS_MAX)
		return false;
	all->said[all->count].bucket = bucket;
	all->said[all->count++].what = what;
	return true;
}
