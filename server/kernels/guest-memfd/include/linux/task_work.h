/* SPDX-License-Identifier: MIT */
#ifndef _LINUX_TASK_WORK_H
#define _LINUX_TASK_WORK_H

struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *head);
};

static inline void init_task_work(struct callback_head *work, void (*func)(struct callback_head *head))
{
	work->func = func;
}

/* Runs @work when the current task returns to user mode, with no lock held. */
void task_work_add(struct callback_head *work);

#endif
