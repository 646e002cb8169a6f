// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls that complete by a message. A partition has one under way at most.
 */
#include "async.h"
#include "partition.h"

int mshv_async_begin(struct mshv_partition *partition)
{
	struct mshv_async *async = &partition->async;

	lockdep_assert_held(&partition->mutex);

	if (async->pending && !try_wait_for_completion(&async->done))
		return -EBUSY;
	async->pending = false;
	reinit_completion(&async->done);

	return 0;
}

int mshv_async_wait(struct mshv_partition *partition, u16 *status)
{
	struct mshv_async *async = &partition->async;

	lockdep_assert_held(&partition->mutex);

	async->pending = true;
	if (wait_for_completion_killable(&async->done))
		return -EINTR;
	async->pending = false;
	*status = READ_ONCE(async->status);

	return 0;
}

void mshv_async_complete(struct mshv_partition *partition, u32 status)
{
	WRITE_ONCE(partition->async.status, status);
	complete(&partition->async.done);
}
