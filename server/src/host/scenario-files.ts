/** Scenarios on disk, and the C of the reference kernel that one of them runs on. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the bundled scenarios and kernels: server/, beside dist/ or above the sources. */
function serverFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return here.endsWith(join('src', 'host')) ? join(here, '..', '..') : join(here, '..', 'server');
}

/** Path of a scenario: a file as given, or one of the library by its name. `undefined`: neither. */
export function scenarioPath(name: string): string | undefined {
  if (existsSync(name)) return name;
  const inLibrary = join(serverFolder(), 'scenarios', name.endsWith('.yaml') ? name : `${name}.yaml`);
  return existsSync(inLibrary) ? inLibrary : undefined;
}

/** Names of the bundled scenarios, without `.yaml`. */
export function libraryScenarios(): string[] {
  const folder = join(serverFolder(), 'scenarios');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length))
    .sort();
}

/** A file's text; `undefined` where there is none. */
export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Folder of a bundled reference kernel. */
export const kernelFolder = (design: string): string => join(serverFolder(), 'kernels', design);

/** The C and headers of a small tree by path from it, with `/`; sorted. */
export function kernelTexts(folder: string): Record<string, string> {
  const texts: Record<string, string> = {};
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  for (const path of paths)
    if (/\.[ch]$/.test(path))
      texts[relative(folder, join(folder, path)).split(sep).join('/')] = readFileSync(
        join(folder, path),
        'utf8',
      );
  return texts;
}
