/** `gmem-lens run`: a scenario through kernel C, told as a story. */
import { libraryScenarios, textOf } from '../host/scenario-files.js';
import {
  parseSchedule,
  runSchedule,
  type ScheduledTurn,
  ScheduleMismatch,
} from '../simulator/explore/schedule.js';
import { plainJson } from '../simulator/json.js';
import { checkOnKernel } from '../simulator/scenario/check-kernel.js';
import type { KernelCode } from '../simulator/scenario/kernel-code.js';
import type { Scenario } from '../simulator/scenario/model.js';
import { formatProblem, type ScenarioProblem } from '../simulator/scenario/problem.js';
import type { RunResult } from '../simulator/scenario/result.js';
import { runScenario } from '../simulator/scenario/run.js';
import { NotRunnable } from '../simulator/scenario/runnable.js';
import { storyText } from '../simulator/scenario/story.js';
import { COULD_NOT_RUN, FOUND, UsageError } from './errors.js';
import { log, write, writeJson, writeLine } from './output.js';
import { runLibrary } from './run-library.js';
import { kernelFor, loadNamed, type NamedScenario, referenceKernelFor } from './scenario-input.js';

export interface RunCommandOptions {
  format: 'text' | 'json';
  trace?: boolean;
  check?: boolean;
  all?: boolean;
  maxSteps?: number;
  /** File with the schedule that `explore` has found. */
  schedule?: string;
}

const toJson = ({ story, ...result }: RunResult, trace: boolean): unknown =>
  trace ? { ...result, story } : result;

function carryOut(
  { scenario, variant }: NamedScenario,
  kernel: KernelCode,
  options: RunCommandOptions,
): RunResult {
  const input = { scenario, kernel, ...(variant !== undefined && { variant }) };
  const runOptions = {
    trace: options.trace ?? false,
    ...(options.maxSteps !== undefined && { maxSteps: options.maxSteps }),
  };
  try {
    return options.schedule === undefined
      ? runScenario(input, runOptions)
      : runSchedule(input, readSchedule(options.schedule), runOptions);
  } catch (error) {
    if (error instanceof NotRunnable) throw new UsageError(`This scenario can't be run: ${error.message}.`);
    if (error instanceof ScheduleMismatch) throw new UsageError(`${error.message}.`);
    throw error;
  }
}

/** None where the scenario's kernel isn't there: its file may be right all the same. */
function problemsOnKernel(scenario: Scenario, tree: string | undefined): ScenarioProblem[] {
  try {
    return checkOnKernel(scenario, referenceKernelFor(scenario, tree));
  } catch (error) {
    if (error instanceof UsageError) return [];
    throw error;
  }
}

function readSchedule(file: string): ScheduledTurn[] {
  const text = textOf(file);
  if (text === undefined) throw new UsageError(`There is no file ${file} to take the schedule from.`);
  try {
    return parseSchedule(text);
  } catch (error) {
    if (error instanceof ScheduleMismatch) throw new UsageError(`${file}: ${error.message}.`);
    throw error;
  }
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
  if (options.all)
    return runLibrary(options.format, (named) =>
      carryOut(named, referenceKernelFor(named.scenario, undefined), options),
    );
  if (name === undefined)
    throw new UsageError(`Which scenario? Give a YAML file, or one of ${libraryScenarios().join(', ')}.`);
  const loaded = loadNamed(name);
  if (!loaded) return COULD_NOT_RUN;
  if (options.check) {
    const problems = problemsOnKernel(loaded.scenario, tree);
    for (const problem of problems) log(formatProblem(problem));
    if (problems.length > 0) return COULD_NOT_RUN;
    if (options.format === 'json') await writeJson({ scenario: loaded.scenario.title, problems: [] });
    else await writeLine(`${name}: nothing is wrong with it`);
    return 0;
  }
  const result = carryOut(loaded, await kernelFor(loaded.scenario, tree), options);
  if (options.format === 'json') await writeJson(toJson(result, options.trace ?? false), plainJson);
  else await write(storyText(result, { trace: options.trace ?? false }));
  return result.passed ? 0 : FOUND;
}
