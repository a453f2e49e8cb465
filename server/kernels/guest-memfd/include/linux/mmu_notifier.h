/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_MMU_NOTIFIER_H
#define _LINUX_MMU_NOTIFIER_H

#include <linux/kernel.h>

struct mmu_notifier;

/* A range of the VMM's address space, in bytes. */
struct mmu_notifier_range {
	unsigned long start, end;
};

struct mmu_notifier_ops {
	int (*invalidate_range_start)(struct mmu_notifier *mn, const struct mmu_notifier_range *range);
	void (*invalidate_range_end)(struct mmu_notifier *mn, const struct mmu_notifier_range *range);
};

struct mmu_notifier {
	const struct mmu_notifier_ops *ops;
};

int mmu_notifier_register(struct mmu_notifier *mn);
void mmu_notifier_unregister(struct mmu_notifier *mn);

#endif
