/** Scenario files below a folder: those that the manifest's `yamlValidation` names. */
import { type Dirent, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Folders whose YAML files are scenarios, whatever their names. */
const OF_SCENARIOS = /(^|[\\/])(gmem-scenarios|server[\\/]scenarios)([\\/]|$)/;
const MOST_FOLDERS = 20_000;

export function scenarioFilesBelow(folder: string): string[] {
  const found: string[] = [];
  const folders = [folder];
  for (let i = 0; i < folders.length && i < MOST_FOLDERS; i++) {
    const at = folders[i]!;
    for (const entry of entriesOf(at)) {
      const path = join(at, entry.name);
      if (entry.isDirectory()) {
        if (!entry.name.startsWith('.') && entry.name !== 'node_modules') folders.push(path);
      } else if (isScenario(path)) found.push(path);
    }
  }
  return found.sort();
}

const isScenario = (path: string): boolean =>
  path.endsWith('.gmem.yaml') ||
  (path.endsWith('.yaml') && OF_SCENARIOS.test(path.slice(0, -basename(path).length)));

/** What can't be read has nothing in it for us. */
function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}
