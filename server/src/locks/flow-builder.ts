/** A function's statements → its flow graph, macros put in place. */
import { type Expression, lineOffsetOf, type Position, type Statement } from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from '../program/expansion.js';
import type { FunctionNode } from '../program/model.js';
import type { Symbols } from '../program/symbols.js';
import { conditionText, constantOf, equalityKey } from './condition-text.js';
import { ExpressionFlow } from './expression-flow.js';
import type { FlowGraph, Truthiness } from './flow-graph.js';
import type { End, Ends } from './graph-writer.js';
import type { OpenGuard } from './guarded-scopes.js';
import { LockNames } from './lock-names.js';
import type { Written } from './macro-use.js';

const MAX_EXPANSION_DEPTH = 12;

/** What a break and a continue lead out of. */
interface Frame {
  breaks: End[];
  /** Null in a switch: a continue belongs to the loop around it. */
  continues: End[] | null;
  /** Number of guards open outside. */
  guards: number;
}

interface Switch {
  /** Text of the value that is asked, where it has one. */
  subject: string | undefined;
  /** Where no case so far was met. */
  unmatched: Ends;
  fallback: number | undefined;
  /** First node of the labels that stand together before a case's statements. */
  labels: number | undefined;
}

export class FlowBuilder extends ExpressionFlow {
  private readonly labels = new Map<string, number>();
  private readonly gotos: { label: string; ends: Ends; guards: OpenGuard[]; p: Position }[] = [];
  private readonly frames: Frame[] = [];
  private readonly switches: Switch[] = [];
  private readonly guardsAtLabel = new Map<string, number>();
  private readonly ownBodies = new Map<Statement, Written>();

  constructor(
    symbols: Symbols,
    node: FunctionNode,
    private readonly body: readonly Statement[],
  ) {
    super(symbols, node, new LockNames(symbols, node, body));
  }

  build(): FlowGraph {
    this.pass(0);
    this.statements(this.body);
    this.leave(undefined, (this.node.facts.endLine - this.node.facts.firstLine) * 1024);
    for (const { label, ends, guards, p } of this.gotos) {
      const target = this.labels.get(label);
      if (target === undefined) continue;
      // A jump leaves the guards of the scopes that the label isn't in.
      this.current = ends;
      for (const guard of guards.slice(this.guardsAtLabel.get(label)).reverse()) this.releaseGuard(guard, p);
      this.link(this.current, target);
    }
    return this.graph();
  }

  protected statements(statements: readonly Statement[]): void {
    for (const statement of statements) this.statement(statement);
  }

  private statement(node: Statement): void {
    const own = this.ownBodies.get(node);
    if (own) {
      // An iterator's body is the function's own text, though the macro's expansion stands around it.
      this.ownBodies.delete(node);
      return this.asWritten(own, () => this.statement(node));
    }
    // Every line that does something has a node, so that it can be asked what is held there.
    if (this.useAt < 0 && node.k !== 'block' && node.k !== 'case' && node.k !== 'label') this.pass(node.p);
    switch (node.k) {
      case 'expr':
        this.evaluate(node.x);
        return;
      case 'decl':
        this.names.declare(node);
        if (node.i && !node.static)
          this.ways(node.i, (truth, value) => this.store(node.n, truth, value, node.p));
        return;
      case 'block':
        return this.scope(() => this.statements(node.s), node.end);
      case 'if':
        return this.ifStatement(node);
      case 'while':
        return this.loop(node.c, node.b, undefined, node.p);
      case 'do':
        return this.doLoop(node.c, node.b, node.p);
      case 'for':
        if (node.i) this.statement(node.i);
        return this.loop(node.c, node.b, node.u, node.p);
      case 'foreach':
        return this.iterator(node);
      case 'switch':
        return this.switchStatement(node);
      case 'case':
        return this.caseStatement(node);
      case 'return':
        return this.leave(node.x, node.p);
      case 'break':
      case 'continue':
        return this.jumpOut(node.k, node.p);
      case 'goto':
        return this.jump(node.label, node.p);
      case 'label': {
        this.labels.set(node.n, this.pass(this.at(node.p)));
        this.guardsAtLabel.set(node.n, this.guards.length);
        if (node.s) this.statement(node.s);
        return;
      }
      default:
    }
  }

  private ifStatement(node: Extract<Statement, { k: 'if' }>): void {
    const from = this.nodes.length;
    const { t, f } = this.condition(node.c);
    const inside = this.nodes.length;
    this.current = t;
    this.statement(node.t);
    const afterThen = this.current;
    this.current = f;
    if (node.e) this.statement(node.e);
    this.noteDecisions(from, inside);
    this.current = [...afterThen, ...this.current];
  }

