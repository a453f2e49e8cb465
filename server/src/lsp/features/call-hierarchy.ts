/** Call hierarchy, both ways, through ops tables, static calls, pointers and macros. */
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  Position,
  Range,
} from 'vscode-languageserver/node';
import { SymbolKind } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { entryPointOf } from '../../program/entry-points.js';
import type { CallEdge, FunctionNode } from '../../program/model.js';
import { registrationsOf, registrationText } from '../../program/registrations.js';
import type { OpenTree } from '../kernel-workspace.js';
import { rangeAt } from '../locations.js';
import { functionsMeant, wordAt } from './places.js';

/** What an item carries through the editor and back. */
interface ItemData {
  id: string;
}

/** What a side bar leaves room for comes first: where a path begins, then how a call was found, then the file. */
function itemOf(
  { analysis, locations }: OpenTree,
  node: FunctionNode,
  how: readonly string[] = [],
  origin: readonly string[] = [],
): CallHierarchyItem {
  const { facts } = node;
  const entry = entryPointOf(analysis.program, node);
  const end = { line: facts.endLine - 1, character: 0 };
  const selectionRange = rangeAt(facts.line, facts.column, node.name.length);
  const data: ItemData = { id: node.id };
  return {
    name: node.name,
    kind: entry ? SymbolKind.Event : SymbolKind.Function,
    detail: [...(entry ? [`← ${entry.label}`] : []), ...how, node.file, ...origin].join(' · '),
    uri: locations.uri(node.file),
    range: {
      start: { line: facts.firstLine - 1, character: 0 },
      end: end.line > selectionRange.end.line ? end : selectionRange.end,
    },
    selectionRange,
    data,
  };
}

/** How an edge was found, for the item's detail. Plain calls need no words. */
function howFound({ analysis }: OpenTree, edge: CallEdge): string {
  if (edge.slot) return `${edge.via === 'static-call' ? 'static call ' : ''}${memberFirst(edge.slot)}`;
  if (edge.via === 'call') return '';
  if (edge.site.macro) return `by ${edge.site.macro}`;
  // A pointer in a variable: the member it was in before says more, where that is but one.
  const members = edge.via === 'pointer' && edge.callee ? new Set(analysis.program.slotsOf(edge.callee)) : [];
  const [member, ...others] = members;
  return member !== undefined && others.length === 0 ? memberFirst(member) : edge.via;
}

/** `->fallocate (file_operations)`: the member tells more than its structure, and a side bar is narrow. */
function memberFirst(slot: string): string {
  const dot = slot.lastIndexOf('.');
  return `->${slot.slice(dot + 1)} (${slot.slice(0, dot)})`;
}

/** Is mmu_lock held at these calls? */
function lockAt({ analysis }: OpenTree, edges: readonly CallEdge[]): string {
  const contexts = edges.map((edge) => analysis.ruleContexts.atCall(edge, 'kvm.mmu_lock'));
  if (contexts.every((held) => held.length === 0)) return '';
  const always = contexts.every((held) => held.length > 0 && held.every(({ when }) => when === 'always'));
  return always ? 'mmu_lock held' : 'mmu_lock sometimes held';
}

function callRange(edge: CallEdge): Range {
  return rangeAt(edge.site.line, edge.site.column, (edge.site.macro ?? edge.site.text).length);
}

export function prepare(
  open: OpenTree,
  document: TextDocument,
  position: Position,
): CallHierarchyItem[] | null {
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

interface Group {
  node: FunctionNode;
  how: string;
  edges: CallEdge[];
}

/** Groups edges by the function at the other end and by how they were found. */
function grouped(
  open: OpenTree,
  edges: readonly CallEdge[],
  other: (edge: CallEdge) => FunctionNode | null,
): Group[] {
  const groups = new Map<string, Group>();
  for (const edge of edges) {
    const node = other(edge);
    if (!node) continue;
    const how = howFound(open, edge);
    const key = `${node.id} ${how}`;
    const group = groups.get(key);
    if (group) group.edges.push(edge);
    else groups.set(key, { node, how, edges: [edge] });
  }
  return [...groups.values()];
}

function itemOfGroup(open: OpenTree, { node, how, edges }: Group, origin?: string[]): CallHierarchyItem {
  return itemOf(open, node, [how, lockAt(open, edges)].filter(Boolean), origin);
}

/** Where a target was put into the pointer that is called through. */
function assigned(edges: readonly CallEdge[]): string[] {
  const places = edges.flatMap(({ assignedAt: at }) => (at ? [`assigned at ${at.file}:${at.line}`] : []));
  return [...new Set(places)];
}

export function incoming(open: OpenTree, item: CallHierarchyItem): CallHierarchyIncomingCall[] {
  const node = nodeOf(open, item);
  if (!node) return [];
  const groups = grouped(open, open.analysis.program.callsTo(node), (edge) => edge.caller);
  const calls = groups.map((group) => ({
    from: itemOfGroup(open, group),
    fromRanges: group.edges.map(callRange),
  }));
  return [...calls, ...handedOver(open, node)];
}

/** Nobody in the tree calls it by a pointer that can be followed: then by whoever hands it to a work queue and the like. */
function handedOver(open: OpenTree, node: FunctionNode): CallHierarchyIncomingCall[] {
  return registrationsOf(open.analysis.program, node).flatMap((registration) => {
    const { by, at } = registration;
    if (!by) return [];
    // In a table outside of the function: there is no place of its own to show.
    const isInside = at.file === by.file && at.line >= by.facts.firstLine && at.line <= by.facts.endLine;
    const range = isInside
      ? rangeAt(at.line, at.column, node.name.length)
      : rangeAt(by.facts.line, by.facts.column, by.name.length);
    return [{ from: itemOf(open, by, [registrationText(registration)]), fromRanges: [range] }];
  });
}

export function outgoing(open: OpenTree, item: CallHierarchyItem): CallHierarchyOutgoingCall[] {
  const node = nodeOf(open, item);
  if (!node) return [];
  const groups = grouped(open, open.analysis.program.callsFrom(node), (edge) => edge.callee);
  return groups.map((group) => ({
    to: itemOfGroup(open, group, assigned(group.edges)),
    fromRanges: group.edges.map(callRange),
  }));
}
