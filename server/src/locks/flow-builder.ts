/** A function's statements → its flow graph, macros put in place. */
import { lineOffsetOf, type Expression, type Position, type Statement } from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from '../program/expansion.js';
import type { FunctionNode } from '../program/model.js';
import type { Symbols } from '../program/symbols.js';
import { resultKey, type FlowGraph, type FlowNode, type Truthiness } from './flow-graph.js';
import { LockNames } from './lock-names.js';
import { guardPrimitive, lockPrimitive, type LockPrimitive } from './primitives.js';

/** Macros whose truth is that of their first argument (include/linux/compiler.h, include/asm-generic/bug.h, include/linux/kvm_host.h). */
const TRANSPARENT_TESTS: ReadonlySet<string> = new Set([
  'likely', 'unlikely', '__builtin_expect', 'WARN_ON', 'WARN_ON_ONCE', 'WARN', 'WARN_ONCE', 'WARN_RATELIMIT', 'KVM_BUG_ON',
  'KVM_BUG', 'KVM_BUG_ON_DATA_CORRUPTION', 'KVM_MMU_WARN_ON', 'VM_WARN_ON', 'VM_WARN_ON_ONCE', 'READ_ONCE', 'data_race',
]);

/** Calls that do not return (include/asm-generic/bug.h, kernel/panic.c). */
const NO_RETURN: ReadonlySet<string> = new Set(['BUG', 'panic', 'unreachable', '__builtin_unreachable', 'do_exit', 'make_task_dead']);

const MAX_EXPANSION_DEPTH = 12;
const MAX_NODES = 20_000;

interface End {
  node: number;
  slot: number;
}
type Ends = End[];

interface Test {
  t: Ends;
  f: Ends;
}

interface OpenGuard {
  primitive: LockPrimitive;
  lock: string;
}

interface Loop {
  breaks: Ends;
  continues: Ends | null;
  guards: number;
}

export class FlowBuilder {
  private readonly nodes: FlowNode[] = [];
  private current: Ends = [];
  private readonly labels = new Map<string, number>();
  private readonly gotos: { label: string; ends: Ends; guards: OpenGuard[]; p: Position }[] = [];
  private readonly loops: Loop[] = [];
  private readonly switches: number[] = [];
  private readonly guards: OpenGuard[] = [];
  private readonly guardsAtLabel = new Map<string, number>();
  private readonly decides = new Map<string, [number, number][]>();
  readonly names: LockNames;
  private active: string[] = [];
  private readonly ownBodies = new Map<Statement, { useAt: Position; active: string[] }>();
  /** Where the macro being put in place is written, or -1. */
  private useAt: Position = -1;

  constructor(
    private readonly symbols: Symbols,
    private readonly node: FunctionNode,
    private readonly body: readonly Statement[],
  ) {
    this.names = new LockNames(symbols, node, body);
  }

  build(): FlowGraph {
    this.current = [{ node: this.add({ kind: 'pass', p: 0, next: [] }), slot: 0 }];
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
    return { nodes: this.nodes, decides: this.decides };
  }

  private add(node: FlowNode): number {
    this.nodes.push(node);
    return this.nodes.length - 1;
  }

  private link(ends: Ends, target: number): void {
    for (const { node, slot } of ends) this.nodes[node]!.next[slot] = target;
  }

  private append(node: FlowNode): number {
    if (this.nodes.length >= MAX_NODES) return this.nodes.length - 1;
    const index = this.add(node);
    this.link(this.current, index);
    this.current = [{ node: index, slot: 0 }];
    return index;
  }

  private at(p: Position): Position {
    return this.useAt >= 0 ? this.useAt : p;
  }

  // ---- statements

  private statements(statements: readonly Statement[]): void {
    for (const statement of statements) this.statement(statement);
  }

