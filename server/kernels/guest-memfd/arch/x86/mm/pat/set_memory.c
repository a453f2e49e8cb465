// SPDX-License-Identifier: MIT
/* Changes to the directmap. */
#include <asm/pgtable.h>
#include <asm/set_memory.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

static spinlock_t pgd_lock;

/* One level a turn: 1G becomes 2M, 2M becomes 4K. */
static int split_large_page(unsigned long addr)
{
	unsigned int level, now;

	while (lookup_address(addr, &level) && level != PG_LEVEL_4K) {
		struct page *table = alloc_page(GFP_KERNEL);

		if (!table)
			return -ENOMEM;

		spin_lock(&pgd_lock);
		if (lookup_address(addr, &now) && now == level) {
			__split_directmap(addr, page_address(table));
			table = NULL;
		}
		spin_unlock(&pgd_lock);

		/* Another task was faster. */
		if (table)
			__free_page(table);
	}
	return 0;
}

/* Sleeps: vmalloc's lazy mappings go first, and page tables are allocated with reclaim (mail rows A6, A7). */
static int change_page_attr_split(unsigned long addr, int numpages)
{
	int i, r;

	might_sleep();
	vm_unmap_aliases();

	for (i = 0; i < numpages; i++) {
		r = split_large_page(addr + i * PAGE_SIZE);
		if (r)
			return r;
	}
	flush_tlb_all();
	return 0;
}

/* From here on the range is mapped by 4K pages; nothing makes it 2M again (mail row B2). */
int set_memory_4k(unsigned long addr, int numpages)
{
	return change_page_attr_split(addr, numpages);
}
EXPORT_SYMBOL_GPL(set_memory_4k);
