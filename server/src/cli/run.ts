/** `gmem-lens run`: a scenario through kernel C, told as a story. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { kernelFolder, kernelTexts, libraryScenarios, scenarioPath, textOf } from '../host/scenario-files.js';
import { referenceKernel } from '../simulator/scenario/kernel-code.js';
import { loadScenario } from '../simulator/scenario/load.js';
import { type Scenario, withVariant } from '../simulator/scenario/model.js';
import { formatProblem } from '../simulator/scenario/problem.js';
import type { RunResult } from '../simulator/scenario/result.js';
import { runScenario } from '../simulator/scenario/run.js';
import { NotRunnable } from '../simulator/scenario/runnable.js';
import { storyText } from '../simulator/scenario/story.js';
import { COULD_NOT_RUN, FOUND, UsageError } from './errors.js';
import { log, write, writeJson, writeLine } from './output.js';

export interface RunCommandOptions {
  format: 'text' | 'json';
  trace?: boolean;
  check?: boolean;
  all?: boolean;
  maxSteps?: number;
}

const toJson = ({ story, ...result }: RunResult, trace: boolean): unknown =>
  trace ? { ...result, story } : result;

/** Problems are printed; `undefined` if there are any. */
async function load(name: string): Promise<{ scenario: Scenario; variant: string | undefined } | undefined> {
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

function carryOut(
  scenario: Scenario,
  variant: string | undefined,
  tree: string | undefined,
  options: RunCommandOptions,
): RunResult {
  if (scenario.design === 'tree')
    throw new UsageError('`design: tree` can’t be run yet: only the reference kernel guest-memfd can.');
  const folder = tree ?? kernelFolder(scenario.design);
  if (!existsSync(join(folder, 'virt')))
    throw new UsageError(
      tree === undefined
        ? `There is no reference kernel ${scenario.design} to run yet: only guest-memfd.`
        : `${tree} is no kernel tree: it has no folder virt.`,
    );
  const config = textOf(join(folder, 'configs', 'correct.config'));
  if (config === undefined)
    throw new UsageError(
      `${folder} has no configs/correct.config: only trees like the reference kernels can be run yet.`,
    );
  try {
    return runScenario(
      {
        scenario,
        kernel: referenceKernel(scenario.design, kernelTexts(folder), config),
        ...(variant !== undefined && { variant }),
      },
      {
        trace: options.trace ?? false,
        ...(options.maxSteps !== undefined && { maxSteps: options.maxSteps }),
      },
    );
  } catch (error) {
    if (error instanceof NotRunnable) throw new UsageError(`This scenario can't be run: ${error.message}.`);
    throw error;
  }
}

/** Every scenario of the library with its variants, one line each. */
async function runAll(options: RunCommandOptions): Promise<number> {
  const results: unknown[] = [];
  let failed = false;
  for (const name of libraryScenarios()) {
    const loaded = await load(name);
    if (!loaded) return COULD_NOT_RUN;
    for (const variant of [undefined, ...loaded.scenario.variants.map((one) => one.name)]) {
      const full = variant === undefined ? name : `${name}@${variant}`;
      const scenario = withVariant(loaded.scenario, variant)!;
      const rows = scenario.rows.join(', ');
      try {
        const result = carryOut(scenario, variant, undefined, options);
        failed ||= !result.passed;
        results.push({ name: full, ...(toJson(result, false) as object) });
        if (options.format === 'text')
          await writeLine(
            `${result.passed ? 'ok  ' : 'FAIL'} ${full.padEnd(48)} ${rows.padEnd(16)} ${result.outcome}${result.hazards.length > 0 ? `: ${[...new Set(result.hazards.map(({ kind }) => kind))].join(', ')}` : ''}`,
          );
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        results.push({ name: full, rows: scenario.rows, notRun: error.message });
        if (options.format === 'text')
          await writeLine(`–    ${full.padEnd(48)} ${rows.padEnd(16)} not run: ${error.message}`);
      }
    }
  }
  if (options.format === 'json') await writeJson(results);
  return failed ? FOUND : 0;
}

/**
 * @param name a scenario file, or the name of one of the library, with `@variant` for one of its variants
 * @param tree of a kernel like the reference kernels; without it the bundled one of the scenario's design
 */
export async function runCommand(
  name: string | undefined,
  tree: string | undefined,
  options: RunCommandOptions,
): Promise<number> {
  if (options.all) return runAll(options);
  if (name === undefined)
    throw new UsageError(`Which scenario? Give a YAML file, or one of ${libraryScenarios().join(', ')}.`);
  const loaded = await load(name);
  if (!loaded) return COULD_NOT_RUN;
  if (options.check) {
    if (options.format === 'json') await writeJson({ scenario: loaded.scenario.title, problems: [] });
    else await writeLine(`${name}: nothing is wrong with it`);
    return 0;
  }
  const result = carryOut(loaded.scenario, loaded.variant, tree, options);
  if (options.format === 'json')
    await write(`${JSON.stringify(toJson(result, options.trace ?? false), bigints, 2)}\n`);
  else await write(storyText(result, { trace: options.trace ?? false }));
  return result.passed ? 0 : FOUND;
}

/** Error codes of the machine have 64 bits. */
const bigints = (_: string, value: unknown): unknown =>
  typeof value === 'bigint' ? `0x${value.toString(16)}` : value;
