/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_SET_MEMORY_H
#define _ASM_X86_SET_MEMORY_H

#include <linux/types.h>

int set_memory_4k(unsigned long addr, int numpages);
int set_memory_np(unsigned long addr, int numpages);
int set_memory_p(unsigned long addr, int numpages);
bool cpa_collapse_large_page(unsigned long addr);

#endif
