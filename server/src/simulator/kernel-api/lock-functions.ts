/** mutex, spinlock, rwlock, rwsem, folio lock, SRCU. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from './kernel.js';
import { acquire, assertHeld, initialise, mightSleep, release } from './locks.js';
import type { LockKind, LockMode } from './state.js';
import type { ModelEntry, ModelTable } from './table-entry.js';

const MUTEX = 'Documentation/locking/mutex-design.rst; kernel/locking/mutex.c';
const SPIN = 'Documentation/locking/spinlocks.rst; include/linux/spinlock.h';
const RWLOCK = 'Documentation/locking/spinlocks.rst; include/linux/rwlock.h';
const RWSEM = 'include/linux/rwsem.h; kernel/locking/rwsem.c';
const SRCU = 'Documentation/RCU/whatisRCU.rst; kernel/rcu/srcutree.c';
const FOLIO = 'include/linux/pagemap.h, folio_lock; mm/filemap.c';

const taking = (source: string, kind: LockKind, mode: LockMode): ModelEntry => ({
  source,
  preemption: true,
  run: (kernel, call) => acquire(kernel, call, kind, mode),
});

const giving = (source: string, mode: LockMode): ModelEntry => ({
  source,
  run: (kernel, call) => release(kernel, call, mode),
});

const setting = (source: string): ModelEntry => ({ source, run: initialise });

/** PG_locked is bit 0 of a page's flags, as in include/linux/page-flags.h. */
const PG_LOCKED = 1n;

function folioLock(kernel: Kernel, call: ModelledCall): Outcome {
  const outcome = acquire(kernel, call, 'folio', 'mutex');
  if (outcome !== undefined) return outcome;
  const page = kernel.object(call.address(0), 'struct page');
  page.set('flags', page.get('flags') | PG_LOCKED);
  return undefined;
}

function folioUnlock(kernel: Kernel, call: ModelledCall): Outcome {
  release(kernel, call, 'mutex');
  const page = kernel.object(call.address(0), 'struct page');
  page.set('flags', page.get('flags') & ~PG_LOCKED);
  return undefined;
}

/** Readers in their critical sections; a change of their number. */
const readers = ({ state }: Kernel, call: ModelledCall, change: number): number => {
  const domain = call.address(0);
  const count = (state.srcuReaders.get(domain) ?? 0) + change;
  state.srcuReaders.set(domain, count);
  return count;
};

export const LOCK_FUNCTIONS: ModelTable = {
  mutex_init: setting(MUTEX),
  mutex_lock: taking(MUTEX, 'mutex', 'mutex'),
  mutex_lock_killable: {
    source: MUTEX,
    preemption: true,
    run: (kernel, call) => acquire(kernel, call, 'mutex', 'mutex') ?? 0,
  },
  mutex_unlock: giving(MUTEX, 'mutex'),
  spin_lock_init: setting(SPIN),
  spin_lock: taking(SPIN, 'spin', 'spin'),
  spin_unlock: giving(SPIN, 'spin'),
  spin_lock_irq: taking(SPIN, 'spin', 'spin'),
  spin_unlock_irq: giving(SPIN, 'spin'),
  rwlock_init: setting(RWLOCK),
  read_lock: taking(RWLOCK, 'rwlock', 'read'),
  read_unlock: giving(RWLOCK, 'read'),
  write_lock: taking(RWLOCK, 'rwlock', 'write'),
  write_unlock: giving(RWLOCK, 'write'),
  // need_resched() is never true here, so the lock is never dropped.
  cond_resched_rwlock_write: { source: 'kernel/sched/core.c, __cond_resched_rwlock_write', run: () => 0 },
  init_rwsem: setting(RWSEM),
  down_read: taking(RWSEM, 'rwsem', 'read'),
  up_read: giving(RWSEM, 'read'),
  down_write: taking(RWSEM, 'rwsem', 'write'),
  up_write: giving(RWSEM, 'write'),
  __lockdep_assert: { source: 'Documentation/locking/lockdep-design.rst', run: assertHeld },
  folio_lock: { source: FOLIO, preemption: true, run: folioLock },
  folio_unlock: { source: FOLIO, run: folioUnlock },
  init_srcu_struct: { source: SRCU, run: () => 0 },
  cleanup_srcu_struct: { source: SRCU, run: () => undefined },
  srcu_read_lock: {
    source: SRCU,
    run: (kernel, call) => {
      readers(kernel, call, 1);
      return 0;
    },
  },
  srcu_read_unlock: {
    source: SRCU,
    run: (kernel, call) => {
      readers(kernel, call, -1);
      return undefined;
    },
  },
  synchronize_srcu: {
    source: SRCU,
    preemption: true,
    run: (kernel, call) => {
      mightSleep(kernel, call);
      return readers(kernel, call, 0) > 0 ? call.block('synchronize_srcu waits for readers') : undefined;
    },
  },
};
