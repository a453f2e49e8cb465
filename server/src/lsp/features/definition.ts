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
    ...edges.flatMap((edge) =>
      edge.callee ? [open.locations.nameLocation(edge.callee)] : declared(open, edge),
    ),
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
  return namedLine(open, file, facts.line, facts.name);
}

/** Of a function whose body is not in the scope, its first declaration. */
function declared(open: OpenTree, { calleeName }: CallEdge): Location[] {
  const [first] = open.analysis.program.symbols.prototypes.get(calleeName) ?? [];
  return first ? [namedLine(open, first.file, first.line, calleeName)] : [];
}

/** Where a name stands on a line (from 1) of which facts keep no column. */
function namedLine(open: OpenTree, file: string, line: number, name: string): Location {
  const text = open.text(file).split('\n')[line - 1] ?? '';
  const column = new RegExp(`\\b${name}\\b`).exec(text)?.index;
  return open.locations.location(file, line, (column ?? 0) + 1, column === undefined ? 0 : name.length);
}

function distinct(places: readonly Location[]): Location[] {
  return [...new Map(places.map((place) => [JSON.stringify(place), place])).values()];
}
