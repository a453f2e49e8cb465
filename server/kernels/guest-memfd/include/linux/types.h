/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef u32 __u32;
typedef u64 __u64;

typedef _Bool bool;
#define true	1
#define false	0
#define NULL	((void *)0)

typedef unsigned long size_t;
typedef long ssize_t;
typedef long long loff_t;
typedef unsigned long pgoff_t;		/* index in a file, in pages */
typedef unsigned int gfp_t;

typedef struct {
	int counter;
} atomic_t;

struct list_head {
	struct list_head *next, *prev;
};

/* Words that say something to a checker, nothing to the compiler. */
#define __user
#define __init
#define __must_check
#define __acquires(lock)
#define __releases(lock)
#define __always_inline			inline
#define __printf(fmt, first)		__attribute__((__format__(__printf__, fmt, first)))

#endif
