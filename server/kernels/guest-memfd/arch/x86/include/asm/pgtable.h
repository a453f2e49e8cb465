/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_PGTABLE_H
#define _ASM_X86_PGTABLE_H

#include <linux/types.h>

enum pg_level {
	PG_LEVEL_NONE,
	PG_LEVEL_4K,
	PG_LEVEL_2M,
	PG_LEVEL_1G,
};

typedef struct {
	u64 pte;
} pte_t;

static inline unsigned long page_level_size(unsigned int level)
{
	return 4096UL << (9 * (level - PG_LEVEL_4K));
}

/* The directmap is the machine's: the entry that maps @address, and at which level it sits. */
pte_t *lookup_address(unsigned long address, unsigned int *level);
/* Replaces the mapping of @address by those of the next smaller size, in @table. */
void __split_directmap(unsigned long address, void *table);
/* Of pages whose mappings don't reach beyond them: an access faults, or doesn't any more. */
void __clear_directmap_present(unsigned long address, int numpages);
void __set_directmap_present(unsigned long address, int numpages);
/* One 2M mapping instead of 512 of 4K; false unless all of them are present. */
bool __collapse_directmap(unsigned long address);
void flush_tlb_all(void);

#endif