  // ---- loops

  private frame(continues: End[] | null, inside: () => void): Frame {
    const frame: Frame = { breaks: [], continues, guards: this.guards.length };
    this.frames.push(frame);
    inside();
    this.frames.pop();
    return frame;
  }

  private loop(
    c: Expression | undefined,
    body: Statement,
    update: Expression | undefined,
    p: Position,
  ): void {
    const from = this.nodes.length;
    const head = this.pass(this.at(p));
    const test = this.condition(c ?? { k: 'num', v: '1' });
    const inside = this.nodes.length;
    this.current = test.t;
    const frame = this.frame([], () => this.statement(body));
    this.current = [...this.current, ...frame.continues!];
    if (update) this.evaluate(update);
    this.noteDecisions(from, inside);
    this.link(this.current, head);
    this.current = [...test.f, ...frame.breaks];
  }

  private doLoop(c: Expression, body: Statement, p: Position): void {
    const from = this.nodes.length;
    const head = this.pass(this.at(p));
    const frame = this.frame([], () => this.statement(body));
    this.current = [...this.current, ...frame.continues!];
    const tested = this.nodes.length;
    const test = this.condition(c);
    // The condition decides whether the body, which stands before it, runs again.
    const keys = new Set(
      this.nodes.slice(tested).map((node) => (node.kind === 'branch' ? node.key : undefined)),
    );
    for (const key of keys) if (key !== undefined) this.noteDecision(key, from);
    this.link(test.t, head);
    this.current = [...test.f, ...frame.breaks];
  }

  private jumpOut(kind: 'break' | 'continue', p: Position): void {
    for (let i = this.frames.length - 1; i >= 0; i--) {
      const frame = this.frames[i]!;
      const ends = kind === 'break' ? frame.breaks : frame.continues;
      if (ends === null) continue;
      this.releaseGuards(frame.guards, p);
      ends.push(...this.current);
      break;
    }
    this.current = [];
  }

  /** `for_each_x(…) body`, and the guards of include/linux/cleanup.h that are loops as well. */
  private iterator(node: Extract<Statement, { k: 'foreach' }>): void {
    if (node.macro === 'scoped_guard' || node.macro === 'scoped_cond_guard') return this.scopedGuard(node);
    const macro = this.active.includes(node.macro)
      ? undefined
      : this.symbols.macro(node.macro, this.node.file, this.node.facts.instance);
    if (macro?.facts.parameters && this.active.length < MAX_EXPANSION_DEPTH) {
      const body = withLoopBody(expandMacro(macro, node.a), node.b);
      if (body) {
        if (!this.ownBodies.has(node.b))
          this.ownBodies.set(node.b, { useAt: this.useAt, active: this.active });
        this.inMacro({ name: node.macro, arguments: node.a, p: node.p, body }, () => this.statements(body));
        return;
      }
    }
    for (const argument of node.a) this.evaluate(argument);
    // A loop whose head isn't known: it may run any number of times, also none.
    const head = this.append({ kind: 'branch', p: this.at(node.p), next: [] });
    const frame = this.frame([], () => this.statement(node.b));
    this.link([...this.current, ...frame.continues!], head);
    this.current = [{ node: head, slot: 1 }, ...frame.breaks];
  }

  /** `scoped_guard(mutex, &lock) body`, `scoped_cond_guard(mutex_intr, return -EINTR, &lock) body`. */
  private scopedGuard(node: Extract<Statement, { k: 'foreach' }>): void {
    const [first, ...rest] = node.a;
    const name = first && unwrap(first);
    const conditional = node.macro === 'scoped_cond_guard';
    const end = node.b.k === 'block' ? node.b.end : node.p;
    const around = this.frame([], () => {
      if (name?.k !== 'id') return this.statement(node.b);
      const whenMissed = conditional ? () => this.guardFailed(rest[0], node.p) : undefined;
      const args = conditional ? rest.slice(1) : rest;
      this.guarded(name.n, args, () => this.statement(node.b), end, node.p, whenMissed);
    });
    this.current = [...this.current, ...around.breaks, ...around.continues!];
  }

  /** Of a statement as an argument its value or label is left: `return -EINTR` is `-EINTR`, `goto out` is `out`. */
  private guardFailed(statement: Expression | undefined, p: Position): void {
    const inner = statement && unwrap(statement);
    // The guard is a loop itself, and these leave that one.
    if (inner?.k === 'id' && (inner.n === 'Break' || inner.n === 'Continue')) return;
    const label = inner?.k === 'id' && !this.names.isLocal(inner.n) ? inner.n : undefined;
    if (label === undefined) return this.leave(inner, p);
    this.jump(label, p);
  }

