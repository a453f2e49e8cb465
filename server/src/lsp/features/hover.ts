/** Hover: the locks held at a line and where each came from; for a function's name, what it is and how it is entered. */
import type { Hover, Position } from 'vscode-languageserver/node';
import { MarkupKind } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type LockContext, type Witness, witnessSteps } from '../../locks/contexts.js';
import { entryPointOf } from '../../program/entry-points.js';
import type { FunctionNode } from '../../program/model.js';
import { hookOf, kindMeaning } from '../../rules/hooks.js';
import type { OpenTree } from '../kernel-workspace.js';
import { functionAtLine, functionsMeant, wordAt } from './places.js';

const MMU_LOCK = 'kvm.mmu_lock';
const MAX_LOCKS = 8;
const MAX_MEANINGS = 3;
/** Functions of a path that are shown at its beginning and at its end. */
const SHOWN_HEAD = 2;
const SHOWN_TAIL = 2;

/** A lock that is held in one mode or another. */
type Ways = readonly LockContext[];

function byLock(contexts: readonly LockContext[]): Ways[] {
  const groups = new Map<string, LockContext[]>();
  for (const context of contexts) groups.set(context.lock, [...(groups.get(context.lock) ?? []), context]);
  return [...groups.values()].sort(byInterest);
}

/** mmu_lock first, it is what one came for; then what is certain. */
function byInterest([a]: Ways, [b]: Ways): number {
  if (!a || !b) return 0;
  return (
    Number(b.lock === MMU_LOCK) - Number(a.lock === MMU_LOCK) ||
    a.when.localeCompare(b.when) ||
    a.lock.localeCompare(b.lock)
  );
}

/** The acquisition and the functions on the way down, each a link; of a long way the middle is left out. */
function chain({ locations }: OpenTree, witness: Witness, lock: string): string {
  const [taken, ...calls] = witnessSteps(witness, lock);
  if (!taken) return '';
  const places = [
    { ...taken, label: `${taken.function}:${taken.line}` },
    ...calls.slice(1).map((step) => ({ ...step, label: step.function })),
  ];
  const links = places.map(({ label, file, line }) => `[${label}](${locations.uri(file)}#L${line})`);
  const hidden = links.length - SHOWN_HEAD - SHOWN_TAIL;
  if (hidden > 1) links.splice(SHOWN_HEAD, hidden, `… ${hidden} more …`);
  return links.join(' → ');
}

function way(open: OpenTree, { lock, mode }: LockContext, witness: Witness | undefined): string {
  return `(${mode})${witness ? `, taken in ${chain(open, witness, lock)}` : ''}`;
}

function lockLine(open: OpenTree, node: FunctionNode, line: number, ways: Ways): string {
  const { contexts } = open.analysis;
  const described = ways.map((context) =>
    way(open, context, contexts.witnessBeforeLine(node, line, context.lock, context.mode)),
  );
  const sometimes = ways.some(({ when }) => when === 'sometimes') ? '*sometimes* ' : '';
  return `- ${sometimes}\`${ways[0]?.lock}\` ${described.join('; or ')}`;
}

function heldAt(open: OpenTree, node: FunctionNode, line: number): string[] {
  const locks = byLock(open.analysis.contexts.beforeLine(node, line));
  if (locks.length === 0) return [];
  const lines = [
    `**Locks held before line ${line}**`,
    '',
    ...locks.slice(0, MAX_LOCKS).map((ways) => lockLine(open, node, line, ways)),
  ];
  if (locks.length > MAX_LOCKS) lines.push(`- and ${locks.length - MAX_LOCKS} more`);
  return lines;
}

/** What a hook is for, where a path begins, and whether mmu_lock is held on entry. Nothing on functions that are neither. */
function entered(open: OpenTree, node: FunctionNode): string[] {
  const { contexts, program } = open.analysis;
  const hook = hookOf(node.name);
  const entry = entryPointOf(program, node);
  const held = contexts.whenHeld(node, MMU_LOCK);
  if (!hook && !entry && held === 'never') return [];
  const lines = [`**${node.name}**${hook ? ` — ${hook.role}` : ''}`];
  if (hook) lines.push('', `*${hook.kind}*: ${kindMeaning(hook.kind)}`);
  if (entry) lines.push('', `Entered by: ${entry.label}`);
  const calls = program.callsTo(node).length;
  const witness = held === 'never' ? undefined : contexts.witnessOfEntry(node, MMU_LOCK);
  const known = `(${calls} known ${calls === 1 ? 'call' : 'calls'})`;
  const example = witness ? `, as in ${chain(open, witness, MMU_LOCK)}` : '';
  if (calls > 0) lines.push('', `\`${MMU_LOCK}\` on entry: ${held} held ${known}${example}`);
  return [...lines, ''];
}

export function hover(open: OpenTree, document: TextDocument, position: Position): Hover | null {
  const file = open.locations.file(document.uri);
  if (file === undefined) return null;
  const { program } = open.analysis;
  const line = position.line + 1;
  const word = wordAt(document, position);
  const parts: string[] = [];
  if (word)
    for (const node of functionsMeant(program, file, line, word.text).slice(0, MAX_MEANINGS))
      parts.push(...entered(open, node), '');
  const around = functionAtLine(program, file, line);
  if (around && line > around.facts.line) parts.push(...heldAt(open, around, line));
  const value = parts.join('\n').trim();
  return value === '' ? null : { contents: { kind: MarkupKind.Markdown, value } };
}
