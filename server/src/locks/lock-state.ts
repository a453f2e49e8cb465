/** What one path through a function has done to locks so far. Everything else is as it was at entry. */
import type { Position } from '../kernel-c/syntax.js';
import type { LockMode } from './primitives.js';

/**
 * A lock's name: `kvm.mmu_lock` (member of a struct, whichever object), `sev_bitmap_lock` (a variable),
 * `$2` (the lock that parameter 2 points to), `rcu`.
 */
export type LockName = string;

export type Holding =
  /** `depth`: how often a section that nests was entered, beyond once. */
  | { held: true; mode: LockMode; at: Position; through?: string; depth?: number }
  /** Released what was held at entry. */
  | { held: false; at: Position };

/** Which parameter a lock was given by; undefined for a lock with a name of its own. */
export function parameterOf(lock: LockName): number | undefined {
  return lock.startsWith('$') ? Number(lock.slice(1)) : undefined;
}

/** Key of what a condition was at entry, where it has become another since. */
export const atEntry = (key: string): string => `@${key}`;

/** The key whose truth at entry another key tells; undefined for other keys. */
export const entryKey = (key: string): string | undefined => (key.startsWith('@') ? key.slice(1) : undefined);

/** Mark of a lock that was given away and taken back. */
const takenBack = (lock: LockName): LockName => `~${lock}`;

export interface LockState {
  /** Distinguishes states; equal keys mean equal states. */
  readonly key: string;
  readonly locks: ReadonlyMap<LockName, Holding>;
  /** Truth of variables and conditions that decide about locks, as far as this path knows it. */
  readonly facts: ReadonlyMap<string, boolean>;
}

function keyOf(locks: ReadonlyMap<LockName, Holding>, facts: ReadonlyMap<string, boolean>): string {
  const lockPart = [...locks]
    .map(([name, holding]) => `${name}=${holding.held ? `${holding.mode}${holding.depth ?? ''}` : '-'}`)
    .sort();
  const factPart = [...facts].map(([name, truth]) => `${name}${truth ? '+' : '-'}`).sort();
  return `${lockPart.join(',')}|${factPart.join(',')}`;
}

export function makeState(
  locks: ReadonlyMap<LockName, Holding>,
  facts: ReadonlyMap<string, boolean>,
): LockState {
  return { key: keyOf(locks, facts), locks, facts };
}

export const ENTRY_STATE: LockState = makeState(new Map(), new Map());

/** Sections that may be entered again while inside (Documentation/RCU/whatisRCU.rst). */
const NESTS: ReadonlySet<LockMode> = new Set(['rcu', 'srcu']);
const MAX_DEPTH = 3;

export function acquired(
  state: LockState,
  lock: LockName,
  mode: LockMode,
  at: Position,
  through?: string,
): LockState {
  const before = state.locks.get(lock);
  const locks = new Map(state.locks);
  if (before?.held && NESTS.has(mode))
    locks.set(lock, { ...before, depth: Math.min((before.depth ?? 0) + 1, MAX_DEPTH) });
  else locks.set(lock, through === undefined ? { held: true, mode, at } : { held: true, mode, at, through });
  // Taking back what was held at entry: the caller finds it as it left it.
  if (before && !before.held) locks.set(takenBack(lock), { held: false, at: before.at });
  return makeState(locks, state.facts);
}

export function released(state: LockState, lock: LockName, at: Position): LockState {
  const locks = new Map(state.locks);
  const before = locks.get(lock);
  if (before?.held && before.depth) {
    const { depth, ...outer } = before;
    locks.set(lock, depth > 1 ? { ...outer, depth: depth - 1 } : outer);
  } else if (before?.held && !locks.has(takenBack(lock))) locks.delete(lock);
  else {
    locks.delete(takenBack(lock));
    locks.set(lock, { held: false, at });
  }
  return makeState(locks, state.facts);
}

/** Held for reading from now on; nothing where it isn't known to be held. */
export function downgraded(state: LockState, lock: LockName): LockState {
  const before = state.locks.get(lock);
  if (!before?.held) return state;
  return makeState(new Map([...state.locks, [lock, { ...before, mode: 'read' as const }]]), state.facts);
}

/** The state with another name for a lock. */
export function renamed(state: LockState, from: LockName, to: LockName): LockState {
  const rename = (lock: LockName) => (lock === from ? to : lock === takenBack(from) ? takenBack(to) : lock);
  return makeState(new Map([...state.locks].map(([lock, holding]) => [rename(lock), holding])), state.facts);
}

export function withFact(state: LockState, name: string, truth: boolean | undefined): LockState {
  if (state.facts.get(name) === truth) return state;
  const facts = new Map(state.facts);
  if (truth === undefined) facts.delete(name);
  else facts.set(name, truth);
  return makeState(state.locks, facts);
}

export function withoutFacts(state: LockState): LockState {
  return state.facts.size === 0 ? state : makeState(state.locks, new Map());
}

/** A path's net effect: locks taken and kept, locks given away. Dropped and taken back is no effect. */
export function netEffects(state: LockState): Map<LockName, Holding> {
  const effects = new Map<LockName, Holding>();
  for (const [lock, holding] of state.locks) {
    if (lock.startsWith('~')) continue;
    if (holding.held && state.locks.has(takenBack(lock))) continue;
    effects.set(lock, holding);
  }
  return effects;
}
