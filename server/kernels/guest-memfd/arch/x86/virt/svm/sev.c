// SPDX-License-Identifier: MIT
/* The RMP: one entry for each 4K page of the host, which says whose the page is. */
#include <asm/cpufeature.h>
#include <asm/sev.h>
#include <linux/mm.h>

int snp_lookup_rmpentry(u64 pfn, bool *assigned, int *level)
{
	struct rmp_state state;

	if (!boot_cpu_has(X86_FEATURE_SEV_SNP))
		return -ENODEV;
	if (__rmpread(pfn << PAGE_SHIFT, &state))
		return -ENODEV;
	*assigned = state.assigned;
	*level = state.pagesize == RMP_PG_SIZE_2M ? PG_LEVEL_2M : PG_LEVEL_4K;
	return 0;
}
EXPORT_SYMBOL_GPL(snp_lookup_rmpentry);

/* May sleep: never under mmu_lock, or any other lock that spins (mail row A6). */
static int rmpupdate(u64 pfn, struct rmp_state *state)
{
	int level = state->pagesize == RMP_PG_SIZE_2M ? PG_LEVEL_2M : PG_LEVEL_4K;
	int r;

	if (adjust_direct_map(pfn, level, state->assigned))
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

/* Before a part of a 2M entry can have another owner than the rest (mail row B4). */
int psmash(u64 pfn)
{
	int r;

	do {
		r = __psmash(pfn << PAGE_SHIFT);
	} while (r == RMPUPDATE_FAIL_OVERLAP);
	return r ? -EIO : 0;
}
EXPORT_SYMBOL_GPL(psmash);

/* A reference that nobody drops: better to lose the page than to fault on it. */
void snp_leak_pages(u64 pfn, unsigned int npages)
{
	pr_err("Leaking PFN range %llx-%llx\n", pfn, pfn + npages);
	for (; npages; npages--, pfn++)
		folio_get(page_folio(pfn_to_page(pfn)));
}
EXPORT_SYMBOL_GPL(snp_leak_pages);
