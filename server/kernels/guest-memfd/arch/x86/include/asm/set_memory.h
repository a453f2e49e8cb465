/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_SET_MEMORY_H
#define _ASM_X86_SET_MEMORY_H

int set_memory_4k(unsigned long addr, int numpages);

#endif
