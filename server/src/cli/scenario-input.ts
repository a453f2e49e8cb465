/** What `run`, `explore` and `compare` are given: a scenario by name or path, and the kernel that it is run on. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kernelFolder, kernelTexts, libraryScenarios, scenarioPath, textOf } from '../host/scenario-files.js';
import { type KernelCode, referenceKernel } from '../simulator/scenario/kernel-code.js';
import { loadScenario } from '../simulator/scenario/load.js';
import { type Scenario, withVariant } from '../simulator/scenario/model.js';
import { formatProblem } from '../simulator/scenario/problem.js';
import { UsageError } from './errors.js';
import { log, progressLine } from './output.js';

export interface NamedScenario {
  scenario: Scenario;
  /** The variant that it stands for. */
  variant: string | undefined;
}

/**
 * `NAME` or `NAME@VARIANT`. What is wrong with its file is printed; `undefined` if there is anything.
 * @throws UsageError where there is none of that name
 */
export function loadNamed(name: string): NamedScenario | undefined {
  const [file, variant] = name.split('@') as [string, string | undefined];
  const path = scenarioPath(file);
  if (path === undefined)
    throw new UsageError(
      `There is no scenario ${file}: give a YAML file, or one of ${libraryScenarios().join(', ')}.`,
    );
  const { scenario, problems } = loadScenario(path, textOf);
  for (const problem of problems) log(formatProblem(problem));
  if (!scenario) return undefined;
  const chosen = withVariant(scenario, variant);
  if (!chosen) {
    const names = scenario.variants.map(({ name: one }) => one).join(', ');
    throw new UsageError(
      `${file} has no variant ${variant}; ${names ? `there are ${names}` : 'it has none'}.`,
    );
  }
  return { scenario: chosen, variant };
}

const kernels = new Map<string, KernelCode>();

/**
 * The kernel of a scenario.
 * @param tree for `design: tree` a real one, else of a kernel like the reference kernels, or the bundled one without it
 * @throws TreeError, UsageError where there is none
 */
export async function kernelFor(scenario: Scenario, tree: string | undefined): Promise<KernelCode> {
  return scenario.design === 'tree' ? treeFor(tree) : referenceKernelFor(scenario, tree);
}

/** The same for all designs but `tree`. @throws UsageError where there is none */
export function referenceKernelFor({ design }: Scenario, tree: string | undefined): KernelCode {
  if (design === 'tree') throw new UsageError('`design: tree` runs on a kernel tree, which is to be named.');
  const folder = tree ?? kernelFolder(design);
  let kernel = kernels.get(`${design} ${folder}`);
  if (!kernel) kernels.set(`${design} ${folder}`, (kernel = readKernel(design, folder, tree !== undefined)));
  return kernel;
}

async function treeFor(tree: string | undefined): Promise<KernelCode> {
  if (tree === undefined)
    throw new UsageError('This scenario runs on a kernel tree: name its folder behind the scenario.');
  const known = kernels.get(tree);
  if (known) return known;
  // Reading trees is slow to start, and only these scenarios need it.
  const { loadTreeKernel } = await import('../backend/load-tree-kernel.js');
  const { code, saved } = await loadTreeKernel({ tree, onProgress: progressLine('reading') });
  await saved;
  kernels.set(tree, code);
  return code;
}

function readKernel(design: string, folder: string, isGiven: boolean): KernelCode {
  if (!existsSync(join(folder, 'virt')))
    throw new UsageError(
      isGiven
        ? `${folder} is no kernel tree: it has no folder virt.`
        : `There is no reference kernel ${design} to run yet.`,
    );
  const config = textOf(join(folder, 'configs', 'correct.config'));
  if (config === undefined)
    throw new UsageError(
      `${folder} has no configs/correct.config: only trees like the reference kernels can be run yet.`,
    );
  return referenceKernel(design, kernelTexts(folder), config);
}
