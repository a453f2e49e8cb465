/** `gmem-lens locks`: lock contexts of functions, and the locks held before a line. */
import { isAbsolute, relative } from 'node:path';
import type { FunctionNode } from '../program/model.js';
import type { TreeAnalysis } from '../rules/tree-analysis.js';
import { UsageError } from './errors.js';
import { functionsNamed, noFunction } from './function-argument.js';
import { loadTree, type TreeOptions } from './load.js';
import { writeJson, writeJsonLines, writeLine } from './output.js';

export interface LocksOptions extends TreeOptions {
  format: 'text' | 'json' | 'jsonl';
}

function record(analysis: TreeAnalysis, node: FunctionNode): object {
  return {
    function: node.name,
    file: node.file,
    line: node.facts.line,
    entry: analysis.contexts.entry(node),
  };
}

function contextText(contexts: readonly { lock: string; mode: string; when: string }[]): string {
  if (contexts.length === 0) return 'no lock';
  // Always held, now for reading and now for writing, is one thing to say.
  const modes = new Map<string, string[]>();
  for (const { lock, mode } of contexts) modes.set(lock, [...(modes.get(lock) ?? []), mode]);
  const when = new Map(contexts.map((context) => [context.lock, context.when]));
  return [...modes].map(([lock, all]) => `${lock} (${all.join(' or ')}, ${when.get(lock)})`).join(', ');
}

async function atLine(
  analysis: TreeAnalysis,
  file: string,
  line: number,
  options: LocksOptions,
): Promise<number> {
  const facts = analysis.program.file(file);
  if (!facts)
    throw new UsageError(
      `${file} is not in scope '${options.scope}'; name it relative to the tree, or use --scope`,
    );
  const node = analysis.program
    .functionsIn(file)
    .find((candidate) => line >= candidate.facts.firstLine && line <= candidate.facts.endLine);
  if (!node) throw new UsageError(`${file}:${line} is in no function; the file has ${facts.lineCount} lines`);
  const locks = analysis.contexts.beforeLine(node, line);
  if (options.format === 'text') await writeLine(`${file}:${line} in ${node.name}: ${contextText(locks)}`);
  else await writeJson({ function: node.name, file, line, locks });
  return 0;
}

export async function locks(what: string | undefined, tree: string, options: LocksOptions): Promise<number> {
  const { loaded, analysis } = await loadTree(tree, options);
  const place = what === undefined ? null : /^(.+):(\d+)$/.exec(what);
  if (place) {
    const file = isAbsolute(place[1]!) ? relative(loaded.tree, place[1]!) : place[1]!.replace(/^\.\//, '');
    return atLine(analysis, file, Number(place[2]), options);
  }
  const nodes =
    what === undefined ? [...analysis.program.functions()] : functionsNamed(analysis.program, what);
  if (what !== undefined && nodes.length === 0)
    throw noFunction(analysis.program, what, options.scope, loaded.tree);
  if (options.format !== 'text')
    await writeJsonLines(
      (function* () {
        for (const node of nodes) yield record(analysis, node);
      })(),
    );
  else
    for (const node of nodes) {
      const entry = analysis.contexts.entry(node);
      if (what !== undefined || entry.length > 0)
        await writeLine(`${node.file}:${node.facts.line}: ${node.name}: ${contextText(entry)}`);
    }
  return 0;
}
