// SPDX-License-Identifier: MIT
/* Takes pages out of a file's page cache. */
#include <linux/pagemap.h>

/*
 * A large folio that reaches over @index, an edge of the hole, is split, so that its part
 * of the hole can go (mail row B4). One that can't be split stays whole, and in the cache.
 */
static void truncate_split_at(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio;

	if (mapping->flags & AS_NO_SPLIT)
		return;
	folio = filemap_lock_folio(mapping, index);
	if (!folio)
		return;
	if (folio->page.index != index)
		split_folio(folio);
	folio_unlock(folio);
	folio_put(folio);
}

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

	truncate_split_at(mapping, index);
	if (lend != -1)
		truncate_split_at(mapping, last + 1);

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
