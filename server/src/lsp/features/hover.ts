/** Hover: the locks held at a line and where each came from; for a function's name, what it is and how it is entered. */
import type { Hover, Position } from 'vscode-languageserver/node';
import { MarkupKind } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type LockContext, witnessSteps } from '../../locks/contexts.js';
import type { FunctionNode } from '../../program/model.js';
import { hookOf } from '../../rules/hooks.js';
import type { OpenTree } from '../kernel-workspace.js';
import { functionAtLine, functionsMeant, wordAt } from './places.js';

/** mmu_lock first, it is what one came for; then what is certain. */
function byInterest(a: LockContext, b: LockContext): number {
  return Number(b.lock === 'kvm.mmu_lock') - Number(a.lock === 'kvm.mmu_lock') || a.when.localeCompare(b.when) || a.lock.localeCompare(b.lock);
}

const MAX_LOCKS = 12;

function link({ locations }: OpenTree, text: string, file: string, line: number): string {
  return `[${text}](${locations.uri(file)}#L${line})`;
}

function lockLine(open: OpenTree, node: FunctionNode, line: number, context: LockContext): string {
  const witness = open.analysis.contexts.witnessBeforeLine(node, line, context.lock, context.mode);
  const steps = witness ? witnessSteps(witness, context.lock) : [];
  const from = steps.map((step) => link(open, step.function, step.file, step.line)).join(' → ');
  return `- \`${context.lock}\` (${context.mode}) ${context.when === 'always' ? '' : '**sometimes** '}${from ? `— taken in ${from}` : ''}`;
}

function heldAt(open: OpenTree, node: FunctionNode, line: number): string[] {
  const contexts = open.analysis.contexts.beforeLine(node, line).sort(byInterest);
  if (contexts.length === 0) return [];
  const lines = [`**Locks held before line ${line}**`, '', ...contexts.slice(0, MAX_LOCKS).map((context) => lockLine(open, node, line, context))];
  if (contexts.length > MAX_LOCKS) lines.push(`- and ${contexts.length - MAX_LOCKS} more`);
  return lines;
}

function entered(open: OpenTree, node: FunctionNode): string[] {
  const hook = hookOf(node.name);
  const held = open.analysis.contexts.whenHeld(node, 'kvm.mmu_lock');
  const lines = hook ? [`**${node.name}** — ${hook.kind}${hook.mailRow ? ` (row ${hook.mailRow})` : ''}: ${hook.role}`, ''] : [];
  if (!hook && held === 'never') return lines;
  lines.push(`\`mmu_lock\` at its entry: ${held === 'never' ? 'never held' : `${held} held`} over ${open.analysis.program.callsTo(node).length} known call sites`);
  return lines;
}

export function hover(open: OpenTree, document: TextDocument, position: Position): Hover | null {
  const file = open.locations.file(document.uri);
  if (file === undefined) return null;
  const { program } = open.analysis;
  const line = position.line + 1;
  const word = wordAt(document, position);
  const parts: string[] = [];
  if (word) for (const node of functionsMeant(program, file, line, word.text).slice(0, 3)) parts.push(...entered(open, node), '');
  const around = functionAtLine(program, file, line);
  if (around && line > around.facts.line) parts.push(...heldAt(open, around, line));
  const value = parts.join('\n').trim();
  return value === '' ? null : { contents: { kind: MarkupKind.Markdown, value } };
}
