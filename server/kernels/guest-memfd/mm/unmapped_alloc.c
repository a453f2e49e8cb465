// SPDX-License-Identifier: MIT
/*
 * Single pages that the directmap will lose, taken from 2M blocks of their own: as few 2M
 * mappings as possible are split for them (mail row B3).
 */
#include <linux/pagemap.h>
#include <linux/spinlock.h>

static spinlock_t unmapped_lock;
static struct page *unmapped_block;
static unsigned int unmapped_used;	/* pages of the block that were handed out */

/* One page with one reference. It goes back to the page allocator by itself, not to the block. */
struct page *unmapped_alloc(gfp_t gfp)
{
	struct page *block, *page = NULL;

	spin_lock(&unmapped_lock);
	if (unmapped_block && unmapped_used < 1U << PMD_ORDER)
		page = nth_page(unmapped_block, unmapped_used++);
	spin_unlock(&unmapped_lock);
	if (page)
		goto out;

	block = alloc_pages(gfp, PMD_ORDER);
	if (!block)
		return alloc_page(gfp);
	split_page_owner(block, PMD_ORDER);

	spin_lock(&unmapped_lock);
	unmapped_block = block;
	unmapped_used = 1;
	spin_unlock(&unmapped_lock);
	page = block;
out:
	page->flags = 0;
	page->mapping = NULL;
	atomic_set(&page->_refcount, 1);
	return page;
}
