/**
 * Accesses to one place by two actors, one of them a write, without a lock that keeps them apart: the statements that make them
 * are preemption points. Where all shared accesses are under locks, letting others go before lock operations shows everything;
 * so the points are exactly those that are needed (the lock set algorithm of Savage and others, "Eraser", TOCS 1997; it may
 * see a race where other means keep order, which costs a point and hides nothing).
 */
import type { Hold } from '../kernel-api/state.js';
import { type Place, Touch, touchesConflict } from './footprint.js';

/** Locks keep order among themselves. */
export const LOCKS = Touch.takeRead | Touch.takeWrite | Touch.giveRead | Touch.giveWrite;

interface Access {
  thread: number;
  touch: number;
  /** Number of the statement. */
  statement: number;
  locks: number;
}

type LockSet = readonly { lock: bigint; exclusive: boolean }[];

export class Races {
  /** Statements before which others may go. */
  readonly points = new Set<number>();
  private readonly accesses = new Map<Place, { seen: Set<number>; list: Access[] }>();
  private readonly lockSets: LockSet[] = [];
  private readonly numbers = new Map<string, number>();

  /** Number of the locks that a thread holds. */
  lockSet(holds: readonly Hold[], thread: number): number {
    const own = holds.filter((hold) => hold.thread === thread);
    const set = own.map(({ lock, mode }) => ({ lock, exclusive: mode !== 'read' }));
    const key = set.map(({ lock, exclusive }) => `${lock}${exclusive}`).join();
    let number = this.numbers.get(key);
    if (number === undefined) {
      number = this.lockSets.push(set) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }

  access(place: Place, access: Access): void {
    let known = this.accesses.get(place);
    if (!known) this.accesses.set(place, (known = { seen: new Set(), list: [] }));
    const key = ((access.statement * 256 + access.locks) * 64 + access.thread) * 4096 + access.touch;
    if (known.seen.has(key)) return;
    known.seen.add(key);
    for (const other of known.list) {
      if (other.thread === access.thread || !touchesConflict(other.touch, access.touch)) continue;
      if (this.areKeptApart(other.locks, access.locks)) continue;
      this.points.add(other.statement);
      this.points.add(access.statement);
    }
    known.list.push(access);
  }

  private areKeptApart(a: number, b: number): boolean {
    if (a === b && this.lockSets[a]!.every(({ exclusive }) => !exclusive)) return false;
    return this.lockSets[a]!.some(({ lock, exclusive }) =>
      this.lockSets[b]!.some((other) => other.lock === lock && (exclusive || other.exclusive)),
    );
  }
}
