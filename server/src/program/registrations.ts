/**
 * Functions that are handed over for later: to a work queue, a notifier chain, an RCU grace period, another CPU.
 * What calls them isn't in what was read, or not through anything that can be followed: whoever hands them over is
 * where a reader goes on. Locks don't flow along: the call comes later, or elsewhere.
 */
import type { Assignment, FunctionNode, Place } from './model.js';
import type { Program } from './program.js';

export interface Registration {
  /** Where the function is named. */
  at: Place;
  /** The function that hands it over; none where that is done outside of functions. */
  by?: FunctionNode;
  /** To which function or macro it is given, and as which argument (from 0). */
  to?: { name: string; argument: number };
  /** Or into which member it is put: `notifier_block.notifier_call`. */
  slot?: string;
}

interface Named extends Registration {
  /** File whose names are meant. */
  from: string;
}

interface Index {
  revision: number;
  byName: Map<string, Named[]>;
}

const indices = new WeakMap<Program, Index>();

function indexOf(program: Program): Index {
  const known = indices.get(program);
  if (known?.revision === program.revision) return known;
  const byName = new Map<string, Named[]>();
  const add = (name: string, named: Named) => {
    const list = byName.get(name);
    if (list) list.push(named);
    else byName.set(name, [named]);
  };
  for (const { assignment, by } of program.assignments()) {
    const { source, at } = assignment;
    if (!('functionName' in source)) continue;
    const target = targetOf(assignment);
    if (target) add(source.functionName, { ...target, at, from: at.file, ...(by && { by }) });
  }
  for (const file of program.paths)
    for (const { name, arguments: args, line } of program.file(file)?.invocations ?? [])
      args.forEach((text, argument) => {
        if (/^[A-Za-z_]\w*$/.test(text))
          add(text, { to: { name, argument }, at: { file, line, column: 1 }, from: file });
      });
  const index = { revision: program.revision, byName };
  indices.set(program, index);
  return index;
}

function targetOf({ slot }: Assignment): Pick<Registration, 'to' | 'slot'> | undefined {
  if (slot.startsWith('S:')) return slot.startsWith('S:?') ? undefined : { slot: slot.slice(2) };
  const parameter = /^P:(.*)#(\d+)@/.exec(slot);
  return parameter ? { to: { name: parameter[1]!, argument: Number(parameter[2]) } } : undefined;
}

const samePlace = (a: Place, b: Place) => a.file === b.file && a.line === b.line && a.column === b.column;

/** Where a function is handed over without a call of it being known for that. */
export function registrationsOf(program: Program, node: FunctionNode): readonly Registration[] {
  const named = (indexOf(program).byName.get(node.name) ?? []).filter(
    ({ from }) => program.symbols.fn(node.name, from)?.id === node.id,
  );
  const called = program.callsTo(node).flatMap(({ assignedAt }) => (assignedAt ? [assignedAt] : []));
  // An edge tells of one place; a second one in the same file leads to the same call.
  const followed = new Set(
    named.filter(({ at }) => called.some((place) => samePlace(place, at))).map(destination),
  );
  return named.filter((one) => !followed.has(destination(one))).flatMap((one) => withUsers(program, one));
}

const destination = ({ from, to, slot }: Named) => `${from} ${slot ?? `${to!.name}#${to!.argument}`}`;

/** A table names the function; the functions that use the table hand it over. */
function withUsers(program: Program, named: Named): Registration[] {
  const { from, ...registration } = named;
  if (registration.by || registration.slot === undefined) return [registration];
  const table = program.symbols.variableAt(from, registration.at.line);
  if (!table) return [registration];
  const users = program.functionsIn(from).filter((node) => node.facts.body.includes(`"${table.facts.name}"`));
  return users.length > 0 ? users.map((by) => ({ ...registration, by })) : [registration];
}

/** How a registration is said: `handed to call_rcu()`, `put into notifier_block.notifier_call`. */
export const registrationText = ({ to, slot }: Registration): string =>
  to ? `handed to ${to.name}()` : `put into ${slot}`;
