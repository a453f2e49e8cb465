/** docs/scenarios.md and the README's table of rows, from the scenario library. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadScenario } from '../server/src/simulator/scenario/load.js';
import {
  type LibraryScenario,
  rowTable,
  scenarioPage,
  withTable,
} from '../server/src/simulator/scenario/row-table.js';

/** @throws Error for a scenario that has problems */
export function library(root: string): LibraryScenario[] {
  const folder = join(root, 'server', 'scenarios');
  const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
  return names.sort().map((file) => {
    const { scenario } = loadScenario(file, (path) => readFileSync(join(folder, path), 'utf8'));
    if (!scenario) throw new Error(`${file} has problems: gmem-lens run --check ${file} tells them`);
    return { name: file.replace(/\.yaml$/, ''), scenario };
  });
}

/** Text by path from the project's folder, as it has to be. */
export function documents(root: string): Record<string, string> {
  const scenarios = library(root);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  return {
    'docs/scenarios.md': scenarioPage(scenarios, '../server/scenarios'),
    'README.md': withTable(readme, rowTable(scenarios, 'server/scenarios')),
  };
}
