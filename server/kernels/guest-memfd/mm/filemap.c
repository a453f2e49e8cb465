// SPDX-License-Identifier: MIT
/* The page cache: an xarray of folios, each with a reference for being in it. */
#include <linux/pagemap.h>

/* The folio at @index, locked and with a reference, or NULL. */
struct folio *filemap_lock_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio;

	for (;;) {
		xa_lock_irq(&mapping->i_pages);
		folio = xa_load(&mapping->i_pages, index);
		if (folio)
			folio_get(folio);
		xa_unlock_irq(&mapping->i_pages);
		if (!folio)
			return NULL;

		folio_lock(folio);
		/* Truncated while we slept? Then look again. */
		if (folio->page.mapping == mapping)
			return folio;
		folio_unlock(folio);
		folio_put(folio);
	}
}

/* The same, but a missing folio is allocated. Its reclaim may sleep (mail row A7). */
struct folio *filemap_grab_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = filemap_lock_folio(mapping, index);
	struct page *page;
	int r;

	if (folio)
		return folio;

	page = alloc_page(GFP_HIGHUSER);
	if (!page)
		return ERR_PTR(-ENOMEM);
	r = xa_reserve(&mapping->i_pages, index, GFP_KERNEL);
	if (r) {
		__free_page(page);
		return ERR_PTR(r);
	}

	folio = page_folio(page);
	folio_lock(folio);
	folio->page.mapping = mapping;
	folio->page.index = index;

	xa_lock_irq(&mapping->i_pages);
	if (xa_load(&mapping->i_pages, index)) {
		/* Another task was faster. */
		xa_unlock_irq(&mapping->i_pages);
		folio->page.mapping = NULL;
		folio_unlock(folio);
		folio_put(folio);
		return filemap_grab_folio(mapping, index);
	}
	folio_get(folio);
	__xa_store(&mapping->i_pages, index, folio, GFP_ATOMIC);
	xa_unlock_irq(&mapping->i_pages);
	return folio;
}

/* Fills @fbatch from *start on, each folio locked and with a reference; *start moves behind them. */
unsigned int find_lock_entries(struct address_space *mapping, pgoff_t *start, pgoff_t last, struct folio_batch *fbatch)
{
	struct folio *folio;
	unsigned long index;

	fbatch->nr = 0;
	for (index = *start; index <= last && fbatch->nr < FOLIO_BATCH_SIZE; index++) {
		if (!xa_find(&mapping->i_pages, &index, last))
			break;
		folio = filemap_lock_folio(mapping, index);
		if (folio)
			fbatch->folios[fbatch->nr++] = folio;
		*start = index + 1;
	}
	return fbatch->nr;
}

/* The owner's last word on a folio that left the cache, then the cache's reference. */
void filemap_free_folio(struct address_space *mapping, struct folio *folio)
{
	void (*free_folio)(struct folio *folio);

	free_folio = mapping->a_ops->free_folio;
	if (free_folio)
		free_folio(folio);
	folio_put(folio);
}

/* The folios' owner is asked only after xa_lock is gone, because it may sleep. */
void delete_from_page_cache_batch(struct address_space *mapping, struct folio_batch *fbatch)
{
	unsigned int i;

	xa_lock_irq(&mapping->i_pages);
	for (i = 0; i < fbatch->nr; i++) {
		__xa_erase(&mapping->i_pages, fbatch->folios[i]->page.index);
		fbatch->folios[i]->page.mapping = NULL;
	}
	xa_unlock_irq(&mapping->i_pages);

	for (i = 0; i < fbatch->nr; i++)
		filemap_free_folio(mapping, fbatch->folios[i]);
}
