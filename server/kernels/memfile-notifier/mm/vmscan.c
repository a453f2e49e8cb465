// SPDX-License-Identifier: MIT
/* Memory is short: what can be moved away, or be given up? (mail row E7) */
#include <linux/pagemap.h>
#include <linux/shmem_fs.h>
#include <linux/vm_fault.h>

/* Compaction wants @page's place. */
int migrate_page(struct page *page)
{
	struct address_space *mapping = page->mapping;

	if (!mapping || !mapping->a_ops->migrate_folio)
		return -EBUSY;
	return mapping->a_ops->migrate_folio(mapping, page_folio(page));
}

/*
 * Takes a folio out of its file. There is no swap here, so its contents are lost: which is
 * why a guest's memory has to say that it can't be reclaimed.
 */
int reclaim_page(struct file *file, struct page *page)
{
	struct address_space *mapping = file_inode(file)->i_mapping;
	struct shmem_file *shmem = file->private_data;
	pgoff_t index = page->index;

	if (shmem->memfile_node.flags & MEMFILE_F_UNRECLAIMABLE)
		return -EBUSY;

	filemap_invalidate_lock(mapping);
	memfile_notifier_invalidate_start(&shmem->memfile_node, index, index + 1);
	truncate_inode_pages_range(mapping, (loff_t)index << PAGE_SHIFT, ((loff_t)(index + 1) << PAGE_SHIFT) - 1);
	memfile_notifier_invalidate_end(&shmem->memfile_node, index, index + 1);
	filemap_invalidate_unlock(mapping);
	return 0;
}
