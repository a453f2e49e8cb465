/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_SYSCALLS_H
#define _LINUX_SYSCALLS_H

#define SYSCALL_DEFINE4(name, t1, a1, t2, a2, t3, a3, t4, a4)	\
	long sys_##name(t1 a1, t2 a2, t3 a3, t4 a4);		\
	long sys_##name(t1 a1, t2 a2, t3 a3, t4 a4)

#endif
