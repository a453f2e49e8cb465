/**
 * Going back and forth in a simulation. Steps are deterministic, so a position is reached from a saved state before it by
 * making the same steps again. Saved states are dense around the position and sparse far from it: their number grows with
 * the logarithm of the length.
 *
 * A move is what a user sees as a step: actors that only wait are asked on the way and take none.
 */
import type { Thread } from '../execution/thread.js';
import type { Simulation, StepResult, Told } from './simulation.js';
import type { SimulationState } from './simulation-state.js';
import { StepLog } from './step-log.js';

interface Checkpoint {
  /** Moves made. */
  position: number;
  state: SimulationState;
}

/** Moves between saved states around the position. */
const DENSE = 16;
/** Elsewhere saved states may be as far from each other as this part of their distance to the position. */
const SPARSE = 1 / 16;

export class History {
  private readonly log = new StepLog();
  private readonly firstStory: number;
  /** Changes by hand, by the position that each was made at. */
  private readonly edits = new Map<number, () => void>();
  private checkpoints: Checkpoint[];
  private at = 0;
  /** What is told up to the last known position. */
  private told: Told;

  /** Position 0 is the simulation as it is now. */
  constructor(readonly simulation: Simulation) {
    simulation.next();
    this.firstStory = simulation.story.length;
    this.told = simulation.told();
    this.checkpoints = [{ position: 0, state: simulation.save() }];
  }

  /** Moves made up to here. */
  get position(): number {
    return this.at;
  }

  /** Moves that are known; those behind the position are made again by going forward. */
  get length(): number {
    return this.log.length;
  }

  /** Length of the story at a position. */
  storyAt(position: number): number {
    return this.log.storyAfter(position, this.firstStory);
  }

  /** Who makes the move that leads from a position to the next one. */
  threadAfter(position: number): Thread | undefined {
    return position < this.length ? this.threadOf(this.log.threadsOf(position).at(-1)!) : undefined;
  }

  /**
   * One move: of a thread, or of whom the schedule lets go next. What was done after this position before is forgotten, unless
   * it is the same. A thread that has to wait makes none.
   */
  stepForward(thread?: Thread): StepResult {
    const known = this.threadAfter(this.at);
    if ((known && (!thread || thread === known)) || (!thread && this.edits.has(this.at))) {
      const from = this.simulation.story.length;
      const k = this.again();
      return { k, story: this.simulation.story.from(from), progress: true };
    }
    if (this.simulation.over) return this.simulation.step(thread ?? this.threadOf(0));
    const result = thread ? this.stepOf(thread) : this.stepOfSchedule();
    return result;
  }

  /**
   * Changes the state by hand, as a move of its own: going back undoes it, going forward makes it again.
   * @param change the same for the same state
   */
  edit(change: () => void): void {
    change();
    const position = this.at;
    this.moved([]);
    this.edits.set(position, change);
  }

  /** False at the beginning. */
  stepBack(): boolean {
    if (this.at === 0) return false;
    this.goTo(this.at - 1);
    return true;
  }

  /** @throws RangeError where no move has led to yet */
  goTo(position: number): void {
    if (!Number.isInteger(position) || position < 0 || position > this.length)
      throw new RangeError(`there is no position ${position}: 0 to ${this.length} are known`);
    if (position === this.at) return;
    const from = this.lastCheckpoint(position);
    if (position < this.at || from.position > this.at) this.restore(from);
    while (this.at < position) {
      this.again();
      const spacing = Math.max(DENSE, Math.floor((position - this.at) * SPARSE));
      if (this.at - this.lastCheckpoint(this.at).position >= spacing) this.save();
    }
    this.thin();
  }

  /**
   * The last position before this one of whose state something is true; the simulation is there afterwards. Where it is true
   * of none, it stays where it is.
   */
  goBackTo(isWanted: () => boolean): boolean {
    const start = this.at;
    for (let end = start - 1; end >= 0; ) {
      const { position: first } = this.lastCheckpoint(end);
      let found: number | undefined;
      for (this.goTo(first); ; this.again()) {
        if (isWanted()) found = this.at;
        if (this.at === end) break;
      }
      if (found !== undefined) {
        this.goTo(found);
        return true;
      }
      end = first - 1;
    }
    this.goTo(start);
    return false;
  }

  // ---- steps

  private threadOf(index: number): Thread {
    return this.simulation.threads[index]!;
  }

  private stepOf(thread: Thread): StepResult {
    const before = this.simulation.save();
    const result = this.simulation.step(thread);
    if (result.k === 'blocked' && !result.progress) {
      this.simulation.restore(before);
      return result;
    }
    this.simulation.next();
    this.moved([this.simulation.threads.indexOf(thread)]);
    return result;
  }

  private stepOfSchedule(): StepResult {
    const { simulation } = this;
    const threads: number[] = [];
    let result: StepResult | undefined;
    for (let thread = simulation.next(); thread; thread = simulation.next()) {
      result = simulation.step(thread);
      threads.push(simulation.threads.indexOf(thread));
      if (result.k !== 'blocked' || result.progress) break;
    }
    simulation.next();
    if (result) this.moved(threads);
    return result ?? simulation.step(this.threadOf(0));
  }

  private moved(threads: readonly number[]): void {
    this.log.cut(this.at);
    for (const position of [...this.edits.keys()]) if (position >= this.at) this.edits.delete(position);
    while (this.checkpoints.at(-1)!.position > this.at) this.checkpoints.pop();
    this.log.add(threads, this.simulation.story.length);
    this.told = this.simulation.told();
    this.at++;
    if (this.at - this.checkpoints.at(-1)!.position < DENSE) return;
    this.save();
    this.thin();
  }

  /** Makes the known move from here once more. */
  private again(): StepResult['k'] {
    const { simulation } = this;
    let k: StepResult['k'] = 'blocked';
    simulation.repeat(this.told, () => {
      this.edits.get(this.at)?.();
      for (const index of this.log.threadsOf(this.at)) {
        simulation.next();
        k = simulation.step(this.threadOf(index)).k;
      }
      simulation.next();
    });
    this.at++;
    return k;
  }

  // ---- saved states

  /** The last one that isn't behind a position. */
  private lastCheckpoint(position: number): Checkpoint {
    let low = 0;
    let high = this.checkpoints.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.checkpoints[middle]!.position <= position) low = middle;
      else high = middle;
    }
    return this.checkpoints[low]!;
  }

  private restore({ position, state }: Checkpoint): void {
    this.simulation.restore(state);
    this.at = position;
  }

  private save(): void {
    const index = this.checkpoints.findIndex(({ position }) => position >= this.at);
    if (this.checkpoints[index]?.position === this.at) return;
    const checkpoint = { position: this.at, state: this.simulation.save() };
    this.checkpoints.splice(index < 0 ? this.checkpoints.length : index, 0, checkpoint);
  }

  /** Drops those without which the gaps aren't too large. */
  private thin(): void {
    const kept: Checkpoint[] = [];
    this.checkpoints.forEach((checkpoint, index) => {
      const before = kept.at(-1);
      const after = this.checkpoints[index + 1];
      if (before && after) {
        const distance = Math.max(before.position - this.at, this.at - after.position, 0);
        if (after.position - before.position <= Math.max(DENSE, distance * SPARSE)) return;
      }
      kept.push(checkpoint);
    });
    this.checkpoints = kept;
  }
}
