/** What one path through a function has done to locks so far. Everything else is as it was at entry. */
import type { Position } from '../kernel-c/syntax.js';
import type { LockMode } from './primitives.js';

/**
 * A lock's name: `kvm.mmu_lock` (member of a struct, whichever object), `sev_bitmap_lock` (a variable),
 * `$2` (the lock that parameter 2 points to), `rcu`.
 */
export type LockName = string;

export type Holding =
  | { held: true; mode: LockMode; at: Position; through?: string }
  /** Released what was held at entry. */
  | { held: false; at: Position };

export interface LockState {
  /** Distinguishes states; equal keys mean equal states. */
  readonly key: string;
  readonly locks: ReadonlyMap<LockName, Holding>;
  /** Truth of variables and conditions that decide about locks, as far as this path knows it. */
  readonly facts: ReadonlyMap<string, boolean>;
}

function keyOf(locks: ReadonlyMap<LockName, Holding>, facts: ReadonlyMap<string, boolean>): string {
  const lockPart = [...locks].map(([name, holding]) => `${name}=${holding.held ? holding.mode : '-'}`).sort();
  const factPart = [...facts].map(([name, truth]) => `${name}${truth ? '+' : '-'}`).sort();
  return `${lockPart.join(',')}|${factPart.join(',')}`;
}

export function makeState(locks: ReadonlyMap<LockName, Holding>, facts: ReadonlyMap<string, boolean>): LockState {
  return { key: keyOf(locks, facts), locks, facts };
}

export const ENTRY_STATE: LockState = makeState(new Map(), new Map());

export function acquired(state: LockState, lock: LockName, mode: LockMode, at: Position, through?: string): LockState {
  const before = state.locks.get(lock);
  const locks = new Map(state.locks);
  // Taking back what was held at entry: the caller finds it as it left it.
  locks.set(lock, through === undefined ? { held: true, mode, at } : { held: true, mode, at, through });
  if (before && !before.held) locks.set(`~${lock}`, { held: false, at: before.at });
  return makeState(locks, state.facts);
}

export function released(state: LockState, lock: LockName, at: Position): LockState {
  const locks = new Map(state.locks);
  const before = locks.get(lock);
  if (before?.held && !locks.has(`~${lock}`)) locks.delete(lock);
  else {
    locks.delete(`~${lock}`);
    locks.set(lock, { held: false, at });
  }
  return makeState(locks, state.facts);
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
    if (holding.held && state.locks.has(`~${lock}`)) continue;
    effects.set(lock, holding);
  }
  return effects;
}
