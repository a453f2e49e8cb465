// SPDX-License-Identifier: MIT
/* The RMP: one entry for each 4K page of the host, which says whose the page is. */
#include <asm/sev.h>
#include <asm/set_memory.h>
#include <linux/mm.h>

int snp_lookup_rmpentry(u64 pfn, bool *assigned, int *level)
{
	struct rmp_state state;

	if (__rmpread(pfn << PAGE_SHIFT, &state))
		return -ENODEV;
	*assigned = state.assigned;
	*level = state.pagesize == RMP_PG_SIZE_2M ? PG_LEVEL_2M : PG_LEVEL_4K;
	return 0;
}
EXPORT_SYMBOL_GPL(snp_lookup_rmpentry);

/*
 * The hardware checks a write of the host at the size of its mapping: through a 2M
 * mapping that overlaps one assigned 4K page, writes to all the others fault as well.
 * So the directmap is split first (mail row B1), which sleeps (mail row A6).
 */
static int adjust_direct_map(u64 pfn, int rmp_level)
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

/* May sleep: never under mmu_lock, or any other lock that spins (mail row A6). */
static int rmpupdate(u64 pfn, struct rmp_state *state)
{
	int level = state->pagesize == RMP_PG_SIZE_2M ? PG_LEVEL_2M : PG_LEVEL_4K;
	int r;

	if (adjust_direct_map(pfn, level))
		return -EFAULT;

	do {
		r = __rmpupdate(pfn << PAGE_SHIFT, state);
	} while (r == RMPUPDATE_FAIL_OVERLAP);

	if (r) {
		pr_err("RMPUPDATE failed for PFN %llx: %d\n", pfn, r);
		return -EFAULT;
	}
	return 0;
}

int rmp_make_private(u64 pfn, u64 gpa, enum pg_level level, u32 asid, bool immutable)
{
	struct rmp_state state = {
		.gpa = gpa,
		.assigned = 1,
		.pagesize = level == PG_LEVEL_2M ? RMP_PG_SIZE_2M : RMP_PG_SIZE_4K,
		.immutable = immutable,
		.asid = asid,
	};

	return rmpupdate(pfn, &state);
}
EXPORT_SYMBOL_GPL(rmp_make_private);

int rmp_make_shared(u64 pfn, enum pg_level level)
{
	struct rmp_state state = {
		.pagesize = level == PG_LEVEL_2M ? RMP_PG_SIZE_2M : RMP_PG_SIZE_4K,
	};

	return rmpupdate(pfn, &state);
}
EXPORT_SYMBOL_GPL(rmp_make_shared);

/* A reference that nobody drops: better to lose the page than to fault on it. */
void snp_leak_pages(u64 pfn, unsigned int npages)
{
	pr_err("Leaking PFN range %llx-%llx\n", pfn, pfn + npages);
	for (; npages; npages--, pfn++)
		folio_get(page_folio(pfn_to_page(pfn)));
}
EXPORT_SYMBOL_GPL(snp_leak_pages);
