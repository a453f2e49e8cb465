/** Call edges over linked functions, both ways. An edge is made when first asked for. */
import type { CallEdge, CallSite, FunctionNode, FunctionUnit, Slot } from './model.js';
import { memberOf, type SlotGraph, type SlotTarget } from './slots.js';
import type { StaticCallRule } from './static-calls.js';
import type { Symbols } from './symbols.js';

export interface Linked {
  readonly symbols: Symbols;
  readonly units: ReadonlyMap<string, FunctionUnit>;
  readonly slots: SlotGraph;
  readonly rules: readonly StaticCallRule[];
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

/** Order of callers: by file, then place. Results must not depend on the order of edits. */
function byPlace(a: CallEdge, b: CallEdge): number {
  return (
    (a.caller.file < b.caller.file ? -1 : a.caller.file > b.caller.file ? 1 : 0) ||
    a.site.line - b.site.line ||
    a.site.column - b.site.column
  );
}

const leadToTheSame = (before: readonly CallEdge[], after: readonly CallEdge[]): boolean =>
  before.length === after.length &&
  before.every((edge, index) => {
    const other = after[index]!;
    return (
      edge.callee === other.callee &&
      edge.calleeName === other.calleeName &&
      edge.slot === other.slot &&
      edge.via === other.via &&
      edge.certainty === other.certainty
    );
  });

export class CallGraph {
  private readonly outgoing = new Map<string, readonly CallEdge[]>();
  /** Edges by the id of the called definition, or by `?name` where there is none. */
  private incoming: Map<string, CallEdge[]> | undefined;
  private readonly unsorted = new Set<string>();

  constructor(private linked: Linked) {}

  /**
   * Takes in slots in which some have other values now.
   * @returns functions whose calls through these lead elsewhere
   */
  relink(linked: Linked, isOther: (slot: Slot) => boolean): FunctionNode[] {
    this.linked = linked;
    const moved: FunctionNode[] = [];
    for (const { node, sites } of linked.units.values()) {
      const before = this.outgoing.get(node.id);
      if (!before || !sites.some((site) => this.slotsAt(site).some(isOther))) continue;
      this.refresh(node);
      if (!leadToTheSame(before, this.callsFrom(node))) moved.push(node);
    }
    return moved;
  }

  /** The slots that a call goes through: a static call's key, and the member that it stands for. */
  private slotsAt({ slot }: CallSite): Slot[] {
    if (slot === undefined) return [];
    const member = this.memberOfKey(slot);
    return member === undefined ? [slot] : [slot, `S:${member}`];
  }

  private memberOfKey(slot: Slot): string | undefined {
    if (!slot.startsWith('K:')) return undefined;
    const key = slot.slice(2);
    const rule = this.linked.rules.find((candidate) => key.startsWith(candidate.prefix));
    return rule && `${rule.owner}.${key.slice(rule.prefix.length)}`;
  }

  /** Functions that a call site may reach, with how each got there. */
  private targets(site: CallSite): { key?: string; targets: readonly SlotTarget[] } {
    const { slots, symbols } = this.linked;
    const reaches = (name: string, from: string, file: string) => symbols.fn(name, from)?.file === file;
    if (site.slot === undefined) return { targets: [] };
    const direct = slots.targets(site.slot, reaches);
    const member = this.memberOfKey(site.slot);
    if (member === undefined) return { targets: direct };
    return { key: member, targets: [...slots.targets(`S:${member}`, reaches), ...direct] };
  }

  private edgesAt(node: FunctionNode, site: CallSite): CallEdge[] {
    const { symbols } = this.linked;
    if (site.name !== undefined) {
      return [
        {
          caller: node,
          site,
          calleeName: site.name,
          callee: symbols.fn(site.name, node.file) ?? null,
          via: site.via,
          certainty: 'certain',
        },
      ];
    }
    const { key, targets } = this.targets(site);
    const common = { caller: node, site };
    const edges: CallEdge[] = [];
    const shown = new Set<string>();
    for (const target of targets) {
      const callee = symbols.fn(target.functionName, target.from) ?? null;
      const id = callee?.id ?? target.functionName;
      if (shown.has(id)) continue;
      shown.add(id);
      const slot = key ?? target.member;
      edges.push({
        ...common,
        // `free_folio = mapping->a_ops->free_folio; free_folio(folio)` calls through the member.
        via: site.via === 'pointer' && target.member !== undefined ? 'ops' : site.via,
        ...(slot !== undefined && { slot }),
        calleeName: target.functionName,
        callee,
        assignedAt: target.at,
        certainty: targets.length === 1 ? 'likely' : 'possible',
      });
    }
    if (edges.length === 0) {
      const slot = key ?? (site.slot === undefined ? undefined : memberOf(site.slot));
      edges.push({
        ...common,
        via: site.via,
        ...(slot !== undefined && { slot }),
        calleeName: site.text,
        callee: null,
        certainty: 'possible',
      });
    }
    return edges;
  }

  /** Calls made by a function, in the order of its text. */
  callsFrom(node: FunctionNode): readonly CallEdge[] {
    let edges = this.outgoing.get(node.id);
    if (!edges) {
      edges = (this.linked.units.get(node.id)?.sites ?? []).flatMap((site) => this.edgesAt(node, site));
      this.outgoing.set(node.id, edges);
    }
    return edges;
  }

  private edgesTo(key: string): readonly CallEdge[] {
    if (!this.incoming) {
      this.incoming = new Map();
      for (const { node } of this.linked.units.values()) this.index(node);
    }
    const edges = this.incoming.get(key);
    if (edges && this.unsorted.delete(key)) edges.sort(byPlace);
    return edges ?? [];
  }

  private index(node: FunctionNode): void {
    // Code that the configuration leaves out calls nobody; it can still be looked at from above.
    if (this.linked.symbols.truthOf(node) === 'false') return;
    for (const edge of this.callsFrom(node)) {
      const key = edge.callee?.id ?? `?${edge.calleeName}`;
      push(this.incoming!, key, edge);
      this.unsorted.add(key);
    }
  }

  /** Calls that reach a function, by place. */
  callsTo(node: FunctionNode): readonly CallEdge[] {
    return this.edgesTo(node.id);
  }

  /** Calls of a function that has no body in what was read. */
  callsToName(name: string): readonly CallEdge[] {
    return this.edgesTo(`?${name}`);
  }

  /** Makes a function's edges anew; to be called after its unit was replaced. */
  refresh(node: FunctionNode): void {
    this.remove(node);
    if (this.incoming) this.index(node);
  }

  /** Forgets the edges of a function. */
  remove(node: FunctionNode): void {
    const before = this.outgoing.get(node.id);
    this.outgoing.delete(node.id);
    for (const edge of before ?? []) {
      const list = this.incoming?.get(edge.callee?.id ?? `?${edge.calleeName}`);
      const at = list?.indexOf(edge) ?? -1;
      if (at >= 0) list!.splice(at, 1);
    }
  }
}
