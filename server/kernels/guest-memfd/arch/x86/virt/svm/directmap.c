// SPDX-License-Identifier: MIT
/* What the directmap has to be before an entry of the RMP changes. */
#include <asm/sev.h>
#include <asm/set_memory.h>
#include <linux/mm.h>

/*
 * The hardware checks a write of the host at the size of its mapping: through a 2M
 * mapping that overlaps one assigned 4K page, writes to all the others fault as well.
 * So the directmap is split first (mail row B1), which sleeps (mail row A6).
 */
int adjust_direct_map(u64 pfn, int rmp_level, bool assigned)
{
#ifdef CONFIG_GMEM_BUG_NO_DIRECTMAP_SPLIT
	/* Wrong: the neighbours of the page can't be written to any more (mail row B1). */
	return 0;
#else
	unsigned long vaddr = (unsigned long)pfn_to_kaddr(pfn);
	unsigned int level;

	if (rmp_level == PG_LEVEL_2M)
		return 0;
	if (!lookup_address(vaddr, &level) || level == PG_LEVEL_4K)
		return 0;
	return set_memory_4k(vaddr, 1);
#endif
}
