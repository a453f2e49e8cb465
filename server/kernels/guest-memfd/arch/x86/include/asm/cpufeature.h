/* SPDX-License-Identifier: MIT */
#ifndef _ASM_X86_CPUFEATURE_H
#define _ASM_X86_CPUFEATURE_H

#include <linux/types.h>

/* The numbers are this kernel's own. */
#define X86_FEATURE_SVM		1
#define X86_FEATURE_SEV_SNP	2
#define X86_FEATURE_TDX_HOST	3

bool boot_cpu_has(unsigned int feature);

#endif