  private statement(node: Statement): void {
    const own = this.ownBodies.get(node);
    if (own) return this.asWritten(node, own);
    // Every line that does something has a node, so that it can be asked what is held there.
    if (this.useAt < 0 && node.k !== 'block' && node.k !== 'case' && node.k !== 'label') this.append({ kind: 'pass', p: node.p, next: [] });
    switch (node.k) {
      case 'expr':
        this.evaluate(node.x);
        return;
      case 'decl':
        this.names.declare(node);
        if (node.i && !node.static) this.initialise(node.n, node.i, node.p);
        return;
      case 'block':
        return this.scope(() => this.statements(node.s), node.end);
      case 'if':
        return this.ifStatement(node);
      case 'while':
        return this.loop(node.c, node.b, undefined, false, node.p);
      case 'do':
        return this.loop(node.c, node.b, undefined, true, node.p);
      case 'for':
        if (node.i) this.statement(node.i);
        return this.loop(node.c, node.b, node.u, false, node.p);
      case 'foreach':
        return this.iterator(node);
      case 'switch':
        return this.switchStatement(node);
      case 'case': {
        const head = this.switches[this.switches.length - 1];
        const index = this.add({ kind: 'pass', p: this.at(node.p), next: [] });
        this.link(this.current, index);
        if (head !== undefined) this.nodes[head]!.next.push(index);
        this.current = [{ node: index, slot: 0 }];
        return this.statements(node.s);
      }
      case 'return':
        return this.leave(node.x, node.p);
      case 'break':
      case 'continue':
        return this.jumpOut(node.k, node.p);
      case 'goto':
        this.gotos.push({ label: node.label, ends: this.current, guards: [...this.guards], p: this.at(node.p) });
        this.current = [];
        return;
      case 'label': {
        const index = this.add({ kind: 'pass', p: this.at(node.p), next: [] });
        this.link(this.current, index);
        this.current = [{ node: index, slot: 0 }];
        this.labels.set(node.n, index);
        this.guardsAtLabel.set(node.n, this.guards.length);
        if (node.s) this.statement(node.s);
        return;
      }
      default:
    }
  }

  /** A flag may be a member: `struct range r = { .found = false };`. */
  private initialise(name: string, value: Expression, p: Position): void {
    const truth = this.evaluate(value);
    const list = unwrap(value);
    if (list.k !== 'init') return this.set(name, truth, p);
    for (const item of list.items) if (item.d?.length === 1 && item.d[0] !== '[]') this.set(`${name}.${item.d[0]}`, truthOfConstant(item.x), p);
  }

  /** An iterator's body is the function's own text, though the macro's expansion stands around it. */
  private asWritten(body: Statement, place: { useAt: Position; active: string[] }): void {
    const { useAt, active } = this;
    this.ownBodies.delete(body);
    this.useAt = place.useAt;
    this.active = place.active;
    this.statement(body);
    this.useAt = useAt;
    this.active = active;
  }

  private scope(inside: () => void, end: Position): void {
    const depth = this.guards.length;
    inside();
    this.releaseGuards(depth, end);
    this.guards.length = depth;
  }

  private releaseGuards(downTo: number, p: Position): void {
    for (let i = this.guards.length - 1; i >= downTo; i--) this.releaseGuard(this.guards[i]!, this.at(p));
  }

  private releaseGuard({ primitive, lock }: OpenGuard, p: Position): void {
    this.append({ kind: 'lock', primitive: { ...primitive, op: 'release' }, lock, arguments: [], p, next: [] });
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
    this.noteDecisions(from, inside, this.nodes.length);
    this.current = [...afterThen, ...this.current];
  }

  private noteDecisions(from: number, inside: number, to: number): void {
    for (let i = from; i < inside; i++) {
      const node = this.nodes[i]!;
      if (node.kind !== 'branch' || node.key === undefined) continue;
      const ranges = this.decides.get(node.key);
      if (ranges) ranges.push([inside, to]);
      else this.decides.set(node.key, [[inside, to]]);
    }
  }

