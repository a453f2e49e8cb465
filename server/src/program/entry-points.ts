/** Where call paths begin: system calls, ioctls, notifiers … by grammars/entry-points.json. */
import table from '../../../grammars/entry-points.json' with { type: 'json' };
import type { FunctionNode } from './model.js';
import type { Program } from './program.js';
import { registrationsOf } from './registrations.js';

export interface EntryPoint {
  /** `system-call`, `mmu-notifier`, … */
  kind: string;
  /** As a person calls it: `fallocate()`. */
  label: string;
  /** What leads here says nothing more of the path. */
  ends?: true;
}

const bySlot = new Map(table.slots.map((row) => [row.slot, { kind: row.kind, label: row.label }]));
const byRegistration = new Map(
  table.registrations.map((row) => [`${row.function}#${row.argument}`, { kind: row.kind, label: row.label }]),
);
const byMacro = new Map(table.macros.map((row) => [row.macro, { kind: row.kind, label: row.label }]));
const byFunction = new Map<string, EntryPoint>(
  table.functions.map((row): [string, EntryPoint] => [
    row.function,
    { kind: row.kind, label: row.label, ...('ends' in row && { ends: true as const }) },
  ]),
);

/** What starts a path in this function, or undefined where only its callers do. */
export function entryPointOf(program: Program, node: FunctionNode): EntryPoint | undefined {
  const systemCall = /^(?:compat_)?sys_(\w+)$/.exec(node.name)?.[1];
  if (node.facts.generatedBy?.includes('SYSCALL_DEFINE') && systemCall)
    return { kind: 'system-call', label: `${systemCall}(2)` };
  const known = byFunction.get(node.name);
  if (known) return known;
  for (const slot of program.slotsOf(node)) {
    const entry = bySlot.get(slot);
    if (entry) return entry;
  }
  for (const { to } of registrationsOf(program, node)) {
    const entry = to && (byRegistration.get(`${to.name}#${to.argument}`) ?? byMacro.get(to.name));
    if (entry) return entry;
  }
  return undefined;
}
