/** Call hierarchy, both ways, through ops tables, static calls, pointers and macros. */
import type { CallHierarchyIncomingCall, CallHierarchyItem, CallHierarchyOutgoingCall, Position, Range } from 'vscode-languageserver/node';
import { SymbolKind } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { entryPointOf } from '../../program/entry-points.js';
import type { CallEdge, FunctionNode } from '../../program/model.js';
import type { OpenTree } from '../kernel-workspace.js';
import { rangeAt } from '../locations.js';
import { functionsMeant, wordAt } from './places.js';

/** What an item carries through the editor and back. */
interface ItemData {
  id: string;
}

function itemOf({ analysis, locations }: OpenTree, node: FunctionNode, how = ''): CallHierarchyItem {
  const { facts } = node;
  const entry = entryPointOf(analysis.program, node);
  const end = { line: facts.endLine - 1, character: 0 };
  const selectionRange = rangeAt(facts.line, facts.column, node.name.length);
  const data: ItemData = { id: node.id };
  return {
    name: node.name,
    kind: SymbolKind.Function,
    detail: [node.file, how, entry ? `entry: ${entry.label}` : ''].filter(Boolean).join('  '),
    uri: locations.uri(node.file),
    range: { start: { line: facts.firstLine - 1, character: 0 }, end: end.line > selectionRange.end.line ? end : selectionRange.end },
    selectionRange,
    data,
  };
}

/** How an edge was found, for the item's detail: `[file_operations.fallocate]`. */
function howFound(edge: CallEdge): string {
  if (edge.slot) return `[${edge.via === 'static-call' ? 'static call ' : ''}${edge.slot}]`;
  if (edge.via === 'call') return '';
  return edge.site.macro ? `[by ${edge.site.macro}]` : `[${edge.via}]`;
}

function callRange(edge: CallEdge): Range {
  return rangeAt(edge.site.line, edge.site.column, (edge.site.macro ?? edge.site.text).length);
}

export function prepare(open: OpenTree, document: TextDocument, position: Position): CallHierarchyItem[] | null {
  const file = open.locations.file(document.uri);
  const word = file === undefined ? undefined : wordAt(document, position);
  if (file === undefined || !word) return null;
  const nodes = functionsMeant(open.analysis.program, file, position.line + 1, word.text);
  return nodes.length > 0 ? nodes.map((node) => itemOf(open, node)) : null;
}

/** The function that an item stands for: by its id, or where the editor lost that, by its place. */
function nodeOf(open: OpenTree, item: CallHierarchyItem): FunctionNode | undefined {
  const { program } = open.analysis;
  const id = (item.data as Partial<ItemData> | undefined)?.id;
  const byId = typeof id === 'string' ? program.functionById(id) : undefined;
  if (byId) return byId;
  const file = open.locations.file(item.uri);
  return file === undefined ? undefined : program.functionsIn(file).find((node) => node.name === item.name);
}

/** Groups edges by the function at the other end and by how they were found. */
function grouped(edges: readonly CallEdge[], other: (edge: CallEdge) => FunctionNode | null): { node: FunctionNode; how: string; ranges: Range[] }[] {
  const groups = new Map<string, { node: FunctionNode; how: string; ranges: Range[] }>();
  for (const edge of edges) {
    const node = other(edge);
    if (!node) continue;
    const how = howFound(edge);
    const key = `${node.id} ${how}`;
    const group = groups.get(key);
    if (group) group.ranges.push(callRange(edge));
    else groups.set(key, { node, how, ranges: [callRange(edge)] });
  }
  return [...groups.values()];
}

export function incoming(open: OpenTree, item: CallHierarchyItem): CallHierarchyIncomingCall[] {
  const node = nodeOf(open, item);
  if (!node) return [];
  return grouped(open.analysis.program.callsTo(node), (edge) => edge.caller).map(({ node: caller, how, ranges }) => ({ from: itemOf(open, caller, how), fromRanges: ranges }));
}

export function outgoing(open: OpenTree, item: CallHierarchyItem): CallHierarchyOutgoingCall[] {
  const node = nodeOf(open, item);
  if (!node) return [];
  return grouped(open.analysis.program.callsFrom(node), (edge) => edge.callee).map(({ node: callee, how, ranges }) => ({ to: itemOf(open, callee, how), fromRanges: ranges }));
}
