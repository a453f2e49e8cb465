/** Which functions a function pointer may be: assignments followed from slot to slot. */
import type { Assignment, Place, Slot } from './model.js';

export interface SlotTarget {
  functionName: string;
  /** File whose names are meant: where the assignment stands. */
  from: string;
  at: Place;
  /** Member that the function was read from on its way to the call, the nearest one: `address_space_operations.free_folio`. */
  member?: string;
}

interface Reached {
  slot: Slot;
  member?: string;
}

const MAX_TARGETS = 400;

/** The member that a slot stands for, `struct.field`, if the struct is known. */
export const memberOf = (slot: Slot) =>
  slot.startsWith('S:') && !slot.startsWith('S:?') ? slot.slice(2) : undefined;

function reached(slot: Slot, nearer?: string): Reached {
  const member = nearer ?? memberOf(slot);
  return { slot, ...(member !== undefined && { member }) };
}

/** Slots by what they stand for: a parameter is the same from whichever file its function is called. */
const keyOf = (slot: Slot): string => (slot.startsWith('P:') ? slot.slice(0, slot.indexOf('@')) : slot);

/** Is a slot's value another when some assignments come or go? By following all assignments on from those. */
export function slotsBehind(
  altered: readonly Assignment[],
  all: Iterable<readonly Assignment[]>,
): (slot: Slot) => boolean {
  const next = new Map<string, string[]>();
  for (const assignments of all)
    for (const { slot, source } of assignments) {
      if (!('slot' in source)) continue;
      const from = keyOf(source.slot);
      const list = next.get(from);
      if (list) list.push(keyOf(slot));
      else next.set(from, [keyOf(slot)]);
    }
  const reached = new Set(altered.map(({ slot }) => keyOf(slot)));
  for (const key of reached) for (const further of next.get(key) ?? []) reached.add(further);
  return (slot) => reached.has(keyOf(slot));
}

export class SlotGraph {
  private readonly sources = new Map<Slot, Assignment[]>();
  private members: Map<string, { slot: string; from: string }[]> | undefined;
  private readonly resolved = new Map<Slot, readonly SlotTarget[]>();
  /** Parameter slots by function and index, whichever file the call stands in. */
  private readonly parameters = new Map<string, Slot[]>();

  add(assignment: Assignment): void {
    const list = this.sources.get(assignment.slot);
    if (list) list.push(assignment);
    else {
      this.sources.set(assignment.slot, [assignment]);
      if (assignment.slot.startsWith('P:')) {
        const key = assignment.slot.slice(0, assignment.slot.indexOf('@'));
        const slots = this.parameters.get(key);
        if (slots) slots.push(assignment.slot);
        else this.parameters.set(key, [assignment.slot]);
      }
    }
  }

  /** Members that a function of this name was assigned to; `isMeant` tells by the assigning file which function it is. */
  membersHolding(name: string, isMeant: (from: string) => boolean): string[] {
    if (!this.members) {
      this.members = new Map();
      for (const [slot, assignments] of this.sources) {
        if (!slot.startsWith('S:')) continue;
        for (const { source, at } of assignments) {
          if (!('functionName' in source)) continue;
          const list = this.members.get(source.functionName);
          if (list) list.push({ slot: slot.slice(2), from: at.file });
          else this.members.set(source.functionName, [{ slot: slot.slice(2), from: at.file }]);
        }
      }
    }
    return (this.members.get(name) ?? []).filter(({ from }) => isMeant(from)).map(({ slot }) => slot);
  }

  /**
   * Functions that may be in a slot, each once, with the assignment that put it there.
   * @param reaches does a call of the parameter's function from `from` reach the definition in `file`?
   */
  targets(slot: Slot, reaches: (name: string, from: string, file: string) => boolean): readonly SlotTarget[] {
    const known = this.resolved.get(slot);
    if (known) return known;
    const found = new Map<string, SlotTarget>();
    const seen = new Set<Slot>([slot]);
    const pending: Reached[] = [reached(slot)];
    while (pending.length > 0 && found.size < MAX_TARGETS) {
      const at = pending.pop()!;
      for (const assignment of this.assignmentsTo(at.slot, reaches)) {
        if ('slot' in assignment.source) {
          if (!seen.has(assignment.source.slot)) {
            seen.add(assignment.source.slot);
            pending.push(reached(assignment.source.slot, at.member));
          }
          continue;
        }
        const key = `${assignment.source.functionName}@${assignment.at.file}`;
        if (!found.has(key))
          found.set(key, {
            functionName: assignment.source.functionName,
            from: assignment.at.file,
            at: assignment.at,
            ...(at.member !== undefined && { member: at.member }),
          });
      }
    }
    const targets = [...found.values()];
    this.resolved.set(slot, targets);
    return targets;
  }

  private *assignmentsTo(
    slot: Slot,
    reaches: (name: string, from: string, file: string) => boolean,
  ): Iterable<Assignment> {
    if (!slot.startsWith('P:')) {
      yield* this.sources.get(slot) ?? [];
      return;
    }
    // A parameter as its function names it: every caller's argument that reaches this definition.
    const at = slot.indexOf('@');
    const file = slot.slice(at + 1);
    const name = slot.slice(2, slot.lastIndexOf('#', at));
    for (const passed of this.parameters.get(slot.slice(0, at)) ?? []) {
      if (passed !== slot && !reaches(name, passed.slice(passed.indexOf('@') + 1), file)) continue;
      yield* this.sources.get(passed) ?? [];
    }
  }
}
