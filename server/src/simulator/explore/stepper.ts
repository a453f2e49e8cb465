/**
 * Transitions: what an actor does from one preemption point to the next. Points are before lock operations and sleeping
 * calls, between two actions, and before statements that touch what others touch without a common lock (races.ts).
 */
import type { Thread } from '../execution/thread.js';
import { isRepeating, type Simulation } from '../scenario/simulation.js';
import type { Footprint } from './footprint.js';
import { LOCKS, Races } from './races.js';
import { Watch } from './watch.js';

/** An actor's share of a path. */
export interface Part {
  thread: number;
  /** Calls of Simulation.step. */
  steps: number;
}

/** An interleaving that can't be carried out, though the kernel isn't to blame. */
export class ExplorationError extends Error {}

export interface Transition extends Part {
  /**
   * `waits`: nothing was done, the actor has to wait. `repeats`: the guest will try the same access again, which makes no
   * sense before others have gone on. `over`: the run is over.
   */
  k: 'moved' | 'repeats' | 'waits' | 'over';
  footprint: Footprint;
}

/** An actor that doesn't get to a preemption point. */
const MOST_STEPS = 200_000;

export class Stepper {
  readonly races = new Races();
  private readonly watch: Watch;
  private readonly statements = new Map<string, number>();
  private thread = 0;
  private statement = 0;
  private locks: number | undefined;

  /** @param everyStatement each statement is a preemption point: for comparison */
  constructor(
    readonly simulation: Simulation,
    private readonly everyStatement = false,
  ) {
    this.watch = new Watch(simulation, (place, touch) => {
      const { races } = this;
      if (touch & LOCKS) {
        this.locks = undefined;
        return;
      }
      this.locks ??= races.lockSet(simulation.kernel.plainState.holds, this.threadOf(this.thread).id);
      races.access(place, { thread: this.thread, touch, statement: this.statement, locks: this.locks });
    });
  }

  threadOf(index: number): Thread {
    return this.simulation.threads[index]!;
  }

  /** Actors that have not ended. */
  alive(): number[] {
    return this.simulation.threads.flatMap(({ state }, index) => (state === 'ended' ? [] : [index]));
  }

  /** Nobody can go on: what that means, with why each waits. */
  conclude(): void {
    for (const index of this.alive()) this.simulation.step(this.threadOf(index));
    this.simulation.conclude();
  }

  /** @throws ExplorationError why the run has ended without a hazard */
  failed(): never {
    throw new ExplorationError(this.simulation.finish().message ?? 'an interleaving can’t be carried out');
  }

  /**
   * One transition of an actor.
   * @param alone nobody else has gone on since its guest's access failed the last time
   */
  run(index: number, alone: boolean): Transition {
    const { simulation, watch } = this;
    const thread = this.threadOf(index);
    if (!alone && isRepeating(thread)) simulation.guest.forgetRetries(vcpuOf(thread));
    this.thread = index;
    watch.begin();
    let steps = 0;
    let k: Transition['k'] = 'moved';
    for (;;) {
      this.statement = this.statementOf(thread);
      this.locks = undefined;
      const result = simulation.step(thread);
      if (result.k === 'blocked' && !result.progress) {
        if (steps === 0) k = 'waits';
        else steps++;
        break;
      }
      steps++;
      if (simulation.over) {
        k = 'over';
        break;
      }
      if (result.k === 'blocked') {
        k = 'repeats';
        break;
      }
      if (steps > MOST_STEPS)
        throw new ExplorationError(`${thread.name} makes ${steps} steps and meets nobody`);
      if (result.k === 'ended' || result.atPreemption || thread.frames.length === 1) break;
      if (this.everyStatement || this.races.points.has(this.statementOf(thread))) break;
    }
    return { k, thread: index, steps, footprint: watch.end() };
  }

  /** Number of the statement that a thread is at. */
  private statementOf(thread: Thread): number {
    const top = thread.frames.findLast(({ k }) => k === 'c');
    const key =
      top?.k === 'c'
        ? `${this.simulation.c.indexOf(top.code.compiled.symbol)}:${top.pc}`
        : `${thread.name}'s actions`;
    let number = this.statements.get(key);
    if (number === undefined) {
      number = this.statements.size;
      this.statements.set(key, number);
    }
    return number;
  }
}

const vcpuOf = ({ name }: Thread): number => Number(/\d+$/.exec(name)?.[0] ?? 0);

/** The same for states from which the same can come to pass. */
export const keyOf = ({ simulation }: Stepper, repeating: ReadonlySet<number>): string =>
  `${simulation.futureHash()} ${[...repeating].sort().join()}`;
