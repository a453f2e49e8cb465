// SPDX-License-Identifier: MIT
/* Pages change their place, so that large blocks become free. */
#include <linux/pagemap.h>
#include <linux/restrictedmem.h>

/* 0 if the page may go somewhere else, or why not: its file knows. */
int migrate_page(struct page *page)
{
	struct folio *folio = page_folio(page);
	struct address_space *mapping;
	int r = 0;

	folio_lock(folio);
	mapping = folio->page.mapping;
	if (mapping && mapping->a_ops->migrate_folio)
		r = mapping->a_ops->migrate_folio(mapping, folio);
	folio_unlock(folio);
	return r;
}
