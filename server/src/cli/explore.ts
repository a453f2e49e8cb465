/** `gmem-lens explore`: whether any interleaving of a scenario's actors goes wrong. */
import { type Exploration, explore } from '../simulator/explore/explore.js';
import { explorationText } from '../simulator/explore/report.js';
import { storyOfSchedule } from '../simulator/explore/schedule.js';
import { ExplorationError } from '../simulator/explore/stepper.js';
import { plainJson } from '../simulator/json.js';
import { NotRunnable } from '../simulator/scenario/runnable.js';
import type { RunInput } from '../simulator/scenario/simulation.js';
import { COULD_NOT_RUN, FOUND, UsageError } from './errors.js';
import { progressLine, write, writeJson } from './output.js';
import { kernelFor, loadNamed } from './scenario-input.js';

export interface ExploreCommandOptions {
  format: 'text' | 'json';
  maxStates?: number;
  preemptions?: number;
}

/**
 * @param name a scenario file, or the name of one of the library, with `@variant` for one of its variants
 * @param tree of a kernel like the reference kernels; without it the bundled one of the scenario's design
 */
export async function exploreCommand(
  name: string,
  tree: string | undefined,
  { format, maxStates, preemptions }: ExploreCommandOptions,
): Promise<number> {
  const loaded = loadNamed(name);
  if (!loaded) return COULD_NOT_RUN;
  const { scenario, variant } = loaded;
  const input = {
    scenario,
    kernel: await kernelFor(scenario, tree),
    ...(variant !== undefined && { variant }),
  };
  const started = performance.now();
  const show = progressLine('states');
  const found = carryOut(input, {
    ...(maxStates !== undefined && { maxStates }),
    ...(preemptions !== undefined && { preemptions }),
    progress: (states) => show(states, Number.POSITIVE_INFINITY),
  });
  show(1, 1);
  const seconds = (performance.now() - started) / 1000;
  const { explored, ...rest } = found;
  const statesPerSecond = Math.round(explored / seconds);
  if (format === 'json')
    await writeJson({ scenario: scenario.title, ...rest, explored, statesPerSecond }, plainJson);
  else {
    const replay = found.outcome === 'violation' ? storyOfSchedule(input, found.schedule) : undefined;
    await write(explorationText(scenario, found, { statesPerSecond, seconds, name, replay }));
  }
  return found.outcome === 'violation' ? FOUND : 0;
}

function carryOut(input: RunInput, options: Parameters<typeof explore>[1]): Exploration {
  try {
    return explore(input, options);
  } catch (error) {
    if (error instanceof NotRunnable) throw new UsageError(`This scenario can't be run: ${error.message}.`);
    if (error instanceof ExplorationError)
      throw new UsageError(`This scenario can't be explored: ${error.message}.`);
    throw error;
  }
}
