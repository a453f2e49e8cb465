/**
 * Tries the interleavings of a scenario's actors: first all that need few preemptions, because what they find is easy to follow,
 * then all, reduced to those that differ. README.md beside this file says how.
 */
import type { RunHazard } from '../scenario/result.js';
import { type RunInput, Simulation } from '../scenario/simulation.js';
import { BoundedSearch } from './bounded-search.js';
import { follow, type ScheduledTurn, turnsOf } from './schedule.js';
import { Search, type SearchResult } from './search.js';
import { ExplorationError, type Part, Stepper } from './stepper.js';

export interface ExploreOptions {
  /** Default 100,000. */
  maxStates?: number;
  /** Only interleavings with at most so many preemptions. */
  preemptions?: number;
  /** Without reduction: for comparison. */
  full?: boolean;
  cancelled?: () => boolean;
  /** States so far. */
  progress?: (states: number) => void;
}

export interface Exploration {
  outcome: 'ok' | 'violation' | 'error';
  /** Of the last search; `states` are those that differ. */
  states: number;
  transitions: number;
  depth: number;
  /** States of all searches. */
  explored: number;
  /** Every interleaving was looked at, or is like one that was; with a bound, every one within it. */
  complete: boolean;
  /** That bound, if there was one. */
  preemptions?: number;
  /** Statements that were found to be preemption points. */
  points: number;
  schedule: ScheduledTurn[];
  hazard?: RunHazard;
  hazards: RunHazard[];
  /** Why it is an error. */
  message?: string;
}

const MAX_STATES = 100_000;
/** A guest whose access has failed so often while nobody else could go on will never succeed. */
const MOST_RETRIES = 4;
/** Bounds that are tried before everything is. */
const FIRST_BOUNDS = [0, 1, 2];
/** States that each of them may take. */
const FIRST_STATES = 5000;

/** @throws NotRunnable, ExplorationError */
export function explore(input: RunInput, options: ExploreOptions = {}): Exploration {
  return new Explorer(input, options).run();
}

class Explorer {
  private readonly simulation: Simulation;
  private readonly stepper: Stepper;
  private readonly start;
  private readonly maxStates: number;
  private explored = 0;

  constructor(
    private readonly input: RunInput,
    private readonly options: ExploreOptions,
  ) {
    this.simulation = new Simulation(input, {
      quiet: true,
      preemption: true,
      watched: true,
      mostRetries: MOST_RETRIES,
    });
    if (this.simulation.over || this.simulation.hazards.length > 0)
      throw new ExplorationError(
        this.simulation.finish().message ?? 'something goes wrong while the scenario is set up',
      );
    this.stepper = new Stepper(this.simulation);
    this.start = this.simulation.save();
    this.maxStates = options.maxStates ?? MAX_STATES;
  }

  run(): Exploration {
    const { preemptions } = this.options;
    if (preemptions !== undefined) return this.bounded(preemptions, this.maxStates).exploration;
    if (!this.options.full)
      for (const bound of FIRST_BOUNDS) {
        const { exploration, unbounded } = this.bounded(bound, Math.min(this.maxStates, FIRST_STATES));
        if (exploration.outcome === 'violation' || (unbounded && exploration.complete)) {
          const { preemptions: _, ...all } = exploration;
          return all;
        }
        if (!exploration.complete) break;
      }
    // Injected failures count calls of all actors: every order is different.
    const full = this.options.full === true || this.input.scenario.faults.length > 0;
    return this.explorationOf(
      this.again(
        () =>
          new Search(this.stepper, { full, maxStates: this.maxStates, cancelled: this.options.cancelled }),
      ),
    );
  }

  private bounded(bound: number, maxStates: number): { exploration: Exploration; unbounded: boolean } {
    const { cancelled } = this.options;
    const result = this.again(() => new BoundedSearch(this.stepper, bound, { maxStates, cancelled }));
    return {
      exploration: { ...this.explorationOf(result), preemptions: bound },
      unbounded: result.unbounded,
    };
  }

  /** Searches anew as long as searching finds more statements that are preemption points. */
  private again<T extends SearchResult>(search: () => { run(): T }): T {
    const { points } = this.stepper.races;
    for (;;) {
      const before = points.size;
      this.simulation.restore(this.start);
      const result = search().run();
      this.explored += result.states;
      this.options.progress?.(this.explored);
      if (result.violation || points.size === before || !result.complete) return result;
    }
  }

  private explorationOf({ states, transitions, depth, complete, violation }: SearchResult): Exploration {
    const found = {
      states,
      transitions,
      depth,
      explored: this.explored,
      complete,
      points: this.stepper.races.points.size,
      schedule: violation ? this.scheduleOf(violation.path) : [],
      hazards: violation?.hazards ?? [],
    };
    if (!violation) return { outcome: 'ok', ...found };
    return { outcome: 'violation', ...found, hazard: violation.hazards[0]! };
  }

  private scheduleOf(path: readonly Part[]): ScheduledTurn[] {
    const turns = turnsOf(
      path.map(({ thread, steps }) => ({ actor: this.stepper.threadOf(thread).name, steps })),
    );
    this.simulation.restore(this.start);
    follow(this.simulation, turns, true);
    return turns;
  }
}