  private loop(c: Expression | undefined, body: Statement, update: Expression | undefined, bodyFirst: boolean, p: Position): void {
    const from = this.nodes.length;
    const head = this.append({ kind: 'pass', p: this.at(p), next: [] });
    const frame: Loop = { breaks: [], continues: [], guards: this.guards.length };
    let out: Ends;
    if (bodyFirst) {
      this.insideLoop(frame, () => this.statement(body));
      this.current = [...this.current, ...frame.continues!];
      const inside = this.nodes.length;
      const test = this.condition(c ?? { k: 'num', v: '0' });
      this.noteDecisions(inside, this.nodes.length, this.nodes.length);
      this.link(test.t, head);
      out = test.f;
    } else {
      const test = this.condition(c ?? { k: 'num', v: '1' });
      const inside = this.nodes.length;
      this.current = test.t;
      this.insideLoop(frame, () => this.statement(body));
      this.current = [...this.current, ...frame.continues!];
      if (update) this.evaluate(update);
      this.noteDecisions(from, inside, this.nodes.length);
      this.link(this.current, head);
      out = test.f;
    }
    this.current = [...out, ...frame.breaks];
  }

  private insideLoop(frame: Loop, inside: () => void): void {
    this.loops.push(frame);
    inside();
    this.loops.pop();
  }

  private jumpOut(kind: 'break' | 'continue', p: Position): void {
    for (let i = this.loops.length - 1; i >= 0; i--) {
      const frame = this.loops[i]!;
      if (kind === 'continue' && frame.continues === null) continue;
      this.releaseGuards(frame.guards, p);
      (kind === 'break' ? frame.breaks : frame.continues!).push(...this.current);
      break;
    }
    this.current = [];
  }

  private switchStatement(node: Extract<Statement, { k: 'switch' }>): void {
    this.evaluate(node.c);
    const head = this.append({ kind: 'pass', p: this.at(node.p), next: [] });
    const frame: Loop = { breaks: [], continues: null, guards: this.guards.length };
    this.current = [];
    this.switches.push(head);
    this.insideLoop(frame, () => this.statement(node.b));
    this.switches.pop();
    const hasDefault = hasDefaultCase(node.b);
    const after = this.add({ kind: 'pass', p: this.at(node.p), next: [] });
    this.link([...this.current, ...frame.breaks], after);
    if (!hasDefault) this.nodes[head]!.next.push(after);
    this.current = [{ node: after, slot: 0 }];
  }

  /** `for_each_x(…) body` and `scoped_guard(mutex, &lock) body`. */
  private iterator(node: Extract<Statement, { k: 'foreach' }>): void {
    if (node.macro === 'scoped_guard') {
      const name = node.a[0] && unwrap(node.a[0]);
      this.scope(() => {
        if (name?.k === 'id') this.openGuard(name.n, node.a.slice(1), node.p);
        this.statement(node.b);
      }, node.b.k === 'block' ? node.b.end : node.p);
      return;
    }
    const macro = this.active.includes(node.macro) ? undefined : this.symbols.macro(node.macro, this.node.file);
    if (macro?.facts.parameters && this.active.length < MAX_EXPANSION_DEPTH) {
      const expanded = withLoopBody(expandMacro(macro, node.a), node.b);
      if (expanded) {
        if (!this.ownBodies.has(node.b)) this.ownBodies.set(node.b, { useAt: this.useAt, active: this.active });
        for (const argument of node.a) this.evaluate(argument);
        this.inMacro(node.macro, node.p, () => this.statements(expanded));
        return;
      }
    }
    for (const argument of node.a) this.evaluate(argument);
    // A loop whose head isn't known: it may run any number of times, also none.
    const frame: Loop = { breaks: [], continues: [], guards: this.guards.length };
    const head = this.append({ kind: 'branch', p: this.at(node.p), next: [] });
    this.current = [{ node: head, slot: 0 }];
    this.insideLoop(frame, () => this.statement(node.b));
    this.link([...this.current, ...frame.continues!], head);
    this.current = [{ node: head, slot: 1 }, ...frame.breaks];
  }

