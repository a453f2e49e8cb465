/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_MM_H
#define _LINUX_MM_H

#include <linux/kernel.h>

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_ALIGNED(x)	IS_ALIGNED((unsigned long)(x), PAGE_SIZE)

#define GFP_ATOMIC		0x01u
#define GFP_KERNEL		0x02u	/* may reclaim, so it may sleep (mail row A7) */
#define __GFP_ACCOUNT		0x04u
#define __GFP_ZERO		0x08u
#define GFP_HIGHUSER		0x12u
#define GFP_KERNEL_ACCOUNT	(GFP_KERNEL | __GFP_ACCOUNT)

struct address_space;

#define PMD_ORDER	9		/* 2M */
#define PUD_ORDER	18		/* 1G */

struct page {
	unsigned long flags;
	atomic_t _refcount;
	struct address_space *mapping;
	pgoff_t index;
	unsigned int order;		/* of the first page of a block */
	struct page *compound_head;	/* of the others: the first */
};

/* 2^order pages that are one thing: one reference count, one lock, one entry of a page cache. */
struct folio {
	struct page page;
};

#define nth_page(page, n)	pfn_to_page(page_to_pfn(page) + (n))
#define folio_page(folio, n)	nth_page(&(folio)->page, n)

/* Physical memory and the directmap are the machine's. A block of pages knows its order and who its head is. */
struct page *alloc_page(gfp_t gfp);
struct page *alloc_pages(gfp_t gfp, unsigned int order);
struct page *unmapped_alloc(gfp_t gfp);
void __free_page(struct page *page);
void __free_pages(struct page *page, unsigned int order);
void split_page_owner(struct page *page, unsigned int order);	/* a block becomes single pages */
unsigned long page_to_pfn(const struct page *page);
struct page *pfn_to_page(unsigned long pfn);
void *page_address(const struct page *page);
void *pfn_to_kaddr(unsigned long pfn);
unsigned long __pa(const void *address);
void *__va(unsigned long paddr);
void clear_highpage(struct page *page);		/* a write by the host */
void folio_zero_range(struct folio *folio, size_t start, size_t length);	/* many of them */
void *kzalloc(size_t size, gfp_t gfp);
void kfree(const void *object);
int get_user_pages_fast(unsigned long start, int nr_pages, unsigned int flags, struct page **pages);
#define FOLL_WRITE	0x01u

static inline struct folio *page_folio(struct page *page)
{
	return container_of(page->compound_head ? page->compound_head : page, struct folio, page);
}

static inline unsigned int folio_order(const struct folio *folio)
{
	return folio->page.order;
}

static inline unsigned long folio_nr_pages(const struct folio *folio)
{
	return 1UL << folio_order(folio);
}

static inline unsigned long folio_pfn(struct folio *folio)
{
	return page_to_pfn(&folio->page);
}

static inline int folio_ref_count(struct folio *folio)
{
	return atomic_read(&folio->page._refcount);
}

static inline void folio_get(struct folio *folio)
{
	atomic_inc(&folio->page._refcount);
}

static inline void folio_put(struct folio *folio)
{
	if (atomic_dec_and_test(&folio->page._refcount))
		__free_pages(&folio->page, folio_order(folio));
}

static inline void put_page(struct page *page)
{
	folio_put(page_folio(page));
}

#endif
