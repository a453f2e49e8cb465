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

/** Primitives that the project at hand adds to the table, by `useProjectLocks`. */
const ofProject = new Map<string, LockPrimitive>();

export const lockPrimitive = (name: string): LockPrimitive | undefined =>
  primitives.get(name) ?? ofProject.get(name);
export const guardPrimitive = (name: string): LockPrimitive | undefined => guards.get(name);

const words = new Set([
  ...primitives.keys(),
  'guard',
  'scoped_guard',
  'scoped_cond_guard',
  'CLASS',
  'ACQUIRE',
]);

/** Calls after whose names a function is worth a closer look. */
export const LOCK_WORDS: ReadonlySet<string> = words;

/**
 * Takes in the locks that a project names in its own file, in the stead of those of a project before: a process looks
 * at one tree at a time. To be called before the tree's program is linked.
 */
export function useProjectLocks(rows: readonly LockPrimitive[]): void {
  for (const name of ofProject.keys()) words.delete(name);
  ofProject.clear();
  for (const row of rows) {
    if (primitives.has(row.name)) continue;
    ofProject.set(row.name, row);
    words.add(row.name);
  }
}

/** Names of the project's primitives whose lock their call doesn't name. */
export const namelessProjectLocks = (): string[] =>
  [...ofProject.values()].filter((row) => row.lockArgument === null).map((row) => row.name);