  private leave(value: Expression | undefined, p: Position): void {
    const result = value ? this.evaluate(value) : undefined;
    this.releaseGuards(0, p);
    this.append({ kind: 'exit', result, p: this.at(p), next: [] });
    this.current = [];
  }

  // ---- conditions

  private decided(truth: boolean): Test {
    return truth ? { t: this.current, f: [] } : { t: [], f: this.current };
  }

  private test(key: string | undefined, whenTrue: boolean | undefined, whenFalse: boolean | undefined, p: Position): Test {
    const node: FlowNode = { kind: 'branch', p, next: [] };
    if (key !== undefined) node.key = key;
    if (whenTrue !== undefined) node.whenTrue = whenTrue;
    if (whenFalse !== undefined) node.whenFalse = whenFalse;
    const index = this.append(node);
    return { t: [{ node: index, slot: 0 }], f: [{ node: index, slot: 1 }] };
  }

  private here(): Position {
    const end = this.current[0];
    return end ? this.nodes[end.node]!.p : 0;
  }

  private condition(expression: Expression): Test {
    const node = unwrap(expression);
    switch (node.k) {
      case 'unary':
        if (node.op === '!') {
          const { t, f } = this.condition(node.x);
          return { t: f, f: t };
        }
        break;
      case 'binary':
        return this.binaryCondition(node);
      case 'comma':
        this.evaluate(node.l);
        return this.condition(node.r);
      case 'cast':
        return this.condition(node.x);
      case 'cond': {
        const chosen = this.condition(node.c);
        this.current = chosen.t;
        const yes = node.t ? this.condition(node.t) : { t: chosen.t, f: [] };
        this.current = chosen.f;
        const no = this.condition(node.e);
        return { t: [...yes.t, ...no.t], f: [...yes.f, ...no.f] };
      }
      case 'block': {
        const last = node.s[node.s.length - 1];
        if (last?.k !== 'expr') break;
        this.statements(node.s.slice(0, -1));
        return this.condition(last.x);
      }
      case 'call':
        return this.callCondition(node);
      default:
    }
    return this.truthTest(this.evaluate(node), node);
  }

  private truthTest(truth: Truthiness, node: Expression): Test {
    if (typeof truth === 'boolean') return this.decided(truth);
    if (truth) return this.test(truth.from, !truth.negated, truth.negated, this.here());
    const text = conditionText(node);
    return text === undefined ? this.test(undefined, undefined, undefined, this.here()) : this.test(text, true, false, this.here());
  }

  private callCondition(node: Extract<Expression, { k: 'call' }>): Test {
    const callee = unwrap(node.f);
    if (callee.k === 'id' && TRANSPARENT_TESTS.has(callee.n) && node.a[0]) {
      const test = this.condition(node.a[0]);
      return test;
    }
    const truth = this.evaluate(node);
    const text = conditionText(node);
    if (truth === undefined || typeof truth === 'boolean' || !truth.from.startsWith('#') || text === undefined) return this.truthTest(truth, node);
    // A call's result decides by itself where the callee's locks depend on it, and by its text where it is asked twice.
    const { t, f } = this.truthTest(truth, node);
    this.current = t;
    const yes = this.test(text, true, undefined, node.p);
    this.current = f;
    const no = this.test(text, undefined, false, node.p);
    return { t: yes.t, f: no.f };
  }

