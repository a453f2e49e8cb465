/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_LOCKDEP_H
#define _LINUX_LOCKDEP_H

/* What a function expects of its callers. */
void __lockdep_assert(const void *lock, const char *how);
#define lockdep_assert_held(lock)	__lockdep_assert(lock, "held")
#define lockdep_assert_held_read(lock)	__lockdep_assert(lock, "read")
#define lockdep_assert_held_write(lock)	__lockdep_assert(lock, "write")

#endif
