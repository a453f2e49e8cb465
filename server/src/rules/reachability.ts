/** What a function may come to call. */
import type { FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';

const MAX_FUNCTIONS = 20_000;

/** Is one of the named functions called from here, directly or through others? */
export function reaches(program: Program, from: FunctionNode, names: ReadonlySet<string>): boolean {
  const seen = new Set([from.id]);
  const pending = [from];
  while (pending.length > 0 && seen.size < MAX_FUNCTIONS) {
    for (const edge of program.callsFrom(pending.pop()!)) {
      if (names.has(edge.calleeName)) return true;
      if (edge.callee && !seen.has(edge.callee.id)) {
        seen.add(edge.callee.id);
        pending.push(edge.callee);
      }
    }
  }
  return false;
}
