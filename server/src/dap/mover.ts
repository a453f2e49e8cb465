/** Moves of the simulation until something stops them: forward by making moves, backward by looking at the trail. */
import type { Thread } from '../simulator/execution/thread.js';
import type { StoryEntry } from '../simulator/scenario/result.js';
import type { Launched } from './launched.js';
import type { Whereabouts } from './places.js';
import { type Stop, whyNot } from './stops.js';

/** What else than a step's end stops a move. */
export interface StopConditions {
  /** After a move of a thread. */
  stopsAfter(thread: Thread, told: readonly StoryEntry[]): Stop | undefined;
  /** Whether the breakpoints of a place stop a thread that has arrived at it. The simulation is there. */
  stopsAt(thread: Thread, where: Whereabouts): Stop | undefined;
  /** Whether anything can stop at the place, without looking at conditions. */
  mayStopAt(place: number): boolean;
  /** Data breakpoints that a move has hit, from what it told. */
  stopsByStory(told: () => readonly StoryEntry[]): Stop | undefined;
  /** Of the last position before the current one after which watched values changed. Moves there. */
  findValueChange(): Stop | undefined;
}

export type Granularity = 'statement' | 'line';

/** Milliseconds between two looks at what else there is to do. */
const SLICE = 10;
/** Moves between two looks at the clock. */
const MOVES = 32;

export class Mover {
  private pausing = false;

  constructor(
    private readonly launched: Launched,
    private readonly conditions: StopConditions,
    /** Lets others have their turn. */
    private readonly nextTurn: () => Promise<void>,
  ) {}

  /** Stops a move that is going on. */
  pause(): void {
    this.pausing = true;
  }

  /** The run's own schedule goes on, or one thread alone. */
  continue(thread?: Thread): Promise<Stop> {
    return this.forward(thread, () => false);
  }

  /** To the next statement of a thread, wherever that is. */
  stepIn(thread: Thread, granularity: Granularity, alone: boolean): Promise<Stop> {
    return this.stepUntil(thread, alone, (start, now) => {
      if (granularity === 'statement') return true;
      return now.depth !== start.depth || now.place.line !== start.place.line;
    });
  }

  /** To the next statement of a thread that is not in a function it calls. */
  next(thread: Thread, granularity: Granularity, alone: boolean): Promise<Stop> {
    return this.stepUntil(thread, alone, (start, now) => {
      if (now.depth < start.depth) return true;
      return (
        now.depth === start.depth && (granularity === 'statement' || now.place.line !== start.place.line)
      );
    });
  }

  /** To the statement after which the function of a frame has returned. */
  stepOut(thread: Thread, alone: boolean): Promise<Stop> {
    return this.stepUntil(thread, alone, (start, now) => now.depth < start.depth || now.depth === 0);
  }

  private stepUntil(
    thread: Thread,
    alone: boolean,
    isDone: (start: Whereabouts, now: Whereabouts) => boolean,
  ): Promise<Stop> {
    const start = this.launched.places.of(thread);
    return this.forward(
      thread,
      () => {
        const now = this.launched.places.of(thread);
        return now.place.begins && isDone(start, now);
      },
      alone,
    );
  }

  /**
   * @param thread that goes alone; without one, whom the schedule lets go
   * @param alone a thread that can't go makes no place for another
   */
  private async forward(thread: Thread | undefined, isDone: () => boolean, alone = true): Promise<Stop> {
    const { launched, conditions } = this;
    this.pausing = false;
    let slice = performance.now();
    for (let moves = 0; ; moves++) {
      if (this.pausing) return { reason: 'pause', thread };
      const { result, moved } = launched.forward(thread);
      if (!moved) {
        if (this.isOver()) return { reason: 'end', thread };
        // Nothing was done: whoever can go does, so that a step is one.
        if (moves === 0 && !alone && thread) return this.instead(thread);
        return { reason: 'step', thread, ...described(thread && whyNot(thread)) };
      }
      const stop = conditions.stopsAfter(moved, result.story) ?? this.arrived(moved);
      if (stop) return stop;
      if (this.isOver()) return { reason: 'end', thread: moved };
      if (thread && isDone()) return { reason: 'step', thread };
      if (thread && moved.state === 'ended') return { reason: 'step', thread, ...described(whyNot(thread)) };
      if (moves % MOVES === MOVES - 1 && performance.now() - slice > SLICE) {
        await this.nextTurn();
        slice = performance.now();
      }
    }
  }

