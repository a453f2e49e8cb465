/** Which kernel a scenario runs on: the tree that is open, or the reference kernel of its design. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { bundledKernels } from '../../host/bundled-kernels.js';
import type { Scenario } from '../../simulator/scenario/model.js';

/** `tree` and `design` as a run and a debugger's launch take them. */
export interface RunTarget {
  readonly tree?: string;
  readonly design?: string;
}

/** Real kernels have upstream's interface. */
export const UPSTREAM = 'guest-memfd';

/** Designs that were worked out, by tree. */
const designs = new Map<string, string>();

/**
 * The design that a tree is a copy of, `tree` for a real kernel.
 * A copy is told by its files, for its folder may have any name.
 */
export function designOf(tree: string): string {
  const known = designs.get(tree);
  if (known !== undefined) return known;
  const design = existsSync(join(tree, 'configs', 'correct.config')) ? nearestDesign(tree) : 'tree';
  designs.set(tree, design);
  return design;
}

function nearestDesign(tree: string): string {
  const own = new Set(sourcesOf(tree));
  let best = { name: 'tree', likeness: 0 };
  for (const kernel of bundledKernels()) {
    const files = sourcesOf(kernel.tree);
    const shared = files.filter((file) => own.has(file)).length;
    const likeness = shared / (own.size + files.length - shared);
    if (likeness > best.likeness) best = { name: kernel.name, likeness };
  }
  return best.name;
}

/** C files below a small tree. */
function sourcesOf(tree: string): string[] {
  return readdirSync(tree, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.c'));
}

/**
 * @param on `open`: the open tree, wherever the scenario can be carried out there; `reference`: the reference kernel, but
 * a copy of it that is open goes before
 */
export function runTarget(
  { design }: Scenario,
  tree: string | undefined,
  on: 'open' | 'reference',
): RunTarget {
  if (tree === undefined) return {};
  if (design === 'tree') return { tree };
  const openDesign = designOf(tree);
  if (openDesign === design) return { tree };
  return on === 'open' && openDesign === 'tree' && design === UPSTREAM ? { tree, design: 'tree' } : {};
}
