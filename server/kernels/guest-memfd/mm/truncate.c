// SPDX-License-Identifier: MIT
/* Takes pages out of a file's page cache. */
#include <linux/pagemap.h>

/*
 * Removes the folios from byte @lstart to byte @lend, both included, and page-aligned
 * on both sides. Each folio's last stop is a_ops->free_folio(), so this may sleep.
 */
void truncate_inode_pages_range(struct address_space *mapping, loff_t lstart, loff_t lend)
{
	pgoff_t index = lstart >> PAGE_SHIFT;
	pgoff_t last = lend == -1 ? ~0UL : (pgoff_t)lend >> PAGE_SHIFT;
	struct folio_batch fbatch;
	unsigned int i;

	while (find_lock_entries(mapping, &index, last, &fbatch)) {
		delete_from_page_cache_batch(mapping, &fbatch);
		for (i = 0; i < fbatch.nr; i++) {
			folio_unlock(fbatch.folios[i]);
			folio_put(fbatch.folios[i]);
		}
		cond_resched();
	}
}
EXPORT_SYMBOL_GPL(truncate_inode_pages_range);

/* The inode is about to go: nobody else can find its pages any more. */
void truncate_inode_pages_final(struct address_space *mapping)
{
	truncate_inode_pages_range(mapping, 0, -1);
}
EXPORT_SYMBOL_GPL(truncate_inode_pages_final);
