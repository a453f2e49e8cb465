/** Functions on a guest-memory path: the hooks, and everything from which a hook is reached. */
import type { FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import { hooks } from './hooks.js';

/** Hooks that are called from all over the kernel tell nothing about the path to them. */
const TOO_COMMON: ReadonlySet<string> = new Set(['directmap', 'rmp-fault']);

const known = new WeakMap<Program, { revision: number; path: ReadonlySet<string> }>();

/** Ids of the functions on a guest-memory path. */
export function gmemPath(program: Program): ReadonlySet<string> {
  const cached = known.get(program);
  if (cached && cached.revision === program.revision) return cached.path;
  const found = new Set<string>();
  const pending: FunctionNode[] = [];
  const add = (node: FunctionNode) => {
    if (found.has(node.id)) return;
    found.add(node.id);
    pending.push(node);
  };
  for (const hook of hooks) {
    for (const node of program.symbols.functionsByName.get(hook.name) ?? []) {
      if (TOO_COMMON.has(hook.kind)) found.add(node.id);
      else add(node);
    }
  }
  while (pending.length > 0) for (const edge of program.callsTo(pending.pop()!)) add(edge.caller);
  known.set(program, { revision: program.revision, path: found });
  return found;
}
