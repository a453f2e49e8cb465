/* SPDX-License-Identifier: MIT */
/* What the VMM uses of a C library. Its calls are the system calls of this kernel. */
#ifndef _VMM_LIBC_H
#define _VMM_LIBC_H

#include <linux/types.h>

#define EINTR		4

extern int errno;

int fallocate(int fd, int mode, loff_t offset, loff_t len);

#endif
