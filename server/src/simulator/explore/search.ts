/**
 * Depth-first search over the interleavings of a simulation's actors, with states that are met again recognised by their
 * hash. Reduced: at a state only one actor is tried at first; others are added where a later transition turns out to depend
 * on the one that was made there and could have come before it (dynamic partial-order reduction: Flanagan and Godefroid, POPL
 * 2005; with states remembered: Yang and others, SPIN 2008). A state that was met before counts as if all that was ever
 * done behind it followed.
 */
import type { RunHazard } from '../scenario/result.js';
import type { SimulationState } from '../scenario/simulation-state.js';
import { type FootprintSet, FootprintTable } from './footprint-table.js';
import { keyOf, type Part, type Stepper } from './stepper.js';

export interface SearchOptions {
  /** Try every actor at every state. */
  full: boolean;
  maxStates: number;
  /** Asked now and then; true: stop. */
  cancelled?: (() => boolean) | undefined;
  /** Told when all actors have ended, in the state that they leave. */
  ended?: () => void;
}

export interface SearchResult {
  states: number;
  transitions: number;
  /** Most transitions one after the other. */
  depth: number;
  /** Everything was looked at. */
  complete: boolean;
  violation: { hazards: RunHazard[]; path: Part[] } | undefined;
}

/** What each actor has done in all that was seen to follow a state. */
type Summary = Map<number, FootprintSet>;

interface Node {
  readonly key: string;
  readonly state: SimulationState;
  /** Actors that have not ended. */
  readonly alive: readonly number[];
  /** Those of them whose guest repeats its access, until others have gone on. */
  readonly repeating: ReadonlySet<number>;
  readonly todo: Set<number>;
  readonly done: Set<number>;
  /** Somebody could go on. */
  moved: boolean;
  readonly summary: Summary;
  /** The transition that is tried at the moment. */
  transition?: Made;
}

interface Made {
  part: Part;
  footprint: number;
  /** Of each actor: number of its last transition that comes before this one in every equivalent order, from 1. */
  clock: number[];
}

const NOBODY: ReadonlySet<number> = new Set();

export class Search {
  private readonly stack: Node[] = [];
  private readonly onStack = new Map<string, Node>();
  private readonly visited = new Map<string, Summary>();
  private readonly footprints = new FootprintTable();
  private readonly result: SearchResult = {
    states: 0,
    transitions: 0,
    depth: 0,
    complete: false,
    violation: undefined,
  };

  constructor(
    private readonly stepper: Stepper,
    private readonly options: SearchOptions,
  ) {}

  run(): SearchResult {
    const { result, stack } = this;
    this.push(keyOf(this.stepper, NOBODY), NOBODY, undefined);
    while (stack.length > 0 && !result.violation) {
      const node = stack.at(-1)!;
      const next = this.choose(node);
      if (next === undefined) this.pop();
      else if (this.isEnough()) return result;
      else this.tryOut(node, next);
    }
    result.complete = !result.violation;
    return result;
  }

  private isEnough(): boolean {
    const { states, transitions } = this.result;
    return (
      states > this.options.maxStates || (transitions % 64 === 0 && (this.options.cancelled?.() ?? false))
    );
  }

  // ---- nodes

  private push(key: string, repeating: ReadonlySet<number>, last: number | undefined): void {
    const { stepper } = this;
    const alive = stepper.alive();
    const candidates = alive.filter((index) => !repeating.has(index));
    const first = last !== undefined && candidates.includes(last) ? last : candidates[0];
    const todo = this.options.full ? candidates : first === undefined ? [] : [first];
    const node: Node = {
      key,
      state: stepper.simulation.save(),
      alive,
      repeating,
      todo: new Set(todo),
      done: new Set(),
      moved: false,
      summary: new Map(),
    };
    this.stack.push(node);
    this.onStack.set(key, node);
    this.result.states++;
    this.result.depth = Math.max(this.result.depth, this.stack.length - 1);
  }

  private pop(): void {
    const { key, summary } = this.stack.pop()!;
    this.onStack.delete(key);
    this.visited.set(key, summary);
    const below = this.stack.at(-1);
    if (below) for (const [thread, done] of summary) addTo(below.summary, thread, done);
  }

