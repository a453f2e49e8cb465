/**
 * Which arguments of a macro are ever evaluated. `WARN_ON(x)` of a kernel without its checks becomes
 * `sizeof((long)(x))`, and `list_for_each_entry_srcu(…, held(x))` drops its last argument: what is written there is
 * called by nobody.
 */
import type { Expression, Statement } from '../kernel-c/syntax.js';
import { visitStatement } from '../kernel-c/syntax.js';
import { macroBody, unwrap } from './expansion.js';
import type { MacroEntry } from './model.js';

/** The macro that a name stands for where the asked one is used. */
type MacroOf = (name: string) => MacroEntry | undefined;

const MAX_DEPTH = 8;

/** Parameters, by index, that a use of the macro evaluates. The variadic one stands for all that follow. */
export function evaluatedParameters(macro: MacroEntry, macroOf: MacroOf, depth = 0): ReadonlySet<number> {
  const parameters = macro.facts.parameters ?? [];
  const all = new Set(parameters.keys());
  // What isn't read as statements may do anything with its arguments.
  if (macro.content.body === undefined || depth > MAX_DEPTH) return all;
  const used = new Set<number>();
  const mark = (name: string) => {
    const index = name === '__VA_ARGS__' ? parameters.length - 1 : parameters.indexOf(name);
    if (index >= 0) used.add(index);
  };
  const dropped = new Set<Expression>();
  const visit = (node: Expression) => {
    if (dropped.has(node)) return;
    if (node.k === 'id') mark(node.n);
    else if (node.k === 'call') dropUnused(node, macroOf, depth, dropped);
  };
  for (const statement of macroBody(macro))
    visitStatement(statement, visit, (inner) => markStatement(inner, mark));
  return used;
}

/** An iterator's macro may be the parameter itself. */
function markStatement(node: Statement, mark: (name: string) => void): void {
  if (node.k === 'foreach') mark(node.macro);
}

/** Notes the arguments of an inner macro that it doesn't evaluate; visiting them finds nothing. */
function dropUnused(
  node: Extract<Expression, { k: 'call' }>,
  macroOf: MacroOf,
  depth: number,
  dropped: Set<Expression>,
): void {
  const callee = unwrap(node.f);
  const inner = callee.k === 'id' ? macroOf(callee.n) : undefined;
  if (!inner?.facts.parameters) return;
  const used = evaluatedParameters(inner, macroOf, depth + 1);
  const last = inner.facts.parameters.length - 1;
  node.a.forEach((argument, index) => {
    if (used.has(inner.facts.variadic ? Math.min(index, last) : index)) return;
    markAll(argument, dropped);
  });
}

function markAll(node: Expression, into: Set<Expression>): void {
  visitStatement({ k: 'expr', x: node, p: 0 }, (inner) => into.add(inner));
}
