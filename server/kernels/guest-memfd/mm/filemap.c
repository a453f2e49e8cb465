// SPDX-License-Identifier: MIT
/* The page cache: an xarray of folios, each with a reference for being in it. */
#include <linux/pagemap.h>

/* The folio around @index, locked and with a reference, or NULL. */
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
		/* Truncated or split while we slept? Then look again. */
		if (folio->page.mapping == mapping && folio_contains(folio, index))
			return folio;
		folio_unlock(folio);
		folio_put(folio);
	}
}

/* The same, but a missing folio is allocated. Its reclaim may sleep (mail row A7). */
struct folio *filemap_grab_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio;

	do {
		folio = filemap_grab_folio_order(mapping, index, 0);
	} while (folio == ERR_PTR(-EEXIST));
	return folio;
}

static struct page *filemap_alloc_pages(struct address_space *mapping, unsigned int order)
{
	if (!order && (mapping->flags & AS_GROUPED))
		return unmapped_alloc(GFP_HIGHUSER);
	return alloc_pages(GFP_HIGHUSER, order);
}

/*
 * The folio around @index, or a new one of 2^@order pages. That begins where such a
 * folio may begin: @index is rounded down, whoever asks (mail row C2). -EEXIST where
 * smaller folios are in its place already.
 */
struct folio *filemap_grab_folio_order(struct address_space *mapping, pgoff_t index, unsigned int order)
{
	pgoff_t first = round_down(index, 1UL << order);
	unsigned long taken = first;
	struct folio *folio = filemap_lock_folio(mapping, index);
	struct page *page;
	int r;

	if (folio)
		return folio;

	page = filemap_alloc_pages(mapping, order);
	if (!page)
		return ERR_PTR(-ENOMEM);
	r = xa_reserve(&mapping->i_pages, first, GFP_KERNEL);
	if (r) {
		__free_pages(page, order);
		return ERR_PTR(r);
	}

	folio = page_folio(page);
	folio_lock(folio);
	folio->page.mapping = mapping;
	folio->page.index = first;

	xa_lock_irq(&mapping->i_pages);
	if (xa_find(&mapping->i_pages, &taken, first + (1UL << order) - 1)) {
		/* Another task was faster. */
		xa_unlock_irq(&mapping->i_pages);
		folio->page.mapping = NULL;
		folio_unlock(folio);
		folio_put(folio);
		return ERR_PTR(-EEXIST);
	}
	folio_get(folio);
	__xa_store_order(&mapping->i_pages, first, order, folio, GFP_ATOMIC);
	xa_unlock_irq(&mapping->i_pages);
	return folio;
}

/*
 * Fills @fbatch from *start on with folios that lie in the range as a whole, each locked
 * and with a reference; *start moves behind them.
 */
unsigned int find_lock_entries(struct address_space *mapping, pgoff_t *start, pgoff_t last, struct folio_batch *fbatch)
{
	struct folio *folio;
	unsigned long index, next;

	fbatch->nr = 0;
	for (index = *start; index <= last && fbatch->nr < FOLIO_BATCH_SIZE; index = next) {
		if (!xa_find(&mapping->i_pages, &index, last))
			break;
		next = index + 1;
		folio = filemap_lock_folio(mapping, index);
		if (folio) {
			pgoff_t first = folio->page.index;

			next = first + folio_nr_pages(folio);
			if (first >= index && next - 1 <= last) {
				fbatch->folios[fbatch->nr++] = folio;
			} else {
				folio_unlock(folio);
				folio_put(folio);
			}
		}
		*start = next;
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
