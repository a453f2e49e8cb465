/** `calls` and `functions`: one JSON object a line for programs, a table for people. */
import type { CallEdge } from '../program/model.js';
import type { Program } from '../program/program.js';
import { loadTree, type TreeOptions } from './load.js';
import { writeJsonLines, writeLine } from './output.js';

export interface ListingOptions extends TreeOptions {
  format: 'text' | 'json' | 'jsonl';
}

function edgeRecord(edge: CallEdge): object {
  const { caller, callee, site } = edge;
  return {
    caller: caller.name,
    callerFile: caller.file,
    callerLine: caller.facts.line,
    callee: edge.calleeName,
    calleeFile: callee?.file ?? null,
    calleeLine: callee?.facts.line ?? null,
    file: caller.file,
    line: site.line,
    column: site.column,
    via: edge.via,
    ...(edge.slot !== undefined && { slot: edge.slot }),
    ...(site.macro !== undefined && { macro: site.macro }),
    ...(edge.assignedAt && { assignedAt: edge.assignedAt }),
    certainty: edge.certainty,
  };
}

function* edges(program: Program): Iterable<CallEdge> {
  for (const node of program.functions()) yield* program.callsFrom(node);
}

function* map<T, R>(values: Iterable<T>, convert: (value: T) => R): Iterable<R> {
  for (const value of values) yield convert(value);
}

export async function calls(tree: string, options: ListingOptions): Promise<number> {
  const { loaded } = await loadTree(tree, options);
  if (options.format !== 'text') await writeJsonLines(map(edges(loaded.program), edgeRecord));
  else
    for (const edge of edges(loaded.program))
      await writeLine(
        `${edge.caller.file}:${edge.site.line}: ${edge.caller.name} -> ${edge.calleeName} (${edge.via}${edge.slot ? ` ${edge.slot}` : ''})`,
      );
  return 0;
}

export async function functions(tree: string, options: ListingOptions): Promise<number> {
  const { loaded } = await loadTree(tree, options);
  const nodes = loaded.program.functions();
  if (options.format === 'text') {
    for (const node of nodes) await writeLine(`${node.file}:${node.facts.line}: ${node.name}`);
    return 0;
  }
  await writeJsonLines(
    map(nodes, ({ name, file, facts }) => ({
      name,
      file,
      line: facts.line,
      endLine: facts.endLine,
      static: facts.static,
      ...(facts.generatedBy !== undefined && { generatedBy: facts.generatedBy }),
      ...(facts.weak && { weak: true }),
      ...(facts.truth !== 'true' && { condition: facts.when }),
    })),
  );
  return 0;
}
