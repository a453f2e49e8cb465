/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_RWLOCK_H
#define _LINUX_RWLOCK_H

#include <linux/lockdep.h>

/* Spins too: many readers or one writer, and none of them may sleep. */
typedef struct {
	int readers, writer;
} rwlock_t;

void rwlock_init(rwlock_t *lock);
void read_lock(rwlock_t *lock) __acquires(lock);
void read_unlock(rwlock_t *lock) __releases(lock);
void write_lock(rwlock_t *lock) __acquires(lock);
void write_unlock(rwlock_t *lock) __releases(lock);
/* Drops the lock, lets others run, takes it again; nonzero if it did. */
int cond_resched_rwlock_write(rwlock_t *lock);

#endif
