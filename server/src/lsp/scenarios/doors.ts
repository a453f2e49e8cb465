/** By which actions of scenarios a function can be reached: its callers are followed up to where actions enter the kernel. */
import table from '../../../../grammars/scenario-doors.json' with { type: 'json' };
import type { FunctionNode } from '../../program/model.js';
import type { OpenTree } from '../kernel-workspace.js';

interface Door {
  readonly actions: readonly string[];
  readonly function?: string;
  readonly slot?: string;
  readonly command?: string;
}

const byFunction = new Map<string, Door[]>();
const bySlot = new Map<string, Door[]>();
for (const door of table.doors as readonly Door[])
  for (const [map, name] of [[byFunction, door.function] as const, [bySlot, door.slot] as const])
    if (name !== undefined) map.set(name, [...(map.get(name) ?? []), door]);

export class Doors {
  /** Of each text of a dispatcher: the lines of its cases. */
  private readonly cases = new Map<string, ReadonlyMap<string, readonly [first: number, last: number]>>();

  constructor(private readonly open: OpenTree) {}

  /** Kinds of actions from which calls lead to this function. */
  actionsTo(node: FunctionNode): Set<string> {
    const { program } = this.open.analysis;
    const actions = new Set<string>();
    const seen = new Set([node.id]);
    const pending = [node];
    this.enter(node, undefined, actions);
    for (let next = pending.pop(); next; next = pending.pop())
      for (const { caller, site } of program.callsTo(next)) {
        this.enter(caller, site.line, actions);
        if (seen.has(caller.id)) continue;
        seen.add(caller.id);
        pending.push(caller);
      }
    return actions;
  }

  /** @param line of the call that is followed, from 1; none: the function itself is asked about */
  private enter(node: FunctionNode, line: number | undefined, actions: Set<string>): void {
    for (const slot of this.open.analysis.program.slotsOf(node))
      for (const { actions: own } of bySlot.get(slot) ?? []) for (const action of own) actions.add(action);
    for (const door of byFunction.get(node.name) ?? []) {
      if (door.command !== undefined && line !== undefined) {
        const [first, last] = this.casesOf(node).get(door.command) ?? [0, 0];
        if (line < first || line > last) continue;
      }
      for (const action of door.actions) actions.add(action);
    }
  }

  private casesOf(node: FunctionNode): ReadonlyMap<string, readonly [number, number]> {
    const known = this.cases.get(node.id);
    if (known) return known;
    const found = new Map<string, readonly [number, number]>();
    const lines = this.open.text(node.file).split('\n');
    let current: string[] = [];
    let first = 0;
    let isLabels = false;
    for (let line = node.facts.line; line <= node.facts.endLine; line++) {
      const text = lines[line - 1] ?? '';
      const [, label] = /^\s*case\s+(KVM_\w+)\s*:/.exec(text) ?? [];
      const isLabel = label !== undefined || /^\s*default\s*:/.test(text);
      if (isLabel && !isLabels) {
        for (const name of current) found.set(name, [first, line - 1]);
        current = [];
        first = line;
      }
      if (label !== undefined) current.push(label);
      isLabels = isLabel;
    }
    for (const name of current) found.set(name, [first, node.facts.endLine]);
    this.cases.set(node.id, found);
    return found;
  }
}
