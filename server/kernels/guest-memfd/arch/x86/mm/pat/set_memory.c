// SPDX-License-Identifier: MIT
/* Changes to the directmap. */
#include <asm/pgtable.h>
#include <asm/set_memory.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

static spinlock_t pgd_lock;

static unsigned int directmap_level(unsigned long addr)
{
	unsigned int level;

	lookup_address(addr, &level);
	return level;
}

/* 1G becomes 2M, 2M becomes 4K. */
static int split_large_page(unsigned long addr, unsigned int level)
{
	struct page *table = alloc_page(GFP_KERNEL);

	if (!table)
		return -ENOMEM;

	spin_lock(&pgd_lock);
	if (directmap_level(addr) == level) {
		__split_directmap(addr, page_address(table));
		table = NULL;
	}
	spin_unlock(&pgd_lock);

	/* Another task was faster. */
	if (table)
		__free_page(table);
	return 0;
}

/* One level a turn. */
static int split_to_4k(unsigned long addr)
{
	unsigned int level;
	int r = 0;

	while (!r && (level = directmap_level(addr)) != PG_LEVEL_4K)
		r = split_large_page(addr, level);
	return r;
}

/* Until no mapping lies on both sides of @addr. */
static int split_at(unsigned long addr)
{
	unsigned int level;
	int r = 0;

	while (!r && !IS_ALIGNED(addr, page_level_size(level = directmap_level(addr))))
		r = split_large_page(addr, level);
	return r;
}

/* Sleeps: vmalloc's lazy mappings go first, and page tables are allocated with reclaim (mail rows A6, A7). */
static int change_page_attr_split(unsigned long addr, int numpages)
{
	int i, r;

	might_sleep();
	vm_unmap_aliases();

	for (i = 0; i < numpages; i++) {
		r = split_to_4k(addr + i * PAGE_SIZE);
		if (r)
			return r;
	}
	flush_tlb_all();
	return 0;
}

/* From here on the range is mapped by 4K pages, until somebody collapses them (mail row B2). */
int set_memory_4k(unsigned long addr, int numpages)
{
	return change_page_attr_split(addr, numpages);
}
EXPORT_SYMBOL_GPL(set_memory_4k);

static int change_page_attr_edges(unsigned long addr, int numpages)
{
	int r;

	might_sleep();
	vm_unmap_aliases();

	r = split_at(addr);
	return r ? r : split_at(addr + numpages * PAGE_SIZE);
}

/*
 * Nothing of the host reaches the range any more, neither by mistake nor through a large
 * mapping (mail row B1). What is mapped by 2M and goes as a whole needn't be split.
 */
int set_memory_np(unsigned long addr, int numpages)
{
	int r = change_page_attr_edges(addr, numpages);

	if (r)
		return r;
	__clear_directmap_present(addr, numpages);
	flush_tlb_all();
	return 0;
}
EXPORT_SYMBOL_GPL(set_memory_np);

int set_memory_p(unsigned long addr, int numpages)
{
	int r = change_page_attr_edges(addr, numpages);

	if (r)
		return r;
	__set_directmap_present(addr, numpages);
	return 0;
}
EXPORT_SYMBOL_GPL(set_memory_p);

/*
 * Puts a 2M mapping back where all of it is mapped alike (mail rows B2, B3). Whether a
 * guest owns something behind it is the caller's to know.
 */
bool cpa_collapse_large_page(unsigned long addr)
{
	bool collapsed;

	might_sleep();
	spin_lock(&pgd_lock);
	collapsed = __collapse_directmap(addr);
	spin_unlock(&pgd_lock);
	if (collapsed)
		flush_tlb_all();
	return collapsed;
}
EXPORT_SYMBOL_GPL(cpa_collapse_large_page);
