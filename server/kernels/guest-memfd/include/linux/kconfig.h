/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_KCONFIG_H
#define _LINUX_KCONFIG_H

/* 1 where the option is y, else 0; in C and in #if. */
#define __ENABLED_1			~,
#define __enabled_second(a, b, ...)	b
#define __enabled_pick(junk)		__enabled_second(junk 1, 0, 0)
#define __enabled_paste(value)		__enabled_pick(__ENABLED_##value)
#define IS_ENABLED(option)		__enabled_paste(option)

#endif
