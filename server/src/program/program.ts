/**
 * The whole tree as one program: definitions, call sites, and the call graph over them.
 * Files come in as facts and may be replaced at any time; what a change leaves alone is kept.
 */
import type { Configuration } from '../kernel-c/conditions.js';
import type { FileFacts } from '../kernel-c/facts.js';
import { MacroReader } from '../kernel-c/macro-facts.js';
import type { CParser } from '../kernel-c/parser.js';
import type { Statement } from '../kernel-c/syntax.js';
import type { TemplateInstance } from '../kernel-c/templates.js';
import { CallCollector } from './call-collector.js';
import { CallGraph, type Linked } from './call-graph.js';
import { Callbacks } from './callback-values.js';
import {
  changedFunctions,
  changedPrototypes,
  changedVariables,
  sameFunction,
  sameFunctions,
  sameObjects,
  sameSurroundings,
} from './face.js';
import { fileAssignments } from './file-assignments.js';
import { GeneratedFunction } from './generated.js';
import { MacroEffectsCache } from './macro-effects.js';
import type { Assignment, CallEdge, FunctionNode, FunctionUnit } from './model.js';
import { SlotGraph, slotsBehind } from './slots.js';
import { type StaticCallRule, staticCallRules } from './static-calls.js';
import { Symbols } from './symbols.js';
import { templatesOf } from './templates.js';

/** Where it is noted whose bodies are read, while somebody wants to know. */
let reading: Set<string> | undefined;

/** Does some work, and notes the ids of functions whose bodies it rests on: it is to be done again when one changes. */
export function notingBodies<T>(into: Set<string>, work: () => T): T {
  const outer = reading;
  reading = into;
  try {
    return work();
  } finally {
    reading = outer;
  }
}

/** A function's body as the text it is kept as: for words in quotes, mostly. */
export function bodyText({ id, facts }: FunctionNode): string {
  reading?.add(id);
  return facts.body;
}

/** Decodes a function's body. Not kept: bodies are most of a tree's memory. */
export function bodyOf(node: FunctionNode): Statement[] {
  const { id, facts } = node;
  reading?.add(id);
  return facts instanceof GeneratedFunction ? facts.statements() : (JSON.parse(facts.body) as Statement[]);
}

/** A function whose text changed. */
export interface ChangedFunction {
  node: FunctionNode;
  /** Its edges as they were, and the line that their places were counted from. */
  edgesBefore: readonly CallEdge[];
  firstLineBefore: number;
}

/** Functions whose text changed while what everybody sees of their files stayed the same. */
export interface BodyChange {
  functions: readonly ChangedFunction[];
  /** Functions that are no more. */
  removed: readonly FunctionNode[];
  /** Functions, tables or prototypes came, went, or look otherwise from outside. */
  facesMoved: boolean;
  /** Other functions' edges may be new too: a function pointer took another way. */
  edgesMoved: boolean;
  /** Something that stayed as it is stands on another line, or a comment that takes findings back changed. */
  linesMoved: boolean;
}

interface State extends Linked {
  units: Map<string, FunctionUnit>;
  graph: CallGraph;
  /** What each file's initialisers put into slots, in their order. */
  initialised: Map<string, Assignment[]>;
}

const sameAssignments = (a: readonly Assignment[], b: readonly Assignment[]): boolean =>
  a.length === b.length &&
  a.every((one, index) => {
    const other = b[index]!;
    return one.slot === other.slot && JSON.stringify(one.source) === JSON.stringify(other.source);
  });

/** Are variables and uses of macros the very same, places and all? */
const areSamePlaces = (a: FileFacts, b: FileFacts): boolean =>
  sameObjects(a.variables, b.variables) && sameObjects(a.invocations, b.invocations);

export class Program {
  private readonly files = new Map<string, FileFacts>();
  private state: State | undefined;
  private changes: ChangedFunction[] = [];
  private gone: FunctionNode[] = [];
  private facesMoved = false;
  private edgesMoved = false;
  private linesMoved = false;
  private restarted = true;
  private edgeRevision = 0;
  private callbacksKnown: { revision: number; callbacks: Callbacks } | undefined;
  private consulted = new Set<string>();
  private macroEffects = new MacroEffectsCache();
  private readonly macroReader: MacroReader;

