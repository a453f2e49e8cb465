/** Which scenarios pass through a function: as their last runs say, and as the call graph lets it be. */
import type { FunctionNode } from '../../program/model.js';
import { withVariant } from '../../simulator/scenario/model.js';
import { treeRefusals } from '../../simulator/tree/refusals.js';
import type { OpenTree } from '../kernel-workspace.js';
import type { ScenarioCatalogue, ScenarioEntry } from './catalogue.js';
import { Doors } from './doors.js';
import type { RunStore } from './run-store.js';
import { designOf, UPSTREAM } from './run-target.js';

export interface Passing {
  readonly entry: ScenarioEntry;
  readonly variant: string | undefined;
  /** `ran`: its last run entered the function; `may`: it wasn't run yet, and calls lead there. */
  readonly how: 'ran' | 'may';
}

/** Remembers what one state of a tree says; made anew when that changes. */
export class PassingScenarios {
  private readonly doors: Doors;
  private readonly actions = new Map<string, ReadonlySet<string>>();

  constructor(
    private readonly open: OpenTree,
    private readonly catalogue: ScenarioCatalogue,
    private readonly runs: RunStore,
  ) {
    this.doors = new Doors(open);
  }

  through(node: FunctionNode): Passing[] {
    const found: Passing[] = [];
    for (const entry of this.fitting()) {
      const may = this.mayReach(entry, node);
      for (const variant of [undefined, ...entry.variants.map(({ name }) => name)]) {
        if (!this.isRunnable(entry, variant)) continue;
        const ran = this.runs.entered(entry.id, variant, this.open.locations.opened, node.id);
        if (ran ?? may) found.push({ entry, variant, how: ran === undefined ? 'may' : 'ran' });
      }
    }
    // What is known goes first, and what speaks of the function.
    const rank = ({ entry, how }: Passing): number =>
      (how === 'ran' ? 0 : 2) + (this.catalogue.text(entry.path)?.includes(node.name) ? 0 : 1);
    return found.sort((a, b) => rank(a) - rank(b));
  }

  /** Scenarios of a design that this tree is. */
  private fitting(): ScenarioEntry[] {
    const fitting = this.isTree() ? ['tree', UPSTREAM] : [designOf(this.open.locations.opened)];
    return this.catalogue.all().filter(({ scenario }) => scenario && fitting.includes(scenario.design));
  }

  /** A real tree has none of the reference kernel's options: a variant that sets one would show nothing there. */
  private isRunnable({ scenario }: ScenarioEntry, variant: string | undefined): boolean {
    const meant = scenario && withVariant(scenario, variant);
    return meant !== undefined && (!this.isTree() || treeRefusals(meant).length === 0);
  }

  private isTree(): boolean {
    return designOf(this.open.locations.opened) === 'tree';
  }

  private mayReach(entry: ScenarioEntry, node: FunctionNode): boolean {
    let actions = this.actions.get(node.id);
    if (!actions) {
      actions = this.doors.actionsTo(node);
      this.actions.set(node.id, actions);
    }
    for (const action of entry.actions) if (actions.has(action)) return true;
    return false;
  }
}
