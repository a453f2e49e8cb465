/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_RWSEM_H
#define _LINUX_RWSEM_H

#include <linux/lockdep.h>

/* Sleeps, unlike rwlock_t. */
struct rw_semaphore {
	int readers, writer;
};

void init_rwsem(struct rw_semaphore *sem);
void down_read(struct rw_semaphore *sem) __acquires(sem);
void up_read(struct rw_semaphore *sem) __releases(sem);
void down_write(struct rw_semaphore *sem) __acquires(sem);
void up_write(struct rw_semaphore *sem) __releases(sem);

#endif
