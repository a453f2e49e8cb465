/** The files that the simulator works on: scenarios, reference kernels, trees, and editors' unsaved texts before them. */
import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { kernelFolder, kernelTexts, libraryScenarios, scenarioPath, textOf } from '../host/scenario-files.js';
import { TreeError } from '../host/tree.js';
import { type KernelOnDisk, NotFound, type SimulatorFiles } from '../simulator/backend/prepare.js';
import type { Overlays } from '../simulator/backend/protocol.js';
import { referenceKernel } from '../simulator/scenario/kernel-code.js';
import type { Design } from '../simulator/scenario/model.js';
import { NotRunnable } from '../simulator/scenario/runnable.js';
import { loadTreeKernel } from './load-tree-kernel.js';

/** An unsaved text by the path that is asked for, or by where that leads: kernels share files by links. */
function overlaid(path: string, overlays: Overlays): string | undefined {
  const own = overlays[path];
  if (own !== undefined || Object.keys(overlays).length === 0) return own;
  try {
    return overlays[realpathSync(path)];
  } catch {
    return undefined;
  }
}

function kernelOf(design: Design, tree: string | undefined, overlays: Overlays): KernelOnDisk {
  const root = resolve(tree ?? kernelFolder(design));
  if (!existsSync(join(root, 'virt')))
    throw new NotFound(
      tree === undefined
        ? `There is no reference kernel ${design}.`
        : `${root} is no kernel tree: it has no folder virt.`,
    );
  const config = overlaid(join(root, 'configs', 'correct.config'), overlays);
  const correct = config ?? textOf(join(root, 'configs', 'correct.config'));
  if (correct === undefined)
    throw new NotRunnable(
      `${root} has no configs/correct.config: only trees like the reference kernels can be run yet`,
    );
  const texts = kernelTexts(root);
  for (const file of Object.keys(texts)) {
    const text = overlaid(join(root, file), overlays);
    if (text !== undefined) texts[file] = text;
  }
  return { code: referenceKernel(design, texts, correct), root };
}

async function treeOf(tree: string | undefined, overlays: Overlays): Promise<KernelOnDisk> {
  if (tree === undefined) throw new NotFound('This scenario runs on a kernel tree: name one.');
  const root = resolve(tree);
  try {
    const { code } = await loadTreeKernel({ tree: root }, (path) => overlaid(join(root, path), overlays));
    return { code, root };
  } catch (error) {
    if (error instanceof TreeError) throw new NotFound(error.message);
    throw error;
  }
}

/** Kernels share files by links: a path outside of one may be a file of it all the same. */
function fileIn(root: string, path: string): string | undefined {
  const inside = relative(root, path);
  if (inside !== '' && !inside.startsWith('..') && !isAbsolute(inside)) return inside.split(sep).join('/');
  const parts = path.split(sep);
  for (let i = 1; i < parts.length; i++) {
    const tail = parts.slice(i).join(sep);
    if (isSameFile(join(root, tail), path)) return parts.slice(i).join('/');
  }
  return undefined;
}

function isSameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}

export const filesOnDisk: SimulatorFiles = {
  scenarioPath: (name) => {
    const path = scenarioPath(name);
    return path === undefined ? undefined : resolve(path);
  },
  get library() {
    return libraryScenarios();
  },
  fileIn,
  text: (path, overlays) => overlaid(path, overlays) ?? textOf(path),
  kernel: async (design, tree, overlays) =>
    design === 'tree' ? treeOf(tree, overlays) : kernelOf(design, tree, overlays),
};
