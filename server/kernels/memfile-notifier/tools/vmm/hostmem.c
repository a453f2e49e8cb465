// SPDX-License-Identifier: MIT
/* The VMM's memory backend: a file for what is private. The other side of this kernel's interface, for scenarios. */
#include <linux/falloc.h>

#include "libc.h"

int errno;

/*
 * Memory of the guest before it needs it: all of it at the start, or a part (mail row E6). A signal only means to go on
 * (mail row E5). 0, or the error as a negative number.
 */
int vmm_allocate(int private_fd, loff_t offset, loff_t size)
{
#ifdef CONFIG_VMM_BUG_FALLOCATE_UNCHECKED
	/* Wrong: a signal ends the call early, and the guest starts with holes (mail row E5). */
	fallocate(private_fd, FALLOC_FL_KEEP_SIZE, offset, size);
	return 0;
#else
	int r;

	do {
		r = fallocate(private_fd, FALLOC_FL_KEEP_SIZE, offset, size);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
#endif
}

/* What became shared needs no private page any more. */
int vmm_discard(int private_fd, loff_t offset, loff_t size)
{
	int r;

	do {
		r = fallocate(private_fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, offset, size);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}
