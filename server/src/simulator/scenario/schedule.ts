/**
 * Who goes next: the scenario's turns, then each actor in the order of the scenario until it ends or has to wait. Its state
 * is plain data.
 */
import type { Thread } from '../execution/thread.js';
import { copyState } from '../plain-state.js';
import type { Turn } from './model.js';

interface ScheduleState {
  /** Index of the turn; as many as there are: the turns are over. */
  turn: number;
  /** Calls of the turn's function so far. */
  seen: number;
  reached: boolean;
  /** The turn's actor has to wait, or has ended. */
  stuck: boolean;
  /** Whose turn it is after the turns. */
  at: number;
  /** Since the first actor's last turn somebody has done something. */
  progress: boolean;
}

export type SavedSchedule = Readonly<ScheduleState>;

/** What the schedule says: who goes, or why nobody does. */
export type Choice =
  | { k: 'thread'; thread: Thread }
  | { k: 'all-ended' }
  /** Everybody waits. */
  | { k: 'stuck'; waiting: Thread[] };

export class Schedule {
  private state: ScheduleState = {
    turn: 0,
    seen: 0,
    reached: false,
    stuck: false,
    at: 0,
    progress: false,
  };

  /** @param missed is told of turns that don't get to their place */
  constructor(
    private readonly turns: readonly Turn[],
    private readonly missed: (turn: Turn, why: string) => void,
  ) {}

  next(threads: readonly Thread[]): Choice {
    const { state } = this;
    for (; state.turn < this.turns.length; this.nextTurn()) {
      const turn = this.turns[state.turn]!;
      const thread = threads.find(({ name }) => name === turn.run);
      if (thread && !state.reached && !state.stuck && thread.state !== 'ended')
        return { k: 'thread', thread };
      if (turn.until !== undefined && !state.reached)
        this.missed(
          turn,
          !thread
            ? 'there is no such actor'
            : state.stuck && thread.state === 'blocked'
              ? thread.why
              : 'it was done without',
        );
    }
    if (threads.every((thread) => thread.state === 'ended')) return { k: 'all-ended' };
    for (;;) {
      if (state.at >= threads.length) {
        if (!state.progress)
          return { k: 'stuck', waiting: threads.filter((thread) => thread.state !== 'ended') };
        state.at = 0;
        state.progress = false;
      }
      const thread = threads[state.at]!;
      if (thread.state !== 'ended') return { k: 'thread', thread };
      state.at++;
    }
  }

  /**
   * A thread was let go.
   * @param canGoOn it neither waits nor has ended
   * @param progress something has changed
   */
  stepped(threads: readonly Thread[], thread: Thread, canGoOn: boolean, progress: boolean): void {
    const { state } = this;
    const turn = this.turns[state.turn];
    if (turn) {
      if (turn.run === thread.name) state.stuck = !canGoOn;
      return;
    }
    state.progress ||= progress;
    state.at = threads.indexOf(thread) + (canGoOn ? 0 : 1);
  }

  /** A thread enters or leaves a C function. */
  passed(thread: Thread, name: string, where: 'enter' | 'return'): void {
    const turn = this.turns[this.state.turn];
    if (!turn || turn.run !== thread.name || turn.until !== name || turn.where !== where) return;
    if (++this.state.seen >= turn.nth) this.state.reached = true;
  }

  save(): SavedSchedule {
    return copyState(this.state);
  }

  restore(state: SavedSchedule): void {
    this.state = copyState(state);
  }

  private nextTurn(): void {
    const { state } = this;
    state.turn++;
    state.seen = 0;
    state.reached = false;
    state.stuck = false;
  }
}
