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

struct page {
	unsigned long flags;
	atomic_t _refcount;
	struct address_space *mapping;
	pgoff_t index;
};

/* One page here: guest_memfd hands out 4 KiB at a time, like 6.12. */
struct folio {
	struct page page;
};

#define folio_page(folio, n)	(&(folio)->page + (n))

/* Physical memory and the directmap are the machine's. */
struct page *alloc_page(gfp_t gfp);
void __free_page(struct page *page);
unsigned long page_to_pfn(const struct page *page);
struct page *pfn_to_page(unsigned long pfn);
void *page_address(const struct page *page);
void *pfn_to_kaddr(unsigned long pfn);
unsigned long __pa(const void *address);
void *__va(unsigned long paddr);
void clear_highpage(struct page *page);		/* a write by the host */
void *kzalloc(size_t size, gfp_t gfp);
void kfree(const void *object);
int get_user_pages_fast(unsigned long start, int nr_pages, unsigned int flags, struct page **pages);
#define FOLL_WRITE	0x01u

static inline struct folio *page_folio(struct page *page)
{
	return container_of(page, struct folio, page);
}

static inline unsigned long folio_pfn(struct folio *folio)
{
	return page_to_pfn(folio_page(folio, 0));
}

static inline void folio_get(struct folio *folio)
{
	atomic_inc(&folio->page._refcount);
}

static inline void folio_put(struct folio *folio)
{
	if (atomic_dec_and_test(&folio->page._refcount))
		__free_page(&folio->page);
}

static inline void put_page(struct page *page)
{
	folio_put(page_folio(page));
}

#endif
