/**
 * All interleavings with at most so many preemptions: switches from an actor that could have gone on. Most bugs need few of
 * them, and a schedule with few is easy to follow (Musuvathi and Qadeer, "Iterative context bounding", PLDI 2007).
 */
import type { SimulationState } from '../scenario/simulation-state.js';
import type { SearchOptions, SearchResult } from './search.js';
import { keyOf, type Part, type Stepper } from './stepper.js';

interface Node {
  state: SimulationState;
  path: Path | undefined;
  depth: number;
  last: number | undefined;
  /** Preemptions that may still be made. */
  left: number;
  repeating: ReadonlySet<number>;
}

/** Transitions by links to the one before, so that many nodes share them. */
interface Path {
  part: Part;
  before: Path | undefined;
}

export interface BoundedResult extends SearchResult {
  /** No interleaving was left out because of the bound. */
  unbounded: boolean;
}

export class BoundedSearch {
  private readonly visited = new Map<string, number>();
  private readonly open: Node[] = [];
  private readonly result: BoundedResult = {
    states: 0,
    transitions: 0,
    depth: 0,
    complete: false,
    violation: undefined,
    unbounded: true,
  };

  constructor(
    private readonly stepper: Stepper,
    private readonly bound: number,
    private readonly options: Omit<SearchOptions, 'full'>,
  ) {}

  run(): BoundedResult {
    const { result, open, stepper } = this;
    const nobody: ReadonlySet<number> = new Set();
    this.arrive({ path: undefined, depth: 0, last: undefined, left: this.bound, repeating: nobody });
    for (let node = open.pop(); node; node = open.pop()) {
      if (result.states > this.options.maxStates) return result;
      if (result.transitions % 64 === 0 && this.options.cancelled?.()) return result;
      stepper.simulation.restore(node.state);
      this.expand(node, stepper.alive());
      if (result.violation) return result;
    }
    result.complete = true;
    return result;
  }

  private expand(node: Node, alive: readonly number[]): void {
    const rest = alive.filter((index) => !node.repeating.has(index));
    // The last one first: what the others do then is a preemption if it could have gone on.
    rest.sort((a, b) => Number(b === node.last) - Number(a === node.last));
    let couldGoOn = false;
    let moved = false;
    for (const thread of [...rest, ...alive.filter((index) => node.repeating.has(index))]) {
      const alone = node.repeating.has(thread);
      if (alone && moved) break;
      const cost = couldGoOn && thread !== node.last ? 1 : 0;
      if (cost > node.left) {
        this.result.unbounded = false;
        continue;
      }
      const went = this.tryOut(node, thread, cost, alone);
      moved ||= went;
      if (went && thread === node.last) couldGoOn = true;
      if (this.result.violation) return;
    }
    if (!moved) this.ended(node, alive);
  }

  /** False if the actor has to wait. */
  private tryOut(node: Node, thread: number, cost: number, alone: boolean): boolean {
    const { stepper, result } = this;
    stepper.simulation.restore(node.state);
    const transition = stepper.run(thread, alone);
    if (transition.k === 'waits') return false;
    result.transitions++;
    const path: Path = { part: transition, before: node.path };
    if (stepper.simulation.hazards.length > 0) this.violated(path);
    else if (transition.k === 'over') stepper.failed();
    else
      this.arrive({
        path,
        depth: node.depth + 1,
        last: thread,
        left: node.left - cost,
        repeating:
          transition.k === 'repeats'
            ? new Set([...node.repeating, thread])
            : (new Set() as ReadonlySet<number>),
      });
    return true;
  }

  private arrive(node: Omit<Node, 'state'>): void {
    const key = `${keyOf(this.stepper, node.repeating)} ${node.last}`;
    const known = this.visited.get(key);
    if (known !== undefined && known >= node.left) return;
    if (known === undefined) this.result.states++;
    this.visited.set(key, node.left);
    this.result.depth = Math.max(this.result.depth, node.depth);
    this.open.push({ ...node, state: this.stepper.simulation.save() });
  }

  private ended(node: Node, alive: readonly number[]): void {
    const { simulation } = this.stepper;
    simulation.restore(node.state);
    this.stepper.conclude();
    if (simulation.hazards.length > 0) this.violated(node.path);
    else if (alive.length === 0) this.options.ended?.();
    else this.stepper.failed();
  }

  private violated(last: Path | undefined): void {
    const path: Part[] = [];
    for (let link = last; link; link = link.before) path.push(link.part);
    this.result.violation = { hazards: this.stepper.simulation.hazards, path: path.reverse() };
  }
}