  private binaryCondition(node: Extract<Expression, { k: 'binary' }>): Test {
    if (node.op === '&&' || node.op === '||') {
      const left = this.condition(node.l);
      this.current = node.op === '&&' ? left.t : left.f;
      const right = this.condition(node.r);
      return node.op === '&&' ? { t: right.t, f: [...left.f, ...right.f] } : { t: [...left.t, ...right.t], f: right.f };
    }
    const left = this.evaluate(node.l);
    const right = this.evaluate(node.r);
    const against = constantOf(node.r);
    const key = left !== undefined && typeof left !== 'boolean' && !left.negated ? left.from : undefined;
    if (key !== undefined && against === 0) {
      switch (node.op) {
        case '==':
          return this.test(key, false, true, this.here());
        case '!=':
        case '>':
          return this.test(key, true, node.op === '!=' ? false : undefined, this.here());
        case '<':
          return this.test(key, true, undefined, this.here());
        case '>=':
          return this.test(key, undefined, true, this.here());
        case '<=':
          return this.test(key, undefined, true, this.here());
        default:
      }
    }
    if (key !== undefined && against !== undefined && against !== 0 && node.op === '==') return this.test(key, true, undefined, this.here());
    if (typeof left === 'boolean' && typeof right === 'boolean' && (node.op === '==' || node.op === '!=')) return this.decided((left === right) === (node.op === '=='));
    const text = conditionText(node);
    return text === undefined ? this.test(undefined, undefined, undefined, this.here()) : this.test(text, true, false, this.here());
  }

  // ---- expressions

  private set(name: string, value: Truthiness, p: Position): void {
    this.append({ kind: 'set', name, value, p: this.at(p), next: [] });
  }

  /** Emits what an expression does, and tells what is known of its value's truth. */
  private evaluate(expression: Expression): Truthiness {
    switch (expression.k) {
      case 'arg': {
        // An argument was evaluated where the macro is used; here only its value counts.
        const inner = unwrap(expression);
        return inner.k === 'id' ? this.valueOfName(inner.n) : truthOfConstant(inner);
      }
      case 'id':
        return this.valueOfName(expression.n);
      case 'num':
        return truthOfConstant(expression);
      case 'call':
        return this.call(expression);
      case 'field':
        this.evaluate(expression.o);
        return undefined;
      case 'index':
        this.evaluate(expression.o);
        this.evaluate(expression.i);
        return undefined;
      case 'unary':
        return this.unaryValue(expression);
      case 'update':
        this.evaluate(expression.x);
        this.forget(expression.x);
        return undefined;
      case 'cast':
        return this.evaluate(expression.x);
      case 'assign':
        return this.assignment(expression);
      case 'comma':
        this.evaluate(expression.l);
        return this.evaluate(expression.r);
      case 'cond': {
        const test = this.condition(expression.c);
        this.current = test.t;
        if (expression.t) this.evaluate(expression.t);
        const after = this.current;
        this.current = test.f;
        this.evaluate(expression.e);
        this.current = [...after, ...this.current];
        return undefined;
      }
      case 'binary':
        if (expression.op === '&&' || expression.op === '||') {
          const test = this.condition(expression);
          this.current = [...test.t, ...test.f];
          return undefined;
        }
        this.evaluate(expression.l);
        this.evaluate(expression.r);
        return undefined;
      case 'block':
        return this.blockValue(expression.s);
      case 'init':
        for (const item of expression.items) this.evaluate(item.x);
        return undefined;
      default:
        return undefined;
    }
  }

  private unaryValue(expression: Extract<Expression, { k: 'unary' }>): Truthiness {
    const value = this.evaluate(expression.x);
    if (expression.op === '!') return typeof value === 'boolean' ? !value : value && { from: value.from, negated: !value.negated };
    if (expression.op === '-') {
      // `-EINVAL`: an error number is never 0.
      const inner = unwrap(expression.x);
      return inner.k === 'id' && /^E[A-Z0-9]+$/.test(inner.n) ? true : value;
    }
    return undefined;
  }

  private blockValue(statements: readonly Statement[]): Truthiness {
    const last = statements[statements.length - 1];
    if (last?.k !== 'expr') {
      this.scope(() => this.statements(statements), 0);
      return undefined;
    }
    this.statements(statements.slice(0, -1));
    return this.evaluate(last.x);
  }

