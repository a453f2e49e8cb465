/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_XARRAY_H
#define _LINUX_XARRAY_H

#include <linux/kernel.h>
#include <linux/spinlock.h>

/* An array of pointers by index; modelled whole. */
struct xarray {
	spinlock_t xa_lock;
	void *xa_head;
};

void xa_init(struct xarray *xa);
void xa_destroy(struct xarray *xa);
void *xa_load(struct xarray *xa, unsigned long index);
/* Both of these may allocate with @gfp; a reserved index can be stored to without. */
void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
void *__xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
/* One entry for 2^@order indices; @index is the first, and aligned. */
void *__xa_store_order(struct xarray *xa, unsigned long index, unsigned int order, void *entry, gfp_t gfp);
int __must_check xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp);
/* Removes the entry with all of its indices. */
void *__xa_erase(struct xarray *xa, unsigned long index);
/* One entry for all indices from @first to @last; NULL removes. */
void *xa_store_range(struct xarray *xa, unsigned long first, unsigned long last, void *entry, gfp_t gfp);
/* The first entry at *index or after it, and not after @max; *index becomes its own. */
void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max);
/* The next entry behind the one at *index. */
void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max);

#define xa_for_each_range(xa, index, entry, first, last)		\
	for (index = first, entry = xa_find(xa, &index, last); entry;	\
	     entry = xa_find_after(xa, &index, last))

#define xa_mk_value(value)	((void *)(((unsigned long)(value) << 1) | 1))
#define xa_to_value(entry)	((unsigned long)(entry) >> 1)

#define xa_lock_irq(xa)		spin_lock_irq(&(xa)->xa_lock)
#define xa_unlock_irq(xa)	spin_unlock_irq(&(xa)->xa_lock)

#endif
