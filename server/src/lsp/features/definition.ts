/**
 * Definitions of what a call leads to. A macro that makes calls offers its own definition and those of the called
 * functions; a call through a member, a pointer or a static call every function that may be in there.
 */
import type { Location, Position } from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { CallEdge, FunctionNode, MacroEntry } from '../../program/model.js';
import type { OpenTree } from '../kernel-workspace.js';
import { callsNamed, functionAtLine, type Word, wordAt } from './places.js';

export function definition(open: OpenTree, document: TextDocument, position: Position): Location[] {
  const file = open.locations.file(document.uri);
  const word = file === undefined ? undefined : wordAt(document, position);
  const around =
    file === undefined ? undefined : functionAtLine(open.analysis.program, file, position.line + 1);
  if (!around || !word) return [];
  const edges = callsNamed(open.analysis.program, around, position.line + 1, word.text);
  const macro = macroUsed(open, around, word, edges);
  const places = [
    ...(macro ? [macroLocation(open, macro)] : []),
    ...edges.flatMap(({ callee }) => (callee ? [open.locations.nameLocation(callee)] : [])),
  ];
  return distinct(places);
}

/** The macro that a word means, where it isn't merely one that a called function shares its name with. */
function macroUsed(
  { analysis }: OpenTree,
  { file, facts }: FunctionNode,
  word: Word,
  edges: readonly CallEdge[],
): MacroEntry | undefined {
  if (edges.length > 0 && edges.every(({ site }) => site.macro !== word.text)) return undefined;
  const macro = analysis.program.symbols.macro(word.text, file, facts.instance);
  return macro?.facts.parameters || edges.length > 0 ? macro : undefined;
}

function macroLocation(open: OpenTree, { file, facts }: MacroEntry): Location {
  const line = open.text(file).split('\n')[facts.line - 1] ?? '';
  const column = new RegExp(`\\b${facts.name}\\b`).exec(line)?.index ?? 0;
  return open.locations.location(file, facts.line, column + 1, facts.name.length);
}

function distinct(places: readonly Location[]): Location[] {
  return [...new Map(places.map((place) => [JSON.stringify(place), place])).values()];
}
