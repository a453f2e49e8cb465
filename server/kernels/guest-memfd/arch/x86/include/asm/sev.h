/* SPDX-License-Identifier: MIT */
#ifndef __ASM_SEV_H
#define __ASM_SEV_H

#include <asm/pgtable.h>
#include <linux/types.h>

/* What RMPUPDATE writes: AMD64 Architecture Programmer's Manual, volume 3. */
struct rmp_state {
	u64 gpa;
	u8 assigned;
	u8 pagesize;			/* 0: 4K, 1: 2M */
	u8 immutable;
	u32 asid;
};

#define RMP_PG_SIZE_4K	0
#define RMP_PG_SIZE_2M	1

/* RMPUPDATE's result when another CPU works on an overlapping range: try again. */
#define RMPUPDATE_FAIL_OVERLAP	4

/* The instructions. */
int __rmpupdate(unsigned long paddr, struct rmp_state *state);
/* One assigned 2M entry becomes 512 of 4K. */
int __psmash(unsigned long paddr);
int __rmpread(unsigned long paddr, struct rmp_state *state);

/* Before RMPUPDATE of an entry of @rmp_level that will be assigned to a guest, or not; may sleep. */
int adjust_direct_map(u64 pfn, int rmp_level, bool assigned);

/* Pages of a folio of that order are the host's again. */
void restore_direct_map(u64 start, u64 end, unsigned int order);

int snp_lookup_rmpentry(u64 pfn, bool *assigned, int *level);
int rmp_make_private(u64 pfn, u64 gpa, enum pg_level level, u32 asid, bool immutable);
int rmp_make_shared(u64 pfn, enum pg_level level);
int psmash(u64 pfn);
void snp_leak_pages(u64 pfn, unsigned int npages);

#endif
