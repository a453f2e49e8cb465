/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_MEMFILE_NOTIFIER_H
#define _LINUX_MEMFILE_NOTIFIER_H

#include <linux/fs.h>

/* What a user of a file's memory wants of it, and what a store can give (mail rows E2, E7). */
#define MEMFILE_F_USER_INACCESSIBLE	0x1ul
#define MEMFILE_F_UNMOVABLE		0x2ul
#define MEMFILE_F_UNRECLAIMABLE		0x4ul

struct memfile_notifier;

/* From the store to whoever uses its memory: pages of [start, end) go away, and later: they are gone (mail row E3). */
struct memfile_notifier_ops {
	void (*invalidate_start)(struct memfile_notifier *notifier, pgoff_t start, pgoff_t end);
	void (*invalidate_end)(struct memfile_notifier *notifier, pgoff_t start, pgoff_t end);
};

struct memfile_notifier {
	struct list_head list;		/* of the file's */
	const struct memfile_notifier_ops *ops;
	struct memfile_backing_store *bs;
};

/* What a store knows of one file. */
struct memfile_node {
	struct list_head notifiers;	/* under the mapping's invalidate_lock */
	unsigned long flags;
};

/* The other way round: what users of the memory ask the store for (mail row E3). */
struct memfile_backing_store {
	struct list_head list;
	unsigned long flags;		/* what it can give */
	struct memfile_node *(*lookup_memfile_node)(struct file *file);
	int (*get_pfn)(struct file *file, pgoff_t offset, unsigned long *pfn, struct page **page);
	void (*put_pfn)(struct page *page);
};

void memfile_register_backing_store(struct memfile_backing_store *bs);
int memfile_register_notifier(struct file *file, unsigned long flags, struct memfile_notifier *notifier);
void memfile_unregister_notifier(struct file *file, struct memfile_notifier *notifier);
void memfile_notifier_invalidate_start(struct memfile_node *node, pgoff_t start, pgoff_t end);
void memfile_notifier_invalidate_end(struct memfile_node *node, pgoff_t start, pgoff_t end);

#endif