  constructor(
    parser: CParser,
    private readonly configuration: Configuration,
    readonly architecture: string,
    /** Names whose use is noted in the units: the layers above choose functions by them. */
    private readonly watched: ReadonlySet<string> = new Set(),
  ) {
    this.macroReader = new MacroReader(parser, configuration);
  }

  /** Adds a file or replaces its facts. `path` is relative to the tree. */
  setFile(path: string, facts: FileFacts): void {
    const before = this.files.get(path);
    this.files.set(path, facts);
    if (!this.state || !before || !sameSurroundings(before, facts)) return this.restart();
    const tables = changedVariables(before, facts);
    const names = new Set([
      ...(sameFunctions(before, facts) ? [] : changedFunctions(before, facts)),
      ...changedPrototypes(before, facts),
      ...tables,
    ]);
    if (this.isNamedByMacros(this.state, names)) this.restart();
    else this.replaceFunctions(this.state, path, before, facts, names, tables);
  }

  removeFile(path: string): void {
    if (this.files.delete(path)) this.restart();
  }

  private restart(): void {
    this.state = undefined;
    this.macroEffects = new MacroEffectsCache();
    this.consulted = new Set();
    this.edgeRevision++;
    this.changes = [];
    this.gone = [];
    this.restarted = true;
  }

  /**
   * What happened since the last call: changed bodies, or `undefined` where everything is to be looked at anew.
   */
  takeChanges(): BodyChange | undefined {
    const change = this.restarted
      ? undefined
      : {
          functions: this.changes,
          removed: this.gone,
          facesMoved: this.facesMoved,
          edgesMoved: this.edgesMoved,
          linesMoved: this.linesMoved,
        };
    this.changes = [];
    this.gone = [];
    this.facesMoved = false;
    this.edgesMoved = false;
    this.linesMoved = false;
    this.restarted = false;
    return change;
  }

