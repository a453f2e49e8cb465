/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/types.h>

#define EPERM		1
#define ENOENT		2
#define EINTR		4
#define EIO		5
#define EIO		5
#define EBADF		9
#define EAGAIN		11
#define EAGAIN		11
#define ENOMEM		12
#define EFAULT		14
#define EBUSY		16
#define EEXIST		17
#define ENODEV		19
#define EINVAL		22
#define ENOTTY		25
#define EOPNOTSUPP	95

#define offsetof(type, member)	__builtin_offsetof(type, member)
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define round_down(x, a)	((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)	(((x) & ((typeof(x))(a) - 1)) == 0)
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define BIT_ULL(nr)		(1ULL << (nr))

#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile typeof(x) *)&(x) = (value))

#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-4095)
#define PTR_ERR(ptr)		((long)(ptr))
#define ERR_PTR(error)		((void *)(long)(error))

/* The rest of this file is the machine's: declared here, modelled there. */
void smp_rmb(void);
void smp_wmb(void);
u64 cmpxchg64(u64 *ptr, u64 old, u64 new);
int atomic_read(const atomic_t *v);
int atomic_inc_return(atomic_t *v);
int atomic_dec_and_test(atomic_t *v);
void atomic_inc(atomic_t *v);
void atomic_set(atomic_t *v, int value);
bool atomic_inc_not_zero(atomic_t *v);
void *memcpy(void *to, const void *from, size_t n);
unsigned long copy_from_user(void *to, const void __user *from, unsigned long n);
unsigned long copy_to_user(void __user *to, const void *from, unsigned long n);

void might_sleep(void);
int cond_resched(void);
bool need_resched(void);
__printf(1, 2) int pr_err(const char *format, ...);
__printf(1, 2) int pr_info(const char *format, ...);
__printf(1, 2) int pr_warn(const char *format, ...);
bool __warn(bool condition, const char *text);
#define WARN_ON_ONCE(condition)	__warn(!!(condition), #condition)

#define EXPORT_SYMBOL_GPL(symbol)	extern typeof(symbol) symbol
#define module_init(function)	int (*const __initcall_##function)(void) = function

#endif