  private isOver(): boolean {
    const { simulation, history } = this.launched;
    return simulation.over && history.position >= history.length;
  }

  /** A step of whom the schedule lets go, because the chosen thread can't. */
  private instead(thread: Thread): Promise<Stop> {
    const other = this.launched.simulation.next();
    const why = whyNot(thread);
    if (!other || other === thread) return this.forward(undefined, () => false);
    return this.stepIn(other, 'line', true).then((stop) =>
      stop.reason === 'step' && stop.description === undefined
        ? { ...stop, ...described(why === undefined ? undefined : `${why}; ${other.name} went instead`) }
        : stop,
    );
  }

  private arrived(thread: Thread): Stop | undefined {
    const where = this.launched.places.of(thread);
    if (!where.place.begins || !this.conditions.mayStopAt(where.place.id)) return undefined;
    return this.conditions.stopsAt(thread, where);
  }

  // ---- backward

  /** To the statement of a thread before the current one, over the functions that it called. */
  async stepBack(thread: Thread, granularity: Granularity): Promise<Stop> {
    const { history } = this.launched;
    if (history.position === 0) return { reason: 'entry', thread, description: 'the beginning of the run' };
    const to = granularity === 'statement' ? history.position - 1 : this.lineBefore(thread);
    history.goTo(to);
    return { reason: 'step', thread };
  }

  /** The last position at which a thread was at the line before its current one. */
  private lineBefore(thread: Thread): number {
    const { trail, history, threads, places } = this.launched;
    const index = threads.indexOf(thread);
    const start = places.of(thread);
    let move = trail.last(index, history.position).position;
    if (move === 0) return history.position - 1;
    let found: { position: number; where: Whereabouts } | undefined;
    for (;;) {
      const { position, where } = trail.last(index, move - 1);
      const isAtLevel = where.depth <= start.depth && where.place.begins;
      // Where several statements stand on a line, its first one is meant.
      const goesOn =
        isAtLevel && where.depth === found?.where.depth && where.place.line === found.where.place.line;
      if (found && !goesOn) break;
      if (isAtLevel) found = { position: move - 1, where };
      if (position === 0) break;
      move = position;
    }
    return found?.position ?? 0;
  }

  /** Back to the last breakpoint, or to the beginning. */
  async reverseContinue(thread?: Thread): Promise<Stop> {
    const { launched, conditions } = this;
    const { history, trail, threads } = launched;
    this.pausing = false;
    const start = history.position;
    let slice = performance.now();
    const value = conditions.findValueChange();
    const stopAt = value ? history.position : 0;
    if (value) history.goTo(start);
    for (let position = start - 1; position >= stopAt; position--) {
      if (this.pausing) {
        history.goTo(position);
        return { reason: 'pause', thread };
      }
      const byStory = conditions.stopsByStory(() => launched.told(position + 1));
      if (byStory) {
        history.goTo(position);
        return byStory;
      }
      const mark = trail.at(position);
      const mover = mark && threads[mark.thread];
      if (
        mark &&
        mover &&
        (!thread || mover === thread) &&
        mark.place.begins &&
        conditions.mayStopAt(mark.place.id)
      ) {
        history.goTo(position);
        const stop = conditions.stopsAt(mover, mark);
        if (stop) return stop;
      }
      if (performance.now() - slice > SLICE) {
        await this.nextTurn();
        slice = performance.now();
      }
    }
    history.goTo(stopAt);
    return value ?? { reason: 'entry', thread, description: 'the beginning of the run' };
  }
}

const described = (description: string | undefined): { description?: string } =>
  description === undefined ? {} : { description };
