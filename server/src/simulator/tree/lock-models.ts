/** Locks as a real tree calls them, beside those of the table of all kernels. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { LOCK_FUNCTIONS } from '../kernel-api/lock-functions.js';
import { acquire, release } from '../kernel-api/locks.js';
import { entryOf, type ModelTable } from '../kernel-api/table-entry.js';

const SPIN = 'Documentation/locking/spinlocks.rst; include/linux/spinlock.h';
const MUTEX = 'Documentation/locking/mutex-design.rst; kernel/locking/mutex.c';
const SRCU = 'Documentation/RCU/whatisRCU.rst; kernel/rcu/srcutree.c';
const RESCHED = 'kernel/sched/core.c: nobody else wants the CPU here';
const FOLIO = 'include/linux/pagemap.h';

const ofTable = (name: string) => entryOf(LOCK_FUNCTIONS, name);
const isHeld = (kernel: Kernel, lock: bigint): boolean =>
  kernel.state.holds.some((hold) => hold.lock === lock);

function heldHow(kernel: Kernel, call: ModelledCall): Outcome {
  const [lock, how] = [call.address(0), call.text(1)];
  return kernel.state.holds.some(
    (hold) => hold.lock === lock && hold.thread === call.thread.id && (how === 'held' || hold.mode === how),
  );
}

/** PG_locked goes with the lock that the model keeps. */
function tryFolio(kernel: Kernel, call: ModelledCall): Outcome {
  if (isHeld(kernel, call.address(0))) return false;
  ofTable('folio_lock').run(kernel, call);
  return true;
}

export const TREE_LOCKS: ModelTable = {
  ...LOCK_FUNCTIONS,
  mutex_lock_interruptible: ofTable('mutex_lock_killable'),
  mutex_trylock: {
    source: MUTEX,
    preemption: true,
    run: (kernel, call) => {
      if (isHeld(kernel, call.address(0))) return 0;
      acquire(kernel, call, 'mutex', 'mutex');
      return 1;
    },
  },
  mutex_is_locked: { source: MUTEX, run: (kernel, call) => isHeld(kernel, call.address(0)) },
  raw_spin_lock_init: ofTable('spin_lock_init'),
  raw_spin_lock: {
    source: SPIN,
    preemption: true,
    run: (kernel, call) => acquire(kernel, call, 'spin', 'spin'),
  },
  raw_spin_unlock: { source: SPIN, run: (kernel, call) => release(kernel, call, 'spin') },
  rwlock_needbreak: { source: RESCHED, run: () => 0 },
  cond_resched_rwlock_read: { source: RESCHED, run: () => 0 },
  __lockdep_held: { source: 'Documentation/locking/lockdep-design.rst', run: heldHow },
  __srcu_read_lock: { ...ofTable('srcu_read_lock'), source: SRCU },
  __srcu_read_unlock: { ...ofTable('srcu_read_unlock'), source: SRCU },
  synchronize_srcu_expedited: ofTable('synchronize_srcu'),
  folio_trylock: { source: FOLIO, preemption: true, run: tryFolio },
  __folio_set_locked: {
    source: `${FOLIO}: of a folio that nobody else knows yet`,
    run: ofTable('folio_lock').run,
  },
  __folio_clear_locked: { source: FOLIO, run: ofTable('folio_unlock').run },
};