  private valueOfName(name: string): Truthiness {
    if (name === 'true') return true;
    if (name === 'false' || name === 'NULL') return false;
    if (this.names.isLocal(name)) return { from: name, negated: false };
    const macro = this.symbols.macro(name, this.node.file);
    if (macro && macro.facts.parameters === null && /^-?\s*\(?\d+\)?$/.test(macro.facts.text)) return Number(macro.facts.text.replace(/[()\s]/g, '')) !== 0;
    return undefined;
  }

  private forget(target: Expression): void {
    const inner = unwrap(target);
    if (inner.k === 'id') this.set(inner.n, undefined, this.here());
  }

  private assignment(expression: Extract<Expression, { k: 'assign' }>): Truthiness {
    const value = this.evaluate(expression.r);
    const target = unwrap(expression.l);
    if (target.k === 'id') {
      const stored: Truthiness = expression.op === '=' ? value : expression.op === '|=' && value === true ? true : undefined;
      this.set(target.n, stored, expression.p);
      return expression.op === '=' ? { from: target.n, negated: false } : undefined;
    }
    this.evaluate(expression.l);
    const text = conditionText(target);
    if (text !== undefined) this.set(text, expression.op === '=' ? value : undefined, expression.p);
    return value;
  }

  private call(node: Extract<Expression, { k: 'call' }>): Truthiness {
    const callee = unwrap(node.f);
    if (callee.k === 'call') return this.calledResult(callee, node);
    for (const argument of node.a) if (argument.k !== 'arg') this.evaluate(argument);
    if (callee.k !== 'id') {
      this.evaluate(callee);
      return this.emitCall('*', node);
    }
    const name = callee.n;
    const primitive = lockPrimitive(name);
    if (primitive) return this.lockOperation(primitive, node.a, node.p);
    if (NO_RETURN.has(name)) {
      this.current = [];
      return undefined;
    }
    if (TRANSPARENT_TESTS.has(name) && node.a[0]) {
      const inner = unwrap(node.a[0]);
      return inner.k === 'id' ? this.valueOfName(inner.n) : undefined;
    }
    if (this.names.isLocal(name) && !this.active.includes(name)) return this.emitCall('*', node);
    const macro = this.active.includes(name) || this.active.length >= MAX_EXPANSION_DEPTH ? undefined : this.symbols.macro(name, this.node.file);
    if (macro?.facts.parameters && macro.facts.body !== undefined) return this.inMacro(name, node.p, () => this.blockValue(expandMacro(macro, node.a)));
    const alias = macro && macro.facts.parameters === null ? /^[A-Za-z_]\w*$/.exec(macro.facts.text)?.[0] : undefined;
    if (alias !== undefined) return this.inMacro(name, node.p, () => this.call({ ...node, f: { k: 'id', n: alias } }));
    return this.emitCall(name, node);
  }

  private inMacro<T>(name: string, p: Position, inside: () => T): T {
    const use = this.useAt;
    const active = this.active;
    if (use < 0) this.useAt = p;
    this.active = [...active, name];
    try {
      return inside();
    } finally {
      this.useAt = use;
      this.active = active;
    }
  }

  private emitCall(callee: string, node: Extract<Expression, { k: 'call' }>): Truthiness {
    const index = this.append({ kind: 'call', callee, arguments: node.a, p: this.at(node.p), next: [] });
    for (const argument of node.a) {
      const inner = unwrap(argument);
      if (inner.k === 'unary' && inner.op === '&') this.forget(inner.x);
    }
    return { from: resultKey(index), negated: false };
  }

