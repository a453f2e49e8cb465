/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_STATIC_CALL_H
#define _LINUX_STATIC_CALL_H

/* A call that the real kernel patches into its code; here a pointer behind a name. */
#define DECLARE_STATIC_CALL(name, func)		extern typeof(func) *__SCK__##name
#define DEFINE_STATIC_CALL_NULL(name, func)	typeof(func) *__SCK__##name
#define static_call(name)			(*__SCK__##name)
#define static_call_update(name, func)		(__SCK__##name = (func))

#endif
