/**
 * The whole tree as one program: definitions, call sites, and the call graph over them.
 * Files come in as facts and may be replaced at any time; what a change leaves alone is kept.
 */
import type { Configuration } from '../kernel-c/conditions.js';
import type { FileFacts } from '../kernel-c/facts.js';
import type { Expression, Statement } from '../kernel-c/syntax.js';
import { CallCollector, initialiserSlots, STATIC_CALL_SETTERS, variableSlot } from './call-collector.js';
import type { Assignment, CallEdge, CallSite, FunctionNode, FunctionUnit, Slot } from './model.js';
import { SlotGraph, type SlotTarget } from './slots.js';
import { staticCallRules, type StaticCallRule } from './static-calls.js';
import { Symbols } from './symbols.js';

/** Decodes a function's body. Not kept: bodies are most of a tree's memory. */
export function bodyOf(node: FunctionNode): Statement[] {
  return JSON.parse(node.facts.body) as Statement[];
}

/** What other files can see of a file: a change here makes every file's names mean other things. */
function outerFace(facts: FileFacts): string {
  return JSON.stringify([
    facts.functions.map((fn) => [fn.name, fn.static, fn.weak, fn.type, fn.parameters, fn.truth, fn.when]),
    facts.macros.map(({ line: _line, endLine: _endLine, ...face }) => face),
    facts.variables.map(({ line: _line, ...face }) => face),
    facts.aggregates.map(({ line: _line, ...face }) => face),
    facts.typedefs,
    facts.includes.map((include) => include.path),
    facts.invocations.map((invocation) => [invocation.name, invocation.arguments]),
  ]);
}

interface CachedUnit {
  body: string;
  firstLine: number;
  unit: FunctionUnit;
}

/** Moves a unit's places when lines above its function came or went. */
function moved(cached: CachedUnit, node: FunctionNode): FunctionUnit {
  const by = node.facts.firstLine - cached.firstLine;
  if (by === 0) return { ...cached.unit, node };
  return {
    node,
    mentions: cached.unit.mentions,
    sites: cached.unit.sites.map((site) => ({ ...site, line: site.line + by })),
    assignments: cached.unit.assignments.map((assignment) => ({ ...assignment, at: { ...assignment.at, line: assignment.at.line + by } })),
  };
}

interface Linked {
  symbols: Symbols;
  units: Map<string, FunctionUnit>;
  slots: SlotGraph;
  rules: StaticCallRule[];
}

export class Program {
  private readonly files = new Map<string, FileFacts>();
  private readonly faces = new Map<string, string>();
  private unitCache = new Map<string, CachedUnit>();
  private linked: Linked | undefined;
  private outgoing = new Map<string, readonly CallEdge[]>();
  private incoming: Map<string, CallEdge[]> | undefined;
  private incomingByName: Map<string, CallEdge[]> | undefined;

  constructor(
    private readonly configuration: Configuration,
    readonly architecture: string,
    /** Names whose use is noted in the units: the layers above choose functions by them. */
    private readonly watched: ReadonlySet<string> = new Set(),
  ) {}

  /** Adds a file or replaces its facts. `path` is relative to the tree. */
  setFile(path: string, facts: FileFacts): void {
    const before = this.files.get(path);
    this.files.set(path, facts);
    this.changed(path, before, facts);
  }

  removeFile(path: string): void {
    if (!this.files.delete(path)) return;
    this.faces.delete(path);
    this.unitCache.clear();
    this.reset();
  }

  private changed(path: string, before: FileFacts | undefined, after: FileFacts): void {
    if (this.linked) {
      // Faces are only worth their time once something has been linked that could be kept.
      const face = outerFace(after);
      const known = this.faces.get(path) ?? (before ? outerFace(before) : undefined);
      this.faces.set(path, face);
      if (face !== known) this.unitCache.clear();
    }
    this.reset();
  }

  private reset(): void {
    this.linked = undefined;
    this.outgoing = new Map();
    this.incoming = undefined;
    this.incomingByName = undefined;
  }

