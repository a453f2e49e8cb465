/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_VMALLOC_H
#define _LINUX_VMALLOC_H

/* Drops mappings that vmalloc keeps for later; takes a mutex, so it sleeps. */
void vm_unmap_aliases(void);

#endif