  /** Another number whenever edges may be others. */
  get revision(): number {
    return this.edgeRevision;
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

  /** Files that others include several times, with the inclusions that their facts are to be read for. */
  templates(): ReadonlyMap<string, readonly TemplateInstance[]> {
    return templatesOf(this.files);
  }

  get symbols(): Symbols {
    return this.link().symbols;
  }

  /** Definitions without the call graph over them, which costs several times as much. */
  definitions(): Symbols {
    return (
      this.state?.symbols ?? new Symbols(this.files, this.configuration, this.architecture, this.macroReader)
    );
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

  private collect(symbols: Symbols, node: FunctionNode): FunctionUnit {
    return new CallCollector(symbols, node, this.watched, this.macroEffects).collect(bodyOf(node));
  }

  private link(): State {
    if (this.state) return this.state;
    const symbols = new Symbols(this.files, this.configuration, this.architecture, this.macroReader);
    const units = new Map<string, FunctionUnit>();
    for (const nodes of symbols.functionsByFile.values())
      for (const node of nodes) units.set(node.id, this.collect(symbols, node));
    const initialised = new Map<string, Assignment[]>();
    for (const file of this.files.keys()) this.initialise(symbols, file, initialised);
    this.state = this.linkSlots(symbols, units, initialised);
    return this.state;
  }

  private linkSlots(
    symbols: Symbols,
    units: Map<string, FunctionUnit>,
    initialised: Map<string, Assignment[]>,
    rules: readonly StaticCallRule[] = staticCallRules(symbols),
  ): State {
    const slots = new SlotGraph();
    for (const unit of units.values()) for (const assignment of unit.assignments) slots.add(assignment);
    // In the order of the files: results must not depend on the order of edits.
    for (const file of this.files.keys())
      for (const assignment of initialised.get(file) ?? []) slots.add(assignment);
    const linked: Linked = { symbols, units, slots, rules };
    return { ...linked, units, graph: new CallGraph(linked), initialised };
  }

  private initialise(symbols: Symbols, file: string, into: Map<string, Assignment[]>): void {
    const facts = this.files.get(file);
    const assignments = facts ? [...fileAssignments(symbols, file, facts)] : [];
    if (assignments.length > 0) into.set(file, assignments);
    else into.delete(file);
  }

  /** Does a macro's body use one of the names? Then its users can't be told by their own text. */
  private isNamedByMacros({ symbols }: State, names: ReadonlySet<string>): boolean {
    if (names.size === 0) return false;
    const isNamed = new RegExp(
      `\\b(?:${[...names].map((name) => name.replace(/\W/g, '\\$&')).join('|')})\\b`,
    );
    for (const [name, entries] of symbols.macros)
      if (names.has(name) || entries.some(({ facts }) => isNamed.test(facts.text))) return true;
    return false;
  }

  /**
   * Puts a file's new functions in place; nodes, sites and edges that stay are moved, not made again.
   * @param names what is called so came, went or looks otherwise from outside
   * @param variables those among them that are variables
   */
  private replaceFunctions(
    state: State,
    path: string,
    before: FileFacts,
    facts: FileFacts,
    names: ReadonlySet<string>,
    variables: ReadonlySet<string>,
  ): void {
    const { symbols, units, graph, initialised } = state;
    const { kept, added, removed } = symbols.replaceFacts(path, before, facts);
    if (
      before.lineCount !== facts.lineCount ||
      JSON.stringify(before.suppressions) !== JSON.stringify(facts.suppressions)
    )
      this.linesMoved = true;
    if (names.size > 0) this.facesMoved = true;
    // A name in a macro's body may mean another function now.
    if (names.size > 0) this.macroEffects = new MacroEffectsCache();
    const quoted = [...names].map((name) => JSON.stringify(name));
    const changed: ChangedFunction[] = [];
    /** Assignments that came or went, or whose function did. */
    const altered: Assignment[] = [];
    const functions = quoted.filter((_, index) => !variables.has([...names][index]!));
    const holdsOne = ({ source }: Assignment): boolean => {
      const text = functions.length > 0 ? JSON.stringify(source) : '';
      return functions.some((name) => text.includes(name));
    };
    const tables = new Set(variables.size > 0 ? [path] : []);
    for (const node of removed) {
      altered.push(...(units.get(node.id)?.assignments ?? []));
      graph.remove(node);
      units.delete(node.id);
    }
    const renew = (node: FunctionNode, firstLineBefore: number) => {
      const unit = units.get(node.id);
      const edgesBefore = unit ? graph.callsFrom(node) : [];
      const fresh = this.collect(symbols, node);
      if (!sameAssignments(unit?.assignments ?? [], fresh.assignments))
        altered.push(...(unit?.assignments ?? []), ...fresh.assignments);
      else if (unit) {
        // The slot graph holds the old ones: they get the new places.
        for (const [index, assignment] of fresh.assignments.entries())
          Object.assign(unit.assignments[index]!.at, assignment.at);
        fresh.assignments = unit.assignments;
        altered.push(...unit.assignments.filter(holdsOne));
      }
      units.set(node.id, fresh);
      changed.push({ node, edgesBefore, firstLineBefore });
    };
    const namesOne = (body: string) => quoted.length > 0 && quoted.some((name) => body.includes(name));
    for (const { node, before } of kept) {
      if (node.facts === before && quoted.length === 0) continue;
      const unit = units.get(node.id)!;
      const by = node.facts.firstLine - before.firstLine;
      if (node.facts.body === before.body && sameFunction(node.facts, before) && !namesOne(node.facts.body)) {
        if (by === 0) continue;
        this.linesMoved = true;
        for (const site of unit.sites) site.line += by;
        for (const assignment of unit.assignments) assignment.at.line += by;
      } else renew(node, before.firstLine);
    }
    for (const node of added) renew(node, node.facts.firstLine);
    if (names.size > 0) {
      for (const [file, nodes] of symbols.functionsByFile) {
        if (file !== path)
          for (const node of nodes) if (namesOne(node.facts.body)) renew(node, node.facts.firstLine);
      }
      for (const [file, { variables }] of this.files)
        if (variables.some(({ initialiser }) => initialiser !== undefined && namesOne(initialiser)))
          tables.add(file);
    }
    for (const file of tables) {
      const known = initialised.get(file) ?? [];
      this.initialise(symbols, file, initialised);
      const fresh = initialised.get(file) ?? [];
      if (!sameAssignments(known, fresh)) altered.push(...known, ...fresh);
      else if (known.length > 0) {
        // The slot graph holds these.
        for (const [index, { at }] of fresh.entries()) Object.assign(known[index]!.at, at);
        initialised.set(file, known);
        altered.push(...known.filter(holdsOne));
      }
    }
    for (const { node } of changed) graph.refresh(node);
    if (altered.length > 0) {
      const next = this.linkSlots(symbols, units, initialised, state.rules);
      const areFunctionsSame = removed.length === 0 && [...names].every((name) => variables.has(name));
      if (areFunctionsSame) {
        const all = [
          ...[...units.values()].map((unit) => unit.assignments),
          ...initialised.values(),
          altered,
        ];
        const elsewhere = graph.relink(next, slotsBehind(altered, all));
        const own = new Set(changed.map(({ node }) => node));
        if (elsewhere.some((node) => !own.has(node))) this.edgesMoved = true;
        this.state = { ...next, graph };
      } else {
        this.state = next;
        this.edgesMoved = true;
      }
    }
    // Of tables that stayed, only the lines may be others.
    if (!tables.has(path) && !areSamePlaces(before, facts)) {
      const known = initialised.get(path);
      if (known)
        for (const [index, { at }] of [...fileAssignments(symbols, path, facts)].entries())
          Object.assign(known[index]?.at ?? {}, at);
    }
    if (changed.length > 0 || removed.length > 0) this.edgeRevision++;
    this.changes.push(...changed);
    this.gone.push(...removed);
  }

  /** Calls made by a function, in the order of its text. */
  callsFrom(node: FunctionNode): readonly CallEdge[] {
    return this.link().graph.callsFrom(node);
  }

  /** Calls that reach a function, by place. */
  callsTo(node: FunctionNode): readonly CallEdge[] {
    return this.link().graph.callsTo(node);
  }

  /** Which function a pointer is, on this way or that. */
  get callbacks(): Callbacks {
    const { symbols } = this;
    if (this.callbacksKnown?.revision !== this.edgeRevision)
      this.callbacksKnown = {
        revision: this.edgeRevision,
        callbacks: new Callbacks(symbols, (node) => this.callsTo(node), this.consulted),
      };
    return this.callbacksKnown.callbacks;
  }

  /** Does what `callbacks` said of other functions rest on this one's text? */
  isConsulted(node: FunctionNode): boolean {
    return this.consulted.has(node.id);
  }

  /** Calls of a function that has no body in what was read. */
  callsToName(name: string): readonly CallEdge[] {
    return this.link().graph.callsToName(name);
  }

  /** Members (`struct.field`) that a function was put into. */
  slotsOf(node: FunctionNode): readonly string[] {
    const { slots, symbols } = this.link();
    return slots.membersHolding(node.name, (from) => symbols.fn(node.name, from)?.id === node.id);
  }

  /** Every function pointer that goes somewhere, with the function that does it; none for initialisers of the file. */
  *assignments(): Iterable<{ assignment: Assignment; by?: FunctionNode }> {
    const { units, initialised } = this.link();
    for (const unit of units.values())
      for (const assignment of unit.assignments) yield { assignment, by: unit.node };
    for (const list of initialised.values()) for (const assignment of list) yield { assignment };
  }

  /** Functions that are in a member, `struct.field`, with where they were put there. */
  functionsInSlot(slot: string): { node: FunctionNode; at: Assignment['at'] }[] {
    const { slots, symbols } = this.link();
    const found: { node: FunctionNode; at: Assignment['at'] }[] = [];
    for (const target of slots.targets(
      `S:${slot}`,
      (name, from, file) => symbols.fn(name, from)?.file === file,
    )) {
      const node = symbols.fn(target.functionName, target.from);
      if (node) found.push({ node, at: target.at });
    }
    return found;
  }
}