  get paths(): Iterable<string> {
    return this.files.keys();
  }

  get fileCount(): number {
    return this.files.size;
  }

  file(path: string): FileFacts | undefined {
    return this.files.get(path);
  }

  get symbols(): Symbols {
    return this.link().symbols;
  }

  *functions(): Iterable<FunctionNode> {
    for (const nodes of this.symbols.functionsByFile.values()) yield* nodes;
  }

  functionsIn(path: string): readonly FunctionNode[] {
    return this.symbols.functionsByFile.get(path) ?? [];
  }

  functionById(id: string): FunctionNode | undefined {
    return this.link().units.get(id)?.node;
  }

  unit(node: FunctionNode): FunctionUnit | undefined {
    return this.link().units.get(node.id);
  }

  private link(): Linked {
    if (this.linked) return this.linked;
    const symbols = new Symbols(this.files, this.configuration, this.architecture);
    const units = new Map<string, FunctionUnit>();
    const slots = new SlotGraph();
    const cache = new Map<string, CachedUnit>();
    for (const nodes of symbols.functionsByFile.values()) {
      for (const node of nodes) {
        const cached = this.unitCache.get(node.id);
        const unit = cached && cached.body === node.facts.body ? moved(cached, node) : new CallCollector(symbols, node, this.watched).collect(bodyOf(node));
        cache.set(node.id, { body: node.facts.body, firstLine: node.facts.firstLine, unit });
        units.set(node.id, unit);
        for (const assignment of unit.assignments) slots.add(assignment);
      }
    }
    this.unitCache = cache;
    for (const [file, facts] of this.files) for (const assignment of this.fileAssignments(symbols, file, facts)) slots.add(assignment);
    this.linked = { symbols, units, slots, rules: staticCallRules(symbols) };
    return this.linked;
  }

  /** What global initialisers and file-level macros put into slots. */
  private *fileAssignments(symbols: Symbols, file: string, facts: FileFacts): Iterable<Assignment> {
    for (const variable of facts.variables) {
      if (variable.initialiser === undefined) continue;
      const value = JSON.parse(variable.initialiser) as Expression;
      const found: Assignment[] = [];
      const add = (slot: Slot, node: Expression, p: number) => {
        const names: string[] = [];
        functionNames(node, names);
        for (const name of names) {
          const at = { file, line: variable.line + Math.floor(p / 1024), column: (p % 1024) + 1 };
          if (symbols.fn(name, file)) found.push({ slot, source: { functionName: name }, at });
          else {
            const other = symbols.variable(name, file);
            if (other && symbols.resolveType(other.facts.type).includes('()')) found.push({ slot, source: { slot: variableSlot(other) }, at });
          }
        }
      };
      const slot = variableSlot({ file, facts: variable });
      if (value.k === 'init') initialiserSlots(symbols, slot, variable.type, value.items, add);
      else add(slot, value, 0);
      yield* found;
    }
    for (const invocation of facts.invocations) {
      const at = { file, line: invocation.line, column: 1 };
      const setter = STATIC_CALL_SETTERS.get(invocation.name);
      if (setter !== undefined && invocation.arguments[setter] !== undefined) {
        yield { slot: `K:${invocation.arguments[0]}`, source: { functionName: invocation.arguments[setter]! }, at };
      } else if (/^(DECLARE|DEFINE)_(DELAYED_|DEFERRABLE_)?WORK$/.test(invocation.name) && invocation.arguments[1] !== undefined) {
        yield { slot: 'S:work_struct.func', source: { functionName: invocation.arguments[1] }, at };
      }
    }
  }

