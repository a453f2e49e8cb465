/** Hover: the locks held at a line and where each came from; for a function's name, what it is and how it is entered. */
import type { Hover, Position } from 'vscode-languageserver/node';
import { MarkupKind } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { type LockContext, type Witness, witnessSteps } from '../../locks/contexts.js';
import { entryPointOf } from '../../program/entry-points.js';
import type { FunctionNode } from '../../program/model.js';
import { hookOf, kindMeaning } from '../../rules/hooks.js';
import type { OpenTree } from '../kernel-workspace.js';
import { type LockPathParams, SHOW_LOCK_PATH } from '../protocol.js';
import { MMU_LOCK } from '../shown-locks.js';
import { byLock, type Ways } from './held-locks.js';
import { callsNamed, functionAtLine, functionsMeant, wordAt } from './places.js';

const MAX_LOCKS = 8;
const MAX_MEANINGS = 3;
const MAX_TARGETS = 6;
/** Functions of a path that are shown at its beginning and at its end. */
const SHOWN_HEAD = 2;
const SHOWN_TAIL = 2;

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

/** Asks for the whole way, where the editor carries out commands in a hover. */
function why(commands: boolean, params: LockPathParams): string {
  if (!commands) return '';
  return ` — [why?](command:${SHOW_LOCK_PATH}?${encodeURIComponent(JSON.stringify([params]))})`;
}

interface Line {
  open: OpenTree;
  node: FunctionNode;
  /** From 1. */
  line: number;
  commands: boolean;
}

function way(at: Line, { lock, mode }: LockContext, witness: Witness | undefined): string {
  if (!witness) return `(${mode})`;
  const { open, node, line, commands } = at;
  const textDocument = { uri: open.locations.uri(node.file) };
  const position = { line: line - 1, character: 0 };
  return `(${mode}), taken in ${chain(open, witness, lock)}${why(commands, { textDocument, position, lock, mode })}`;
}

function lockLine(at: Line, ways: Ways): string {
  const { contexts } = at.open.analysis;
  const described = ways.map((context) =>
    way(at, context, contexts.witnessBeforeLine(at.node, at.line, context.lock, context.mode)),
  );
  const sometimes = ways.some(({ when }) => when === 'sometimes') ? '*sometimes* ' : '';
  return `- ${sometimes}\`${ways[0]?.lock}\` ${described.join('; or ')}`;
}

function heldAt(at: Line): string[] {
  const locks = byLock(at.open.analysis.contexts.beforeLine(at.node, at.line));
  if (locks.length === 0) return [];
  const lines = [
    `**Locks held before line ${at.line}**`,
    '',
    ...locks.slice(0, MAX_LOCKS).map((ways) => lockLine(at, ways)),
  ];
  if (locks.length > MAX_LOCKS) lines.push(`- and ${locks.length - MAX_LOCKS} more`);
  return lines;
}

/** Where a call through a member, a pointer or a static call may lead, and where each target was put there. */
function targets(
  { analysis, locations }: OpenTree,
  around: FunctionNode,
  line: number,
  word: string,
): string[] {
  const edges = callsNamed(analysis.program, around, line, word).filter(
    ({ callee, assignedAt }) => callee && assignedAt,
  );
  const [first] = edges;
  if (!first) return [];
  const shown = edges.slice(0, MAX_TARGETS).map(({ callee, calleeName, assignedAt: at }) => {
    const name = callee ? `[${calleeName}](${locations.uri(callee.file)}#L${callee.facts.line})` : calleeName;
    return `- ${name}${at ? `, assigned at [${at.file}:${at.line}](${locations.uri(at.file)}#L${at.line})` : ''}`;
  });
  if (edges.length > MAX_TARGETS) shown.push(`- and ${edges.length - MAX_TARGETS} more`);
  return [`**Calls through ${first.slot ? `\`${first.slot}\`` : 'a pointer'}**`, '', ...shown, ''];
}

/** What a hook is for, where a path begins, and whether mmu_lock is held on entry. Nothing on functions that are neither. */
function entered(open: OpenTree, node: FunctionNode, commands: boolean): string[] {
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
  // The first line of the body is as the function is entered.
  const position = { line: node.facts.line, character: 0 };
  const textDocument = { uri: open.locations.uri(node.file) };
  const asked = why(commands && node.facts.endLine > node.facts.line, {
    textDocument,
    position,
    lock: MMU_LOCK,
  });
  const example = witness ? `, as in ${chain(open, witness, MMU_LOCK)}${asked}` : '';
  if (calls > 0) lines.push('', `\`${MMU_LOCK}\` on entry: ${held} held ${known}${example}`);
  return [...lines, ''];
}

/** @param commands does the editor carry out commands in a hover? */
export function hover(
  open: OpenTree,
  document: TextDocument,
  position: Position,
  commands: boolean,
): Hover | null {
  const file = open.locations.file(document.uri);
  if (file === undefined) return null;
  const { program } = open.analysis;
  const line = position.line + 1;
  const word = wordAt(document, position);
  const around = functionAtLine(program, file, line);
  const parts: string[] = [];
  if (word && around) parts.push(...targets(open, around, line, word.text));
  if (word)
    for (const node of functionsMeant(program, file, line, word.text).slice(0, MAX_MEANINGS))
      parts.push(...entered(open, node, commands), '');
  if (around && line > around.facts.line) parts.push(...heldAt({ open, node: around, line, commands }));
  const value = parts.join('\n').trim();
  return value === '' ? null : { contents: { kind: MarkupKind.Markdown, value } };
}
