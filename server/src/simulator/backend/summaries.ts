/** Scenario files in short: what lists, lenses and test trees show of them. */
import { basename } from 'node:path/posix';
import { ScenarioDocument } from '../scenario/document.js';
import { loadScenario } from '../scenario/load.js';
import { type Scenario, withVariant } from '../scenario/model.js';
import type { TextRange } from '../scenario/problem.js';
import type { SimulatorFiles } from './prepare.js';
import type { Overlays, Range, ScenarioSummary } from './protocol.js';

/** @param id what a run takes to mean it */
export async function summarise(
  path: string,
  id: string,
  files: SimulatorFiles,
  overlays: Overlays,
): Promise<ScenarioSummary> {
  const name = basename(path.replaceAll('\\', '/')).replace(/(\.gmem)?\.ya?ml$/, '');
  const bundled = id !== path;
  const { scenario, problems } = loadScenario(path, (one) => files.text(one, overlays));
  if (!scenario)
    return {
      id,
      name,
      path,
      title: '',
      about: '',
      rows: [],
      platform: '',
      design: '',
      bundled,
      range: START,
      variants: [],
      refusals: [],
      problems,
    };
  const document = new ScenarioDocument(path, files.text(path, overlays) ?? '');
  const { title, about, rows, platform, design } = scenario;
  return {
    id,
    name,
    path,
    title,
    about,
    rows,
    platform,
    design,
    bundled,
    range: rangeOf(document.keyAt([], 'scenario')),
    variants: await Promise.all(
      scenario.variants.map(async (variant) => ({
        name: variant.name,
        about: variant.about,
        range: rangeOf(document.keyAt(['variants'], variant.name)),
        refusals: await refusalsOf(withVariant(scenario, variant.name)!, files, overlays),
      })),
    ),
    refusals: await refusalsOf(scenario, files, overlays),
    problems: [],
  };
}

const START: Range = { line: 1, column: 1, endLine: 1, endColumn: 1 };

const rangeOf = ({ line, column, endLine, endColumn }: TextRange): Range => ({
  line,
  column,
  endLine,
  endColumn,
});

/** A scenario of a tree can be judged only on that tree. */
async function refusalsOf(scenario: Scenario, files: SimulatorFiles, overlays: Overlays): Promise<string[]> {
  if (scenario.design === 'tree') return [];
  try {
    const { code } = await files.kernel(scenario.design, undefined, overlays);
    return code.refusals(scenario);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
