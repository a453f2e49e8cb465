/** Code actions: the way to a finding, its explanation, taking it back with a reason; and the way to a lock that is held. */
import {
  type CodeAction,
  CodeActionKind,
  type CodeActionParams,
  CodeActionTriggerKind,
  type Command,
  type Diagnostic,
  type SnippetTextEdit,
  type TextEdit,
} from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { OpenTree } from '../kernel-workspace.js';
import { EXPLAIN_RULE, type LockPathParams, SHOW_LOCK_PATH } from '../protocol.js';
import { suppressionEdit } from '../suppression-edit.js';
import { SOURCE } from './diagnostics.js';
import { byLock } from './held-locks.js';
import { findingAt } from './lock-path.js';
import { functionAtLine } from './places.js';

/** Locks whose way is offered for a line. */
const MAX_PATHS = 3;
/** Stands where a user is to write why, in editors that know no placeholders. */
const REASON = 'reason';

/** What the editor on the other side can do. */
export interface ActionAbilities {
  /** It takes edits with placeholders. */
  snippets: boolean;
}

export function showPath(title: string, params: LockPathParams): Command {
  return { title, command: SHOW_LOCK_PATH, arguments: [params] };
}

export function codeActions(
  open: OpenTree,
  document: TextDocument,
  { context, range }: CodeActionParams,
  abilities: ActionAbilities,
): CodeAction[] {
  const file = open.locations.file(document.uri);
  if (file === undefined) return [];
  const isWanted = ({ kind }: CodeAction) =>
    !context.only || context.only.some((only) => kind === only || kind?.startsWith(`${only}.`) === true);
  const own = context.diagnostics.filter(({ source, code }) => source === SOURCE && typeof code === 'string');
  const actions = own.flatMap((diagnostic) => actionsOn(open, document, file, diagnostic, abilities));
  // On every line under a lock a light bulb would be noise: there the way is offered when asked for.
  if (own.length === 0 && context.triggerKind === CodeActionTriggerKind.Invoked)
    actions.push(...pathsToLine(open, document, file, range.start.line));
  return actions.filter(isWanted);
}

function actionsOn(
  open: OpenTree,
  document: TextDocument,
  file: string,
  diagnostic: Diagnostic,
  abilities: ActionAbilities,
): CodeAction[] {
  const { start } = diagnostic.range;
  const rule = String(diagnostic.code);
  const common = { kind: CodeActionKind.QuickFix, diagnostics: [diagnostic] };
  const actions: CodeAction[] = [];
  const finding = findingAt(open, file, rule, start.line + 1, start.character + 1);
  if (finding && finding.path.length > 0) {
    const title = finding.lock ? 'Show lock path' : 'Show path';
    const command = showPath(title, { textDocument: { uri: document.uri }, position: start, rule });
    actions.push({ ...common, title, command });
  }
  if (finding) actions.push({ ...common, ...suppress(document, start.line, rule, abilities) });
  const title = `Explain ${rule}`;
  actions.push({ ...common, title, command: { title, command: EXPLAIN_RULE, arguments: [rule] } });
  return actions;
}

function suppress(
  document: TextDocument,
  line: number,
  rule: string,
  { snippets }: ActionAbilities,
): Pick<CodeAction, 'title' | 'edit'> {
  const { uri, version } = document;
  const at = suppressionEdit(document.getText().split('\n'), line, rule);
  const place = { line: at.line, character: at.character };
  const range = { start: place, end: place };
  const title = at.needsReason ? `Ignore ${rule} here, with a reason` : `Ignore ${rule} here too`;
  if (!snippets || !at.needsReason) {
    const edit: TextEdit = { range, newText: `${at.before}${at.needsReason ? REASON : ''}${at.after}` };
    return { title, edit: { changes: { [uri]: [edit] } } };
  }
  const value = `${escaped(at.before)}\${1:${REASON}}${escaped(at.after)}`;
  const edit: SnippetTextEdit = { range, snippet: { kind: 'snippet', value } };
  return { title, edit: { documentChanges: [{ textDocument: { uri, version }, edits: [edit] }] } };
}

const escaped = (text: string): string => text.replaceAll(/[\\$}]/g, '\\$&');

function pathsToLine(open: OpenTree, document: TextDocument, file: string, line: number): CodeAction[] {
  const { contexts, program } = open.analysis;
  const node = functionAtLine(program, file, line + 1);
  if (!node || line + 1 <= node.facts.line) return [];
  const held = byLock(contexts.beforeLine(node, line + 1));
  return held.slice(0, MAX_PATHS).flatMap(([context]) => {
    if (!context) return [];
    const { lock, mode } = context;
    const title = `Show lock path of ${lock}`;
    const position = { line, character: 0 };
    const command = showPath(title, { textDocument: { uri: document.uri }, position, lock, mode });
    return [{ title, kind: CodeActionKind.QuickFix, command }];
  });
}
