/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_PAGEMAP_H
#define _LINUX_PAGEMAP_H

#include <linux/fs.h>

#define FOLIO_BATCH_SIZE	15

struct folio_batch {
	unsigned int nr;
	struct folio *folios[FOLIO_BATCH_SIZE];
};

/* PG_locked; folio_lock() sleeps until it gets it. */
void folio_lock(struct folio *folio);
void folio_unlock(struct folio *folio);
void folio_mark_uptodate(struct folio *folio);
bool folio_test_uptodate(const struct folio *folio);

static inline bool folio_contains(const struct folio *folio, pgoff_t index)
{
	return index - folio->page.index < folio_nr_pages(folio);
}

struct folio *filemap_lock_folio(struct address_space *mapping, pgoff_t index);
struct folio *filemap_grab_folio(struct address_space *mapping, pgoff_t index);
struct folio *filemap_grab_folio_order(struct address_space *mapping, pgoff_t index, unsigned int order);
int split_folio(struct folio *folio);
unsigned int find_lock_entries(struct address_space *mapping, pgoff_t *start, pgoff_t last, struct folio_batch *fbatch);
void delete_from_page_cache_batch(struct address_space *mapping, struct folio_batch *fbatch);
void filemap_free_folio(struct address_space *mapping, struct folio *folio);

void truncate_inode_pages_range(struct address_space *mapping, loff_t lstart, loff_t lend);
void truncate_inode_pages_final(struct address_space *mapping);

#endif
