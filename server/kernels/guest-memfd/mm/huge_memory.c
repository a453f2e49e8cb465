// SPDX-License-Identifier: MIT
/* Large folios become small ones. */
#include <linux/pagemap.h>

/*
 * Makes a locked folio single pages, each with the cache's reference; the caller's lock
 * and reference stay with the first. -EAGAIN where somebody else has a reference.
 *
 * From here on the pages come and go one by one, so what was 2M will hardly be 2M again:
 * neither the folio nor the directmap's mapping of it (mail rows B2, B4).
 */
int split_folio(struct folio *folio)
{
	struct address_space *mapping = folio->page.mapping;
	unsigned long i, nr = folio_nr_pages(folio);
	bool uptodate = folio_test_uptodate(folio);
	pgoff_t index = folio->page.index;

	if (nr == 1)
		return 0;
	if (folio_ref_count(folio) != 2)
		return -EAGAIN;

	xa_lock_irq(&mapping->i_pages);
	__xa_erase(&mapping->i_pages, index);
	split_page_owner(&folio->page, folio_order(folio));
	__xa_store(&mapping->i_pages, index, folio, GFP_ATOMIC);
	for (i = 1; i < nr; i++) {
		struct page *page = nth_page(&folio->page, i);

		page->flags = 0;
		page->mapping = mapping;
		page->index = index + i;
		atomic_set(&page->_refcount, 1);
		if (uptodate)
			folio_mark_uptodate(page_folio(page));
		__xa_store(&mapping->i_pages, index + i, page, GFP_ATOMIC);
	}
	xa_unlock_irq(&mapping->i_pages);
	return 0;
}
