/** The locks held before a line, in the order that readers care about. */
import type { LockContext } from '../../locks/contexts.js';
import { MMU_LOCK } from '../shown-locks.js';

/** A lock that is held in one mode or another. */
export type Ways = readonly LockContext[];

export function byLock(contexts: readonly LockContext[]): Ways[] {
  const groups = new Map<string, LockContext[]>();
  for (const context of contexts) groups.set(context.lock, [...(groups.get(context.lock) ?? []), context]);
  return [...groups.values()].sort(byInterest);
}

/** mmu_lock first, it is what one came for; then what is certain. */
function byInterest([a]: Ways, [b]: Ways): number {
  if (!a || !b) return 0;
  return (
    Number(b.lock === MMU_LOCK) - Number(a.lock === MMU_LOCK) ||
    a.when.localeCompare(b.when) ||
    a.lock.localeCompare(b.lock)
  );
}