  private jump(label: string, p: Position): void {
    this.gotos.push({ label, ends: this.current, guards: [...this.guards], p: this.at(p) });
    this.current = [];
  }

  // ---- switch

  private switchStatement(node: Extract<Statement, { k: 'switch' }>): void {
    this.evaluate(node.c);
    this.pass(this.at(node.p));
    const own: Switch = {
      subject: conditionText(node.c),
      unmatched: this.current,
      fallback: undefined,
      labels: undefined,
    };
    this.current = [];
    this.switches.push(own);
    const { breaks } = this.frame(null, () => this.statement(node.b));
    this.switches.pop();
    if (own.fallback !== undefined) this.link(own.unmatched, own.fallback);
    const missed = own.fallback === undefined ? own.unmatched : [];
    this.current = [...this.current, ...breaks, ...missed];
    this.pass(this.at(node.p));
  }

  private caseStatement(node: Extract<Statement, { k: 'case' }>): void {
    const own = this.switches[this.switches.length - 1];
    const from = own?.labels ?? this.nodes.length;
    const matched = own && node.v ? this.caseTest(own, node.v, node.p) : [];
    const inside = this.addAfter([...this.current, ...matched], {
      kind: 'pass',
      p: this.at(node.p),
      next: [],
    });
    if (own && !node.v) own.fallback = inside;
    this.current = [{ node: inside, slot: 0 }];
    if (own) own.labels = node.s.length === 0 ? from : undefined;
    this.statements(node.s);
    this.noteDecisions(from, inside);
  }

  /** Ends where the switch's value is the case's, which later cases then don't see. */
  private caseTest(own: Switch, value: Expression, p: Position): Ends {
    const fallingThrough = this.current;
    this.current = own.unmatched;
    const constant = this.constantName(value);
    const isZero = constantOf(value) === 0;
    const known = own.subject !== undefined && constant !== undefined;
    const key = known ? (isZero ? own.subject : equalityKey(own.subject!, constant)) : undefined;
    const { t, f } = this.test(key, known ? !isZero : undefined, known ? isZero : undefined, this.at(p));
    own.unmatched = f;
    this.current = fallingThrough;
    return t;
  }

  private leave(value: Expression | undefined, p: Position): void {
    const exit = (result: Truthiness) => {
      this.releaseGuards(0, p);
      this.append({ kind: 'exit', result, p: this.at(p), next: [] });
      this.current = [];
    };
    if (value) this.ways(value, exit);
    else exit(undefined);
  }
}

/** An iterator macro's `for (…)` or `if (…) {} else` with the user's statement as its body; undefined where it has none. */
function withLoopBody(expanded: readonly Statement[], body: Statement): Statement[] | undefined {
  const last = expanded[expanded.length - 1];
  if (!last) return undefined;
  const inner = attach(last, body);
  return inner ? [...expanded.slice(0, -1), inner] : undefined;
}

function attach(node: Statement, body: Statement): Statement | undefined {
  switch (node.k) {
    case 'for':
    case 'while': {
      const deeper = isEmpty(node.b) ? body : attach(node.b, body);
      return deeper && { ...node, b: deeper };
    }
    case 'foreach': {
      const deeper = isEmpty(node.b) ? body : attach(node.b, body);
      return deeper && { ...node, b: deeper };
    }
    case 'if': {
      if (node.e) {
        const deeper = isEmpty(node.e) ? body : attach(node.e, body);
        return deeper && { ...node, e: deeper };
      }
      const deeper = isEmpty(node.t) ? body : attach(node.t, body);
      return deeper && { ...node, t: deeper };
    }
    case 'expr': {
      // `#define for_each_x(…) for_each_y(…)`: the call becomes the iterator of the inner macro.
      const call = unwrap(node.x);
      const callee = call.k === 'call' ? unwrap(call.f) : undefined;
      return call.k === 'call' && callee?.k === 'id'
        ? { k: 'foreach', macro: callee.n, a: call.a, b: body, p: node.p }
        : undefined;
    }
    default:
      return undefined;
  }
}

function isEmpty(node: Statement): boolean {
  return node.k === 'block' && node.s.length === 0;
}

/** Line (from 1) of a node in the function's file. */
export function lineOf(node: FunctionNode, p: Position): number {
  return node.facts.firstLine + lineOffsetOf(p);
}
