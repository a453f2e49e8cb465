// SPDX-License-Identifier: MIT
/* What becomes of the directmap where a guest owns pages, and after it (mail rows B1 to B4). */
#include <asm/sev.h>
#include <asm/set_memory.h>
#include <linux/mm.h>

#define PAGES_OF_2M	(1UL << PMD_ORDER)

static unsigned long directmap_of(u64 pfn)
{
	return (unsigned long)pfn_to_kaddr(pfn);
}

/*
 * The hardware checks a write of the host at the size of its mapping: through a 2M
 * mapping that overlaps one assigned 4K page, writes to all the others fault as well.
 * An entry of 2M and a mapping of 2M are no trouble: all of it is the guest's.
 */
int adjust_direct_map(u64 pfn, int rmp_level, bool assigned)
{
#if defined(CONFIG_RMEM_DIRECTMAP_SPLIT)
	unsigned int level;

	if (rmp_level == PG_LEVEL_2M)
		return 0;
	lookup_address(directmap_of(pfn), &level);
	return level == PG_LEVEL_4K ? 0 : set_memory_4k(directmap_of(pfn), 1);
#elif defined(CONFIG_RMEM_DIRECTMAP_REMOVE)
	/* What isn't mapped can't be written to, and what becomes the host's is mapped after that. */
	return assigned ? set_memory_np(directmap_of(pfn), rmp_level == PG_LEVEL_2M ? PAGES_OF_2M : 1) : 0;
#else
	/* Wrong: the neighbours of the page can't be written to any more (mail row B1). */
	return 0;
#endif
}

#ifdef CONFIG_RMEM_RESTORE_WHEN_UNIFORM
/*
 * One page of the guest in it, and writes to all the others fault. Looks from @pfn on:
 * where pages go one after the other, the next one is still the guest's.
 */
static bool is_2m_shared(u64 pfn)
{
	u64 first = round_down(pfn, PAGES_OF_2M);
	unsigned long i;

	for (i = 0; i < PAGES_OF_2M; i++) {
		bool assigned;
		int level;

		if (snp_lookup_rmpentry(first + (pfn - first + i) % PAGES_OF_2M, &assigned, &level) || assigned)
			return false;
	}
	return true;
}
#endif

void restore_direct_map(u64 start, u64 end, unsigned int order)
{
#ifdef CONFIG_RMEM_DIRECTMAP_REMOVE
	set_memory_p(directmap_of(start), end - start);
#endif
#if defined(CONFIG_RMEM_RESTORE_ON_FULL_2M)
	u64 pfn;

	/* All of a folio's 2M, or some of it may be somebody else's by now (mail row B2). */
	if (order < PMD_ORDER)
		return;
	for (pfn = round_down(start + PAGES_OF_2M - 1, PAGES_OF_2M); pfn + PAGES_OF_2M <= end; pfn += PAGES_OF_2M)
		cpa_collapse_large_page(directmap_of(pfn));
#elif defined(CONFIG_RMEM_RESTORE_WHEN_UNIFORM)
	u64 pfn;

	/* Whoever else uses a part of it: what counts is that no guest does (mail row B3). */
	for (pfn = round_down(start, PAGES_OF_2M); pfn < end; pfn += PAGES_OF_2M) {
		if (is_2m_shared(min(end, pfn + PAGES_OF_2M - 1)))
			cpa_collapse_large_page(directmap_of(pfn));
	}
#elif defined(CONFIG_RMEM_BUG_RESTORE_PARTLY)
	/* Wrong: the order was 2M, but what of it goes now needn't be all (mail row B2). */
	if (order >= PMD_ORDER)
		cpa_collapse_large_page(directmap_of(start));
#endif
}