  /** `guard(mutex)(&lock)`, `kvm_x86_call(op)(vcpu)`. */
  private calledResult(callee: Extract<Expression, { k: 'call' }>, node: Extract<Expression, { k: 'call' }>): Truthiness {
    const inner = unwrap(callee.f);
    for (const argument of node.a) this.evaluate(argument);
    const first = callee.a[0] && unwrap(callee.a[0]);
    if (inner.k === 'id' && inner.n === 'guard' && first?.k === 'id') {
      this.openGuard(first.n, node.a, node.p);
      return undefined;
    }
    const byMacro = inner.k === 'id' ? `${inner.n}(${first?.k === 'id' ? first.n : ''})` : '';
    return this.emitCall(this.symbols.functionsByName.has(byMacro) ? byMacro : '*', node);
  }

  private openGuard(name: string, args: readonly Expression[], p: Position): void {
    const primitive = guardPrimitive(name);
    const pointer = args[0];
    if (!primitive) return;
    const lock = primitive.lockArgument === null ? (primitive.global ?? name) : pointer && this.names.of(pointer);
    if (lock === undefined) return;
    this.append({ kind: 'lock', primitive: { ...primitive, op: 'acquire' }, lock, arguments: args, p: this.at(p), next: [] });
    this.guards.push({ primitive, lock });
  }

  private lockOperation(primitive: LockPrimitive, args: readonly Expression[], p: Position): Truthiness {
    const pointer = primitive.lockArgument === null ? undefined : args[primitive.lockArgument];
    const lock = primitive.lockArgument === null ? primitive.global : pointer && this.names.of(pointer);
    if (lock === undefined) return undefined;
    const index = this.append({ kind: 'lock', primitive, lock, arguments: args, p: this.at(p), next: [] });
    return primitive.op === 'try' ? { from: resultKey(index), negated: false } : undefined;
  }
}

function hasDefaultCase(body: Statement): boolean {
  if (body.k === 'block') return body.s.some(hasDefaultCase);
  if (body.k === 'case') return body.v === null || body.s.some(hasDefaultCase);
  if (body.k === 'label') return body.s !== null && hasDefaultCase(body.s);
  return false;
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
      return call.k === 'call' && callee?.k === 'id' ? { k: 'foreach', macro: callee.n, a: call.a, b: body, p: node.p } : undefined;
    }
    default:
      return undefined;
  }
}

function isEmpty(node: Statement): boolean {
  return node.k === 'block' && node.s.length === 0;
}

function constantOf(expression: Expression): number | undefined {
  const node = unwrap(expression);
  if (node.k === 'num') {
    const value = Number(node.v.replace(/[uUlL]+$/, ''));
    return Number.isNaN(value) ? undefined : value;
  }
  if (node.k === 'id') return node.n === 'NULL' || node.n === 'false' ? 0 : node.n === 'true' ? 1 : undefined;
  return undefined;
}

function truthOfConstant(expression: Expression): boolean | undefined {
  const value = constantOf(expression);
  return value === undefined ? undefined : value !== 0;
}

/** A condition's text, by which two tests of the same thing are known; undefined for what has side effects. */
export function conditionText(expression: Expression): string | undefined {
  const node = unwrap(expression);
  switch (node.k) {
    case 'id':
      return node.n;
    case 'num':
      return node.v;
    case 'field': {
      const object = conditionText(node.o);
      return object && `${object}.${node.n}`;
    }
    case 'index': {
      const object = conditionText(node.o);
      const index = conditionText(node.i);
      return object && index && `${object}[${index}]`;
    }
    case 'unary': {
      const inner = conditionText(node.x);
      return inner && `${node.op}${inner}`;
    }
    case 'cast':
      return conditionText(node.x);
    case 'binary': {
      const left = conditionText(node.l);
      const right = conditionText(node.r);
      return left && right && `${left}${node.op}${right}`;
    }
    case 'call': {
      const callee = conditionText(node.f);
      const args = node.a.map(conditionText);
      return callee && args.every((argument) => argument !== undefined) ? `${callee}(${args.join(',')})` : undefined;
    }
    default:
      return undefined;
  }
}

/** Line (from 1) of a node in the function's file. */
export function lineOf(node: FunctionNode, p: Position): number {
  return node.facts.firstLine + lineOffsetOf(p);
}
