/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_MUTEX_H
#define _LINUX_MUTEX_H

#include <linux/lockdep.h>

struct mutex {
	int locked;
};

void mutex_init(struct mutex *lock);
void mutex_lock(struct mutex *lock) __acquires(lock);
int __must_check mutex_lock_killable(struct mutex *lock);
void mutex_unlock(struct mutex *lock) __releases(lock);

#endif
