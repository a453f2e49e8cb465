// SPDX-License-Identifier: MIT
/*
 * Between files that hold memory and those who use that memory without mapping it: callbacks in both directions
 * (mail row E3).
 */
#include <linux/memfile_notifier.h>
#include <linux/pagemap.h>

static LIST_HEAD(backing_stores);

/* Stores are there before any file is, and stay. */
void memfile_register_backing_store(struct memfile_backing_store *bs)
{
	list_add_tail(&bs->list, &backing_stores);
}

/* Whose file is it? Each store knows its own. */
static struct memfile_node *memfile_find(struct file *file, struct memfile_backing_store **bsp)
{
	struct memfile_backing_store *bs;

	list_for_each_entry(bs, &backing_stores, list) {
		struct memfile_node *node = bs->lookup_memfile_node(file);

		if (node) {
			*bsp = bs;
			return node;
		}
	}
	return NULL;
}

/*
 * From here on @notifier is told what leaves the file, and may ask the store for pages. What @flags want holds for the
 * whole file from now on: memory that is pinned once it is allocated, say (mail row E7).
 */
int memfile_register_notifier(struct file *file, unsigned long flags, struct memfile_notifier *notifier)
{
	struct memfile_backing_store *bs;
	struct memfile_node *node = memfile_find(file, &bs);

	if (!node)
		return -EINVAL;
	if (flags & ~bs->flags)
		return -EOPNOTSUPP;
	/* Userspace has the file mapped, or can: too late to promise that it hasn't (mail row E2). */
	if ((flags & MEMFILE_F_USER_INACCESSIBLE) && !(node->flags & MEMFILE_F_USER_INACCESSIBLE))
		return -EPERM;

	filemap_invalidate_lock(file->f_inode->i_mapping);
	node->flags |= flags;
	notifier->bs = bs;
	list_add_tail(&notifier->list, &node->notifiers);
	filemap_invalidate_unlock(file->f_inode->i_mapping);
	return 0;
}

/* No callback is running when this returns, and none will. */
void memfile_unregister_notifier(struct file *file, struct memfile_notifier *notifier)
{
	filemap_invalidate_lock(file->f_inode->i_mapping);
	list_del(&notifier->list);
	filemap_invalidate_unlock(file->f_inode->i_mapping);
}

void memfile_notifier_invalidate_start(struct memfile_node *node, pgoff_t start, pgoff_t end)
{
	struct memfile_notifier *notifier;

#ifdef CONFIG_MEMFILE_BUG_NO_NOTIFY
	/* Wrong: the guest keeps what leaves the file (mail rows A8, E3). */
	return;
#endif
	list_for_each_entry(notifier, &node->notifiers, list)
		notifier->ops->invalidate_start(notifier, start, end);
}

void memfile_notifier_invalidate_end(struct memfile_node *node, pgoff_t start, pgoff_t end)
{
	struct memfile_notifier *notifier;

#ifdef CONFIG_MEMFILE_BUG_NO_NOTIFY
	return;
#endif
	list_for_each_entry(notifier, &node->notifiers, list)
		notifier->ops->invalidate_end(notifier, start, end);
}
