/** `gmem-lens report`: the first look that `npm start` gives. */
import { type BundledKernel, bundledKernels } from '../host/bundled-kernels.js';
import { type HooksOptions, report } from './hooks.js';
import { writeLine } from './output.js';

/** Name of the configuration without mistakes. */
const RIGHT = 'correct';

/** The design as it should be, with its hooks; then what is found in its variants, which have the same hooks. */
async function bundled(kernel: BundledKernel, options: HooksOptions): Promise<void> {
  const inOrder = [...kernel.configs].sort((a, b) => Number(b.name === RIGHT) - Number(a.name === RIGHT));
  const clean: string[] = [];
  for (const [index, { name, file }] of inOrder.entries()) {
    const title = `reference kernel ${kernel.name}, ${name}`;
    const findingsOnly = index > 0;
    const found = await report(kernel.tree, { ...options, config: file, title, findingsOnly });
    if (findingsOnly && !found) clean.push(name);
  }
  if (clean.length > 0)
    await writeLine(`reference kernel ${kernel.name}: no rule reports anything in ${clean.join(', ')}\n`);
}

/** @param tree a kernel tree; without it the bundled reference kernels, each in all its configurations */
export async function reportCommand(tree: string | undefined, options: HooksOptions): Promise<number> {
  // Findings don't make it fail: it informs.
  if (tree !== undefined) {
    await report(tree, options);
    return 0;
  }
  const kernels = bundledKernels();
  for (const kernel of kernels) await bundled(kernel, options);
  await writeLine(`The same for a kernel tree: npm start -- /path/to/linux`);
  return 0;
}