  /** Whom to try next; `undefined`: the node is done. */
  private choose(node: Node): number | undefined {
    for (const thread of node.todo) if (!node.done.has(thread)) return thread;
    if (node.moved) return undefined;
    // None of those that were tried could go on: the others, and at last guests that only repeat.
    const rest = node.alive.filter((index) => !node.done.has(index));
    const other = rest.find((index) => !node.repeating.has(index)) ?? rest[0];
    if (other === undefined) this.ended(node);
    else node.todo.add(other);
    return other;
  }

  /** Nobody can go on. */
  private ended({ alive, state }: Node): void {
    const { simulation } = this.stepper;
    simulation.restore(state);
    this.stepper.conclude();
    if (simulation.hazards.length > 0) this.violated();
    else if (alive.length === 0) this.options.ended?.();
    else this.stepper.failed();
  }

  private expand({ alive, repeating, todo }: Node): void {
    for (const index of alive) if (!repeating.has(index)) todo.add(index);
  }

  // ---- transitions

  private tryOut(node: Node, thread: number): void {
    const { stepper, result } = this;
    node.done.add(thread);
    stepper.simulation.restore(node.state);
    const transition = stepper.run(thread, node.repeating.has(thread));
    if (transition.k === 'waits') {
      // Where it was wanted, somebody else has to go first, and nobody knows who.
      if (node.todo.size > 1) this.expand(node);
      return;
    }
    result.transitions++;
    node.moved = true;
    const footprint = this.footprints.numberOf(transition.footprint);
    addTo(node.summary, thread, 1n << BigInt(footprint));
    this.race(thread, 1n << BigInt(footprint), this.stack.length - 1);
    node.transition = { part: transition, footprint, clock: this.clockOf(thread, footprint) };
    if (stepper.simulation.hazards.length > 0) this.violated();
    else if (transition.k === 'over') stepper.failed();
    else this.arrive(transition.k === 'repeats' ? new Set([...node.repeating, thread]) : NOBODY, thread);
  }

  /** The simulation is in the state behind the last transition. */
  private arrive(repeating: ReadonlySet<number>, thread: number): void {
    const { stack } = this;
    const key = keyOf(this.stepper, repeating);
    const open = this.onStack.get(key);
    const known = this.visited.get(key);
    if (open) {
      // A circle: what follows is what follows from there, which isn't known yet.
      for (const node of stack.slice(stack.indexOf(open))) this.expand(node);
    } else if (known) {
      for (const [index, done] of known) {
        this.race(index, done, stack.length);
        addTo(stack.at(-1)!.summary, index, done);
      }
    } else this.push(key, repeating, thread);
  }

  private violated(): void {
    const path = this.stack.flatMap(({ transition }) => (transition ? [transition.part] : []));
    this.result.violation = { hazards: this.stepper.simulation.hazards, path };
  }

  // ---- what depends on what

  private clockOf(thread: number, footprint: number): number[] {
    const clock: number[] = [];
    const end = this.stack.length - 1;
    for (let i = 0; i < end; i++) {
      const { part, footprint: other, clock: before } = this.stack[i]!.transition!;
      if (part.thread !== thread && !this.footprints.depend(other, footprint)) continue;
      before.forEach((value, index) => {
        clock[index] = Math.max(clock[index] ?? 0, value);
      });
    }
    clock[thread] = end + 1;
    return clock;
  }

  /**
   * What an actor does, now or later, might have come before transitions of others on the stack: there it is to be tried as
   * well.
   * @param end the transitions of the nodes before this one are meant
   */
  private race(thread: number, footprints: FootprintSet, end: number): void {
    if (this.options.full) return;
    let before: readonly number[] | undefined;
    for (let i = end - 1; i >= 0 && !before; i--) {
      const { part, clock } = this.stack[i]!.transition!;
      if (part.thread === thread) before = clock;
    }
    for (let i = end - 1; i >= 0; i--) {
      const node = this.stack[i]!;
      const { part, footprint } = node.transition!;
      if (part.thread === thread || !this.footprints.isReversible(footprint, footprints)) continue;
      // What comes before what the actor has done already comes before this, too.
      if ((before?.[part.thread] ?? 0) > i) continue;
      if (node.repeating.has(thread)) this.expand(node);
      else node.todo.add(thread);
    }
  }
}

function addTo(summary: Summary, thread: number, footprints: FootprintSet): void {
  summary.set(thread, (summary.get(thread) ?? 0n) | footprints);
}
