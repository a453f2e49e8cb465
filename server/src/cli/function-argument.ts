/** The argument FUNCTION of a command: what it names, and what to say when it names nothing. */
import { distance } from 'fastest-levenshtein';
import type { FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import { UsageError } from './errors.js';

const MAX_SUGGESTIONS = 5;

/** Functions of a name, or `file:name` where several files have one. */
export function functionsNamed(program: Program, name: string): readonly FunctionNode[] {
  const at = name.lastIndexOf(':');
  const [file, plain] = at > 0 ? [name.slice(0, at), name.slice(at + 1)] : [undefined, name];
  const nodes = program.symbols.functionsByName.get(plain) ?? [];
  const meant =
    file === undefined ? nodes : nodes.filter((node) => node.file === file || node.file.endsWith(`/${file}`));
  const active = meant.filter((node) => program.callsTo(node).length > 0 || node.facts.truth !== 'false');
  return active.length > 0 ? active : meant;
}

/** One line: which function there is not, and which one may be meant. */
export function noFunction(program: Program, name: string, scope: string, tree: string): UsageError {
  const near = closest(program, name);
  const hint =
    near.length > 0 ? `did you mean ${near.join(', ')}?` : scope === 'all' ? '' : 'try --scope all';
  return new UsageError(`no function '${name}' in scope '${scope}' of ${tree}${hint && `; ${hint}`}`);
}

/** Functions with nearly that name: a slip of the finger first, then names that it is a part of. */
function closest(program: Program, name: string): string[] {
  const wanted = name.toLowerCase();
  const allowed = Math.max(1, Math.floor(wanted.length / 5));
  const rank = (known: string) => {
    const lower = known.toLowerCase();
    const slips = Math.abs(lower.length - wanted.length) <= allowed ? distance(lower, wanted) : Infinity;
    return slips <= allowed ? slips : lower.includes(wanted) ? lower.length : Infinity;
  };
  return [...program.symbols.functionsByName.keys()]
    .map((known) => ({ known, rank: rank(known) }))
    .filter(({ rank }) => rank < Infinity)
    .sort((a, b) => a.rank - b.rank || (a.known < b.known ? -1 : 1))
    .slice(0, MAX_SUGGESTIONS)
    .map(({ known }) => known);
}
