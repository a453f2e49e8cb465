/** Lock primitives by name. The tables with their sources are grammars/locks.json. */
import table from '../../../grammars/locks.json' with { type: 'json' };

export type LockMode = 'read' | 'write' | 'spin' | 'mutex' | 'srcu' | 'rcu';

export interface LockPrimitive {
  name: string;
  op: 'acquire' | 'release' | 'try' | 'yield' | 'assert-held' | 'assert-not-held' | 'downgrade';
  mode: LockMode | null;
  /** Index of the argument that points to the lock; null for a lock that isn't named at the call. */
  lockArgument: number | null;
  /** Name of such a lock. */
  global?: string;
  /** Of a try: is the lock held when the result is non-zero, or when it is zero? */
  result?: 'nonzero-held' | 'zero-held';
  maySleep: boolean;
}

const primitives = new Map<string, LockPrimitive>(
  (table.locks as LockPrimitive[]).map((row) => [row.name, row]),
);

interface GuardClass extends Omit<LockPrimitive, 'name'> {
  class: string;
}

/** Classes of `guard(class)(lock)` (include/linux/cleanup.h). */
const guards = new Map<string, LockPrimitive>(
  (table.guards as unknown as GuardClass[]).map((row) => [
    row.class,
    { ...row, name: `guard(${row.class})` },
  ]),
);

export const lockPrimitive = (name: string): LockPrimitive | undefined => primitives.get(name);
export const guardPrimitive = (name: string): LockPrimitive | undefined => guards.get(name);

/** Calls after whose names a function is worth a closer look. */
export const LOCK_WORDS: ReadonlySet<string> = new Set([
  ...primitives.keys(),
  'guard',
  'scoped_guard',
  'scoped_cond_guard',
  'CLASS',
  'ACQUIRE',
]);
