/* SPDX-License-Identifier: MIT */
/* What the VMM uses of a C library. Its calls are the system calls of this kernel. */
#ifndef _VMM_LIBC_H
#define _VMM_LIBC_H

#include <linux/types.h>

#define EINTR		4
#define O_RDWR		2
#define PROT_READ	1
#define PROT_WRITE	2
#define MAP_PRIVATE	0x02
#define MAP_ANONYMOUS	0x20

extern int errno;

int open(const char *path, int flags);
int close(int fd);
int ioctl(int fd, unsigned long request, void *argument);
int fallocate(int fd, int mode, loff_t offset, loff_t len);
void *mmap(void *addr, size_t length, int prot, int flags, int fd, loff_t offset);

#endif
