/** `gmem-lens compare`: a scenario on every design that can carry it, and in its variants. */
import { plainJson } from '../simulator/json.js';
import { compareDesigns } from '../simulator/scenario/compare.js';
import { comparisonText } from '../simulator/scenario/compare-text.js';
import type { KernelCode } from '../simulator/scenario/kernel-code.js';
import type { Scenario } from '../simulator/scenario/model.js';
import { COULD_NOT_RUN, UsageError } from './errors.js';
import { write, writeJson } from './output.js';
import { loadNamed, referenceKernelFor } from './scenario-input.js';

/** @param name a scenario file, or the name of one of the library, with `@variant` for one of its variants alone */
export async function compareCommand(
  name: string,
  { format, maxSteps }: { format: 'text' | 'json'; maxSteps?: number },
): Promise<number> {
  const loaded = loadNamed(name);
  if (!loaded) return COULD_NOT_RUN;
  const comparison = compareDesigns(loaded.scenario, kernelOrWhy, maxSteps);
  if (comparison.runs.length === 0)
    throw new UsageError(
      `No design can carry this scenario: ${comparison.notRun.map(({ design, notRun }) => `${design}: ${notRun}`).join('; ')}`,
    );
  if (format === 'json') await writeJson(comparison, plainJson);
  else await write(comparisonText(comparison));
  return 0;
}

function kernelOrWhy(scenario: Scenario): KernelCode | string {
  try {
    return referenceKernelFor(scenario, undefined);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
}
