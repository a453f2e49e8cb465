/** From what a client asks for to a scenario that can be run. Files come in through `SimulatorFiles`; nothing here reads one. */
import type { KernelCode } from '../scenario/kernel-code.js';
import { loadScenario } from '../scenario/load.js';
import { type Design, type Scenario, withVariant } from '../scenario/model.js';
import { formatProblem } from '../scenario/problem.js';
import { NotRunnable } from '../scenario/runnable.js';
import type { RunInput } from '../scenario/simulation.js';
import type { Overlays, Problem } from './protocol.js';

/** What is to be run, as `run` and a debugger's `launch` say it. */
export interface Wanted {
  readonly scenario: string;
  readonly variant?: string;
  readonly tree?: string;
  readonly design?: string;
  readonly overlays?: Overlays;
}

/** Where texts come from. Paths are absolute. */
export interface SimulatorFiles {
  /** Path of a scenario: a file, or a bundled one by its name. */
  scenarioPath(name: string): string | undefined;
  /** Names of the bundled scenarios. */
  readonly library: readonly string[];
  /** A path as the kernel in a folder names it; `undefined`: it is none of its files. */
  fileIn(root: string, path: string): string | undefined;
  /** A file's text, unsaved changes first. */
  text(path: string, overlays: Overlays): string | undefined;
  /** The kernel that a scenario is to run on. @throws NotFound, NotRunnable */
  kernel(design: Design, tree: string | undefined, overlays: Overlays): Promise<KernelOnDisk>;
}

export interface KernelOnDisk {
  readonly code: KernelCode;
  /** Folder that the code's paths are relative to. */
  readonly root: string;
}

export interface Prepared {
  readonly input: RunInput;
  readonly root: string;
  /** Absolute path of the scenario. */
  readonly path: string;
}

/** What was asked for isn't there: which, and what there is. */
export class NotFound extends Error {}

/** A scenario file has mistakes. */
export class ScenarioProblems extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(formatProblem).join('\n'));
  }
}

const DESIGNS: readonly Design[] = ['guest-memfd', 'restrictedmem', 'memfile-notifier', 'tree'];

/** @throws NotFound, ScenarioProblems, NotRunnable */
export async function prepare(wanted: Wanted, files: SimulatorFiles): Promise<Prepared> {
  const { overlays = {} } = wanted;
  const [name, inName] = namesOf(wanted.scenario);
  const variant = wanted.variant ?? inName;
  const path = files.scenarioPath(name);
  if (path === undefined)
    throw new NotFound(
      `There is no scenario ${name}: give a YAML file, or one of ${files.library.join(', ')}.`,
    );
  const { scenario: loaded, problems } = loadScenario(path, (one) => files.text(one, overlays));
  if (!loaded) throw new ScenarioProblems(problems);
  const scenario = onDesign(variantOf(loaded, variant), wanted);
  const { code, root } = await files.kernel(scenario.design, wanted.tree, overlays);
  const refusals = code.refusals(scenario);
  if (refusals.length > 0) throw new NotRunnable(refusals.join('; '));
  return { input: { scenario, kernel: code, ...(variant !== undefined && { variant }) }, root, path };
}

/** `NAME@VARIANT`; a path may have an `@` in its folders. */
function namesOf(text: string): [name: string, variant: string | undefined] {
  const at = text.lastIndexOf('@');
  return at <= text.lastIndexOf('/') || at <= 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function variantOf(scenario: Scenario, variant: string | undefined): Scenario {
  const chosen = withVariant(scenario, variant);
  if (chosen) return chosen;
  const names = scenario.variants.map(({ name }) => name).join(', ');
  throw new NotFound(
    `The scenario “${scenario.title}” has no variant ${variant}; ${names ? `there are ${names}` : 'it has none'}.`,
  );
}

function onDesign(scenario: Scenario, { design }: Wanted): Scenario {
  if (design === undefined || design === scenario.design) return scenario;
  const known = DESIGNS.find((one) => one === design);
  if (!known) throw new NotFound(`There is no design ${design}; there are ${DESIGNS.join(', ')}.`);
  return { ...scenario, design: known };
}