  /** Functions that a call site may reach, with how each got there. */
  private targets(site: CallSite): { slot?: string; targets: readonly SlotTarget[] } {
    const { slots, symbols, rules } = this.link();
    const reaches = (name: string, from: string, file: string) => symbols.fn(name, from)?.file === file;
    if (site.slot === undefined) return { targets: [] };
    if (site.slot.startsWith('K:')) {
      const key = site.slot.slice(2);
      const direct = slots.targets(site.slot, reaches);
      const rule = rules.find((candidate) => key.startsWith(candidate.prefix));
      if (!rule) return { targets: direct };
      const member = `${rule.owner}.${key.slice(rule.prefix.length)}`;
      return { slot: member, targets: [...slots.targets(`S:${member}`, reaches), ...direct] };
    }
    const slot = site.slot.startsWith('S:') && !site.slot.startsWith('S:?') ? site.slot.slice(2) : undefined;
    return { ...(slot !== undefined && { slot }), targets: slots.targets(site.slot, reaches) };
  }

  /** Calls made by a function, in the order of its text. */
  callsFrom(node: FunctionNode): readonly CallEdge[] {
    const known = this.outgoing.get(node.id);
    if (known) return known;
    const { symbols } = this.link();
    const edges: CallEdge[] = [];
    for (const site of this.unit(node)?.sites ?? []) {
      if (site.name !== undefined) {
        const callee = symbols.fn(site.name, node.file) ?? null;
        edges.push({ caller: node, site, calleeName: site.name, callee, via: site.via, certainty: 'certain' });
        continue;
      }
      const { slot, targets } = this.targets(site);
      const certainty = targets.length === 1 ? 'likely' : 'possible';
      const shown = new Set<string>();
      for (const target of targets) {
        const callee = symbols.fn(target.functionName, target.from) ?? null;
        const key = callee?.id ?? target.functionName;
        if (shown.has(key)) continue;
        shown.add(key);
        edges.push({ caller: node, site, calleeName: target.functionName, callee, via: site.via, ...(slot !== undefined && { slot }), assignedAt: target.at, certainty });
      }
      if (targets.length === 0) edges.push({ caller: node, site, calleeName: site.text, callee: null, via: site.via, ...(slot !== undefined && { slot }), certainty: 'possible' });
    }
    this.outgoing.set(node.id, edges);
    return edges;
  }

  /** Members (`struct.field`) that a function was put into. */
  slotsOf(node: FunctionNode): readonly string[] {
    const { slots, symbols } = this.link();
    return slots.membersHolding(node.name, (from) => symbols.fn(node.name, from)?.id === node.id);
  }

  /** Functions that are in a member, `struct.field`, with where they were put there. */
  functionsInSlot(slot: string): { node: FunctionNode; at: Assignment['at'] }[] {
    const { slots, symbols } = this.link();
    const found: { node: FunctionNode; at: Assignment['at'] }[] = [];
    for (const target of slots.targets(`S:${slot}`, (name, from, file) => symbols.fn(name, from)?.file === file)) {
      const node = symbols.fn(target.functionName, target.from);
      if (node) found.push({ node, at: target.at });
    }
    return found;
  }

  /** Calls that reach a function. */
  callsTo(node: FunctionNode): readonly CallEdge[] {
    this.indexIncoming();
    return this.incoming!.get(node.id) ?? [];
  }

  /** Calls of a function that has no body in what was read. */
  callsToName(name: string): readonly CallEdge[] {
    this.indexIncoming();
    return this.incomingByName!.get(name) ?? [];
  }

  private indexIncoming(): void {
    if (this.incoming) return;
    this.incoming = new Map();
    this.incomingByName = new Map();
    for (const node of this.functions()) {
      // Code that the configuration leaves out calls nobody; it can still be looked at from above.
      if (this.symbols.truthOf(node) === 'false') continue;
      for (const edge of this.callsFrom(node)) {
        const [map, key] = edge.callee ? [this.incoming, edge.callee.id] : [this.incomingByName, edge.calleeName];
        const list = map.get(key);
        if (list) list.push(edge);
        else map.set(key, [edge]);
      }
    }
  }
}

function functionNames(value: Expression, into: string[]): void {
  switch (value.k) {
    case 'id':
      into.push(value.n);
      return;
    case 'unary':
    case 'cast':
      return functionNames(value.x, into);
    case 'cond':
      if (value.t) functionNames(value.t, into);
      return functionNames(value.e, into);
    default:
  }
}
