/**
 * The part of a whole tree that can lead to one function, found by search instead of an index of 60,000 files:
 * files with the function's name are read, the functions in them that use it are searched for in turn, until nothing
 * new turns up. What the KVM scope has is there beside it, for its types and macros.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileFacts } from '../kernel-c/facts.js';
import { decodeFacts } from './facts-codec.js';
import { type LoadedProgram, type LoadOptions, loadProgram } from './load-program.js';
import { filesWithWords } from './ripgrep.js';
import type { ScopeFile } from './scope.js';
import { readFiles } from './worker-pool.js';

/** Rounds of search; a call path that is longer ends there. */
const MAX_ROUNDS = 10;
/** Files of one round: names that more files use are library functions, whose callers tell nothing. */
const MAX_FILES = 400;

export interface CallersProgram extends LoadedProgram {
  /** Functions whose callers were not looked for, because too many files use their names. */
  notFollowed: readonly string[];
}

/** Names of functions and macros of a file that use one of the names, as far as other files can call them. */
function usersOf(facts: FileFacts, names: ReadonlySet<string>): { everywhere: string[]; here: string[] } {
  const everywhere = new Set<string>();
  const here = new Set(names);
  const quoted = (text: string) => [...here].some((name) => text.includes(`"${name}"`));
  for (let grew = true; grew; ) {
    grew = false;
    for (const fn of facts.functions) {
      if (here.has(fn.name) || !quoted(fn.body)) continue;
      here.add(fn.name);
      grew = true;
      if (!fn.static || fn.inline) everywhere.add(fn.name);
    }
    for (const macro of facts.macros) {
      if (
        here.has(macro.name) ||
        macro.parameters === null ||
        ![...here].some((name) => macro.text.includes(name))
      )
        continue;
      here.add(macro.name);
      grew = true;
      everywhere.add(macro.name);
    }
  }
  return { everywhere: [...everywhere], here: [...here] };
}

/** @throws TreeError when the tree can't be used or ripgrep is missing */
export async function loadCallersProgram(
  name: string,
  options: LoadOptions,
  ripgrep?: string,
): Promise<CallersProgram> {
  const loaded = await loadProgram({ ...options, scope: 'kvm' });
  const { tree, program, snapshot } = loaded;
  const asked = new Set<string>();
  const notFollowed: string[] = [];
  let frontier = [name];
  for (let round = 0; round < MAX_ROUNDS && frontier.length > 0; round++) {
    for (const one of frontier) asked.add(one);
    const found = await filesWithWords(tree, frontier, snapshot.architecture, ripgrep);
    const wanted = found.filter((path) => program.file(path) === undefined);
    if (wanted.length > MAX_FILES) {
      notFollowed.push(...frontier);
      break;
    }
    const files: ScopeFile[] = wanted.map((path) => {
      const { size, mtimeMs, ctimeMs } = statSync(join(tree, path));
      return { path, size, mtimeMs, ctimeMs };
    });
    const read = new Map<string, FileFacts>();
    await readFiles(files, {
      tree,
      configuration: loaded.configuration.data,
      bundle: snapshot.bundle,
      ...(options.workers !== undefined && { workers: options.workers }),
      ...(options.signal && { signal: options.signal }),
      onResult(file, result) {
        if (result.facts) read.set(file.path, decodeFacts(result.facts));
        else loaded.notes.push({ file: file.path, line: 1, message: result.problem ?? 'not read' });
      },
    });
    for (const [path, facts] of [...read].sort(([a], [b]) => (a < b ? -1 : 1))) program.setFile(path, facts);
    const names = new Set(frontier);
    const next = new Set<string>();
    for (const path of found) {
      const facts = program.file(path);
      for (const user of facts ? usersOf(facts, names).everywhere : []) if (!asked.has(user)) next.add(user);
    }
    frontier = [...next];
  }
  return { ...loaded, notFollowed };
}
