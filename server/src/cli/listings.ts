/** `calls` and `functions`: one JSON object a line for programs, a table for people. */
import { LISTED_SCOPE } from '../host/scope.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import { systemCallOf } from '../program/system-calls.js';
import { type LoadedTree, loadTree, type TreeOptions } from './load.js';
import { writeJsonLines, writeLine } from './output.js';

export interface ListingOptions extends TreeOptions {
  format: 'text' | 'json' | 'jsonl';
}

/** A list is of everything: also of what a check has no need to read. */
const loadAll = (tree: string, options: ListingOptions): Promise<LoadedTree> =>
  loadTree(tree, { ...options, scope: options.scope === 'kvm' ? LISTED_SCOPE : options.scope });

function edgeRecord(edge: CallEdge, name = edge.caller.name): object {
  const { caller, callee, site } = edge;
  return {
    caller: name,
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

/** Records of all edges, those of what the compiler makes of a system call among them. */
function* edgeRecords(program: Program): Iterable<object> {
  for (const node of program.functions()) {
    const known = program.callsFrom(node);
    for (const edge of known) yield edgeRecord(edge);
    const made = systemCallOf(node, program.architecture);
    if (!made) continue;
    for (const edge of known) yield edgeRecord(edge, made.body);
    yield* wrapperEdges(
      node,
      made.chains.map((chain) => [...chain, made.body]),
    );
  }
}

/** Each function of a chain calls the next; what chains share is told once. */
function* wrapperEdges(node: FunctionNode, chains: readonly (readonly string[])[]): Iterable<object> {
  const told = new Set<string>();
  for (const chain of chains)
    for (const [index, callee] of chain.entries()) {
      const caller = chain[index - 1];
      if (caller === undefined || told.has(caller)) continue;
      told.add(caller);
      const { file, facts } = node;
      yield {
        caller,
        callerFile: file,
        callerLine: facts.line,
        callee,
        calleeFile: file,
        calleeLine: facts.line,
        file,
        line: facts.line,
        column: 1,
        via: 'macro',
        macro: facts.generatedBy,
        certainty: 'certain',
      };
    }
}

function functionRecord({ name, file, facts }: FunctionNode): object {
  return {
    name,
    file,
    line: facts.line,
    endLine: facts.endLine,
    static: facts.static,
    ...(facts.generatedBy !== undefined && { generatedBy: facts.generatedBy }),
    ...(facts.weak && { weak: true }),
    ...(facts.truth !== 'true' && { condition: facts.when }),
  };
}

function* functionRecords(program: Program): Iterable<object> {
  for (const node of program.functions()) {
    yield functionRecord(node);
    const made = systemCallOf(node, program.architecture);
    if (!made) continue;
    const names = new Set([made.body, ...made.chains.flat()]);
    for (const name of names) yield functionRecord({ ...node, name });
  }
}

export async function calls(tree: string, options: ListingOptions): Promise<number> {
  const { loaded } = await loadAll(tree, options);
  if (options.format !== 'text') await writeJsonLines(edgeRecords(loaded.program));
  else
    for (const edge of edges(loaded.program))
      await writeLine(
        `${edge.caller.file}:${edge.site.line}: ${edge.caller.name} -> ${edge.calleeName} (${edge.via}${edge.slot ? ` ${edge.slot}` : ''})`,
      );
  return 0;
}

export async function functions(tree: string, options: ListingOptions): Promise<number> {
  const { loaded } = await loadAll(tree, options);
  if (options.format === 'text') {
    for (const node of loaded.program.functions())
      await writeLine(`${node.file}:${node.facts.line}: ${node.name}`);
    return 0;
  }
  await writeJsonLines(functionRecords(loaded.program));
  return 0;
}
