/** Expressions → flow graph: what is called in which order, what is locked, and what is known of a value's truth. */
import {
  type Expression,
  type Position,
  type Statement,
  visitExpressions,
  visitStatement,
} from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from '../program/expansion.js';
import {
  bitKey,
  conditionText,
  constantOf,
  equalityKey,
  negativeKey,
  truthOfConstant,
} from './condition-text.js';
import { resultKey, type Truthiness } from './flow-graph.js';
import type { Test } from './graph-writer.js';
import { GuardedScopes } from './guarded-scopes.js';
import { type LockPrimitive, lockPrimitive } from './primitives.js';

/** Macros whose truth is that of their first argument (include/linux/compiler.h, include/asm-generic/bug.h, include/linux/kvm_host.h). */
const TRANSPARENT_TESTS: ReadonlySet<string> = new Set([
  'likely',
  'unlikely',
  '__builtin_expect',
  'WARN_ON',
  'WARN_ON_ONCE',
  'WARN',
  'WARN_ONCE',
  'WARN_RATELIMIT',
  'KVM_BUG_ON',
  'KVM_BUG',
  'KVM_BUG_ON_DATA_CORRUPTION',
  'KVM_MMU_WARN_ON',
  'VM_WARN_ON',
  'VM_WARN_ON_ONCE',
  'READ_ONCE',
  'data_race',
]);

/** Calls that do not return (include/asm-generic/bug.h, kernel/panic.c, and tools/objtool/noreturns.h where it names them). */
const NO_RETURN: ReadonlySet<string> = new Set([
  'BUG',
  'panic',
  'nmi_panic',
  'unreachable',
  '__builtin_unreachable',
  '__builtin_trap',
  'do_exit',
  'do_group_exit',
  'make_task_dead',
  'kthread_exit',
  'kthread_complete_and_exit',
  'module_put_and_kthread_exit',
  '__module_put_and_kthread_exit',
  'snp_abort',
  'machine_real_restart',
]);

/** Tests that a path doesn't survive when they hold (include/asm-generic/bug.h, include/linux/mmdebug.h). */
const FATAL_TESTS: ReadonlySet<string> = new Set([
  'BUG_ON',
  'VM_BUG_ON',
  'VM_BUG_ON_PAGE',
  'VM_BUG_ON_FOLIO',
]);

/** Values that are an error number in another guise (include/linux/err.h). */
const ERROR_CASTS: ReadonlySet<string> = new Set(['ERR_PTR', 'PTR_ERR', 'ERR_CAST', 'PTR_ERR_OR_ZERO']);

/** Is a pointer an error number (include/linux/err.h)? */
const ERROR_TESTS: ReadonlySet<string> = new Set(['IS_ERR', 'IS_ERR_VALUE', 'IS_ERR_OR_NULL']);

/** Declarers of a guard with a name (include/linux/cleanup.h; ACQUIRE in later kernels). */
const NAMED_GUARDS: ReadonlySet<string> = new Set(['CLASS', 'ACQUIRE']);

const MAX_EXPANSION_DEPTH = 12;

/** An argument with side effects is laid out at so many places of a macro's body; behind them only its value counts. */
const MAX_PLACEMENTS = 3;

/** Where something is written, as seen from a macro's expansion. */
export interface Written {
  useAt: Position;
  active: readonly string[];
}

interface Expansion {
  name: string;
  arguments: readonly Expression[];
  p: Position;
  body: readonly Statement[];
}

export abstract class ExpressionFlow extends GuardedScopes {
  protected active: readonly string[] = [];
  /** Where a macro's arguments were written. */
  private readonly written = new Map<Expression, Written>();
  private readonly placements = new Map<Expression, number>();

  protected abstract statements(statements: readonly Statement[]): void;

  // ---- what stands around a value

  /** Lays out what merely stands around a value — casts, commas, statement expressions, macros — and hands the value itself on. */
  private within<T>(expression: Expression, use: (value: Expression) => T): T {
    switch (expression.k) {
      case 'arg':
        return this.argument(expression, (inner) => this.within(inner, use));
      case 'cast':
        return this.within(expression.x, use);
      case 'comma':
        this.evaluate(expression.l);
        return this.within(expression.r, use);
      case 'block': {
        const last = expression.s[expression.s.length - 1];
        const before = last?.k === 'expr' ? expression.s.slice(0, -1) : expression.s;
        this.scope(() => this.statements(before), this.here());
        return last?.k === 'expr' ? this.within(last.x, use) : use({ k: 'other' });
      }
      case 'call': {
        const callee = unwrap(expression.f);
        const [first, ...rest] = expression.a;
        if (callee.k === 'id' && first && TRANSPARENT_TESTS.has(callee.n)) {
          // What such a macro calls, to warn, is called here.
          if (callee.n.includes('WARN') || callee.n.includes('BUG'))
            this.append({
              kind: 'call',
              callee: callee.n,
              arguments: expression.a,
              p: this.at(expression.p),
              next: [],
            });
          for (const argument of rest) this.evaluate(argument);
          return this.within(first, use);
        }
        const expansion = this.expansionOf(expression);
        return expansion
          ? this.inMacro(expansion, () => this.withinBody(expansion.body, use))
          : use(expression);
      }
      default:
        return use(expression);
    }
  }

  /** A macro's body is no scope of its own. */
  private withinBody<T>(body: readonly Statement[], use: (value: Expression) => T): T {
    const last = body[body.length - 1];
    this.statements(last?.k === 'expr' ? body.slice(0, -1) : body);
    return last?.k === 'expr' ? this.within(last.x, use) : use({ k: 'other' });
  }

  /** A macro's argument is evaluated where it stands in the macro's body, at the place where it is written. */
  private argument<T>(expression: Expression, use: (value: Expression) => T): T {
    const inner = unwrap(expression);
    const placed = this.placements.get(inner) ?? 0;
    if (!hasEffects(inner)) return this.asWritten(this.written.get(inner), () => use(inner));
    if (placed >= MAX_PLACEMENTS) return use({ k: 'other' });
    this.placements.set(inner, placed + 1);
    return this.asWritten(this.written.get(inner), () => use(inner));
  }

  /** Does something as belonging to the text at another place than the macro at hand. */
  protected asWritten<T>(place: Written | undefined, inside: () => T): T {
    if (!place) return inside();
    const { useAt, active } = this;
    this.useAt = place.useAt;
    this.active = place.active;
    try {
      return inside();
    } finally {
      this.useAt = useAt;
      this.active = active;
    }
  }

  private expansionOf(node: Extract<Expression, { k: 'call' }>): Expansion | undefined {
    const callee = unwrap(node.f);
    if (callee.k !== 'id' || this.active.length >= MAX_EXPANSION_DEPTH || this.active.includes(callee.n))
      return undefined;
    const name = callee.n;
    if (this.isPrimitive(name) || this.names.isLocal(name)) return undefined;
    const macro = this.symbols.macro(name, this.node.file, this.node.facts.instance);
    if (!macro) return undefined;
    if (macro.facts.parameters) {
      if (macro.facts.body === undefined) return undefined;
      return { name, arguments: node.a, p: node.p, body: expandMacro(macro, node.a) };
    }
    const alias = macro.facts.parameters === null ? /^[A-Za-z_]\w*$/.exec(macro.facts.text)?.[0] : undefined;
    if (alias === undefined) return undefined;
    return {
      name,
      arguments: [],
      p: node.p,
      body: [{ k: 'expr', x: { ...node, f: { k: 'id', n: alias } }, p: node.p }],
    };
  }

  /** Is a call of this name understood as it is, whatever macro a header defines for it? */
  private isPrimitive(name: string): boolean {
    const known =
      NO_RETURN.has(name) ||
      FATAL_TESTS.has(name) ||
      TRANSPARENT_TESTS.has(name) ||
      ERROR_CASTS.has(name) ||
      ERROR_TESTS.has(name);
    return known || lockPrimitive(name) !== undefined;
  }

  protected inMacro<T>({ name, arguments: args, p, body }: Expansion, inside: () => T): T {
    const effective = args.filter((argument) => hasEffects(unwrap(argument)));
    for (const argument of args) {
      const inner = unwrap(argument);
      if (!this.written.has(inner)) this.written.set(inner, { useAt: this.useAt, active: this.active });
    }
    if (effective.length > 0) {
      const placed = argumentsIn(body);
      // What the body's text doesn't show is taken to be evaluated all the same.
      for (const argument of effective) if (!placed.has(unwrap(argument))) this.evaluate(argument);
    }
    return this.asWritten({ useAt: this.useAt < 0 ? p : this.useAt, active: [...this.active, name] }, inside);
  }

  // ---- conditions

  protected condition(expression: Expression): Test {
    return this.within(expression, (value) => this.conditionOf(value));
  }

  private conditionOf(node: Expression): Test {
    switch (node.k) {
      case 'unary':
        if (node.op === '!') {
          const { t, f } = this.condition(node.x);
          return { t: f, f: t };
        }
        break;
      case 'binary':
        return this.binaryCondition(node);
      case 'cond': {
        const from = this.nodes.length;
        const chosen = this.condition(node.c);
        const inside = this.nodes.length;
        this.current = chosen.t;
        const yes = node.t ? this.condition(node.t) : { t: chosen.t, f: [] };
        this.current = chosen.f;
        const no = this.condition(node.e);
        this.noteDecisions(from, inside);
        return { t: [...yes.t, ...no.t], f: [...yes.f, ...no.f] };
      }
      case 'call':
        return this.callCondition(node);
      default:
    }
    return this.truthTest(this.value(node), node);
  }

  private truthTest(truth: Truthiness, node: Expression): Test {
    if (typeof truth === 'boolean') return this.decided(truth);
    if (truth === 'error') return this.decided(true);
    if (truth) return this.test(truth.from, !truth.negated, truth.negated, this.here());
    const text = conditionText(node);
    return text === undefined
      ? this.test(undefined, undefined, undefined, this.here())
      : this.test(text, true, false, this.here());
  }

  private callCondition(node: Extract<Expression, { k: 'call' }>): Test {
    const callee = unwrap(node.f);
    if (callee.k === 'id' && ERROR_TESTS.has(callee.n) && node.a[0])
      return this.errorTest(node, node.a[0], callee.n);
    const truth = this.value(node);
    const text = conditionText(node);
    if (typeof truth !== 'object' || !truth.from.startsWith('#') || text === undefined)
      return this.truthTest(truth, node);
    // A call's result decides by itself where the callee's locks depend on it, and by its text where it is asked twice.
    const { t, f } = this.truthTest(truth, node);
    this.current = t;
    const yes = this.test(text, true, undefined, this.here());
    this.current = f;
    const no = this.test(text, undefined, false, this.here());
    return { t: yes.t, f: no.f };
  }

  private errorTest(node: Extract<Expression, { k: 'call' }>, pointer: Expression, callee: string): Test {
    const value = this.evaluate(pointer);
    const orNull = callee === 'IS_ERR_OR_NULL';
    this.append({ kind: 'call', callee, arguments: node.a, p: this.at(node.p), next: [] });
    if (value === 'error') return this.decided(true);
    if (typeof value === 'boolean') return this.decided(orNull && !value);
    if (!value || value.negated) return this.test(undefined, undefined, undefined, this.here());
    const error = this.test(negativeKey(value.from), true, false, this.here());
    if (!orNull) return error;
    this.current = error.f;
    const { t, f } = this.test(value.from, true, false, this.here());
    return { t: [...error.t, ...f], f: t };
  }

  private binaryCondition(node: Extract<Expression, { k: 'binary' }>): Test {
    if (node.op === '&&' || node.op === '||') {
      const from = this.nodes.length;
      const left = this.condition(node.l);
      const inside = this.nodes.length;
      this.current = node.op === '&&' ? left.t : left.f;
      const right = this.condition(node.r);
      this.noteDecisions(from, inside);
      return node.op === '&&'
        ? { t: right.t, f: [...left.f, ...right.f] }
        : { t: [...left.t, ...right.t], f: right.f };
    }
    const left = this.evaluate(node.l);
    const right = this.evaluate(node.r);
    const equality = node.op === '==' || node.op === '!=';
    const against = constantOf(node.r);
    // Two values that aren't zero may still be different.
    const same =
      typeof left === 'boolean' && typeof right === 'boolean'
        ? left !== right
          ? false
          : left
            ? isSameConstant(node.l, against)
            : true
        : undefined;
    if (equality && same !== undefined) return this.decided(same === (node.op === '=='));
    if (typeof left === 'object' && against !== undefined) {
      const test = this.againstNumber(node.op, left, against);
      if (test) return test;
    }
    const key = equality ? this.equality(node.l, node.r) : undefined;
    if (key !== undefined) return this.test(key, node.op === '==', node.op !== '==', this.here());
    const { text, inverted } = comparison(node);
    return text === undefined
      ? this.test(undefined, undefined, undefined, this.here())
      : this.test(text, !inverted, inverted, this.here());
  }

  /** What a comparison with a number says of a value's truth; undefined where it says nothing. */
  private againstNumber(
    op: string,
    { from, negated }: { from: string; negated: boolean },
    number: number,
  ): Test | undefined {
    const truth = (whenTrue: boolean | undefined, whenFalse: boolean | undefined) => {
      const seen = (value: boolean | undefined) => (value === undefined ? undefined : value !== negated);
      return this.test(from, seen(whenTrue), seen(whenFalse), this.here());
    };
    if (number !== 0)
      return op === '==' && negated === false && from.startsWith('#') ? truth(true, undefined) : undefined;
    switch (op) {
      case '==':
        return truth(false, true);
      case '!=':
        return truth(true, false);
      case '>':
        return truth(true, undefined);
      case '<=':
        return truth(undefined, true);
      case '<':
      case '>=':
        return negated
          ? this.decided(op === '>=')
          : this.test(negativeKey(from), op === '<', op === '>=', this.here());
      default:
        return undefined;
    }
  }

  /** Key of `a == B` for a constant B on either side. */
  private equality(left: Expression, right: Expression): string | undefined {
    const [subject, constant] = this.constantName(right) !== undefined ? [left, right] : [right, left];
    const name = this.constantName(constant);
    const text = name === undefined ? undefined : conditionText(subject);
    return text === undefined || this.constantName(subject) !== undefined
      ? undefined
      : equalityKey(text, name!);
  }

  /** A constant as it is written: a number, or a name that is no variable. */
  protected constantName(expression: Expression): string | undefined {
    const node = unwrap(expression);
    if (node.k === 'cast') return this.constantName(node.x);
    if (node.k === 'num') return node.v;
    if (node.k === 'unary' && node.op === '-') {
      const inner = this.constantName(node.x);
      return inner && `-${inner}`;
    }
    if (node.k !== 'id' || this.names.isLocal(node.n) || this.symbols.variable(node.n, this.node.file))
      return undefined;
    return node.n;
  }

  // ---- values

  /** Lays out what an expression does, and tells what is known of its value's truth. */
  protected evaluate(expression: Expression): Truthiness {
    return this.within(expression, (value) => this.value(value));
  }

  /** Tells `use` what is known of a value on each way to it, and goes on from all of them. */
  protected ways(expression: Expression, use: (truth: Truthiness, value: Expression) => void): void {
    this.within(expression, (value) => {
      if (value.k === 'cond') return this.chosenWays(value, use);
      if (value.k === 'unary' && value.op === '!')
        return this.ways(value.x, (truth) => use(negation(truth), value));
      if (!isJudgement(value) && !isErrorTest(value)) return use(this.value(value), value);
      const from = this.nodes.length;
      const { t, f } = this.conditionOf(value);
      const inside = this.nodes.length;
      this.current = t;
      use(true, value);
      const after = this.current;
      this.current = f;
      use(false, value);
      this.noteDecisions(from, inside);
      this.current = [...after, ...this.current];
    });
  }

  private chosenWays(
    node: Extract<Expression, { k: 'cond' }>,
    use: (truth: Truthiness, value: Expression) => void,
  ): void {
    const from = this.nodes.length;
    const { t, f } = this.condition(node.c);
    const inside = this.nodes.length;
    this.current = t;
    if (node.t) this.ways(node.t, use);
    else use(true, node.c);
    const after = this.current;
    this.current = f;
    this.ways(node.e, use);
    this.noteDecisions(from, inside);
    this.current = [...after, ...this.current];
  }

  private value(node: Expression): Truthiness {
    switch (node.k) {
      case 'id':
        return this.valueOfName(node.n);
      case 'num':
        return truthOfConstant(node);
      case 'call':
        return this.call(node);
      case 'field':
        this.evaluate(node.o);
        return fromText(node);
      case 'index':
        this.evaluate(node.o);
        this.evaluate(node.i);
        return fromText(node);
      case 'unary':
        return this.unaryValue(node);
      case 'update':
        this.evaluate(node.x);
        this.forget(node.x);
        return undefined;
      case 'assign':
        return this.assignment(node);
      case 'cond':
        this.chosenWays(node, () => {});
        return undefined;
      case 'binary':
        return this.binaryValue(node);
      case 'init':
        for (const item of node.items) this.evaluate(item.x);
        return undefined;
      default:
        return undefined;
    }
  }

  private binaryValue(node: Extract<Expression, { k: 'binary' }>): Truthiness {
    if (node.op === '&&' || node.op === '||') {
      const { t, f } = this.binaryCondition(node);
      this.current = [...t, ...f];
      return undefined;
    }
    const left = this.evaluate(node.l);
    this.evaluate(node.r);
    if (node.op === '&') return this.bit(node.l, node.r);
    // `r != 0` is r, `r == 0` is !r.
    const isZero = constantOf(node.r) === 0;
    if (!isZero || typeof left !== 'object' || (node.op !== '==' && node.op !== '!=')) return undefined;
    return node.op === '!=' ? left : negation(left);
  }

  /** `flags & BIT`: what a later test of the same bit knows. */
  private bit(left: Expression, right: Expression): Truthiness {
    const bit = this.constantName(right);
    const text = bit === undefined ? undefined : conditionText(left);
    if (text !== undefined) return { from: bitKey(text, bit!), negated: false };
    return fromText({ k: 'binary', op: '&', l: left, r: right });
  }

  private unaryValue(node: Extract<Expression, { k: 'unary' }>): Truthiness {
    const value = this.evaluate(node.x);
    switch (node.op) {
      case '!':
        return negation(value);
      case '-': {
        // `-EINVAL`: an error number is never 0.
        const inner = unwrap(node.x);
        if (inner.k === 'id' && /^E[A-Z0-9]+$/.test(inner.n)) return 'error';
        return value === true ? 'error' : value === false ? false : undefined;
      }
      case '*':
        return fromText(node);
      case '&':
        return true;
      default:
        return undefined;
    }
  }

  private valueOfName(name: string): Truthiness {
    if (name === 'true') return true;
    if (name === 'false' || name === 'NULL') return false;
    if (this.names.isLocal(name)) return { from: name, negated: false };
    const macro = this.symbols.macro(name, this.node.file, this.node.facts.instance);
    if (macro && macro.facts.parameters === null && /^-?\s*\(?\d+\)?$/.test(macro.facts.text))
      return Number(macro.facts.text.replace(/[()\s]/g, '')) !== 0;
    return undefined;
  }

  private forget(target: Expression): void {
    const text = conditionText(target);
    if (text !== undefined) this.set(text, undefined, this.here());
  }

  private assignment(node: Extract<Expression, { k: 'assign' }>): Truthiness {
    const target = unwrap(node.l);
    if (target.k !== 'id') this.evaluate(target);
    const name = conditionText(target);
    const op = node.op === '|=' ? 'or' : node.op === '&=' ? 'and' : undefined;
    this.ways(node.r, (truth, value) => {
      if (name === undefined) return;
      const stored = node.op === '=' || op ? truth : undefined;
      this.store(name, stored, value, node.p, op);
    });
    return name === undefined ? undefined : { from: name, negated: false };
  }

  protected store(name: string, truth: Truthiness, value: Expression, p: Position, op?: 'or' | 'and'): void {
    const inner = unwrap(value);
    if (inner.k === 'init') return this.storeMembers(name, inner, p);
    if (op === 'and' && inner.k === 'unary' && inner.op === '~') {
      const bits = this.constantName(inner.x);
      return this.set(name, undefined, p, bits === undefined ? {} : { op: 'andnot', constant: bits });
    }
    const constant = this.constantName(inner);
    this.set(name, truth, p, { ...(op && { op }), ...(constant !== undefined && { constant }) });
  }

  /** `struct range r = { .found = false };`: a flag may be a member, and members that aren't named are zero. */
  private storeMembers(name: string, list: Extract<Expression, { k: 'init' }>, p: Position): void {
    const byName = list.items.every((item) => item.d !== undefined || constantOf(item.x) === 0);
    this.set(name, undefined, p, byName ? { members: true } : {});
    // `*p = (struct x){ … }` is seen through `p->member`.
    const owner = name.replace(/^\*/, '');
    for (const { d, x } of list.items)
      if (d?.length === 1 && d[0] !== '[]') this.set(`${owner}.${d[0]}`, this.truthOf(x), p);
  }

  /** Truth of a value that was laid out already. */
  private truthOf(expression: Expression): Truthiness {
    const inner = unwrap(expression);
    return inner.k === 'id' ? this.valueOfName(inner.n) : truthOfConstant(inner);
  }

  // ---- calls

  private call(node: Extract<Expression, { k: 'call' }>): Truthiness {
    const callee = unwrap(node.f);
    if (callee.k === 'call') return this.calledResult(callee, node);
    const name = callee.k === 'id' ? callee.n : undefined;
    if (name === undefined) {
      for (const argument of node.a) this.evaluate(argument);
      this.evaluate(callee);
      return this.emitCall('*', node);
    }
    if (FATAL_TESTS.has(name) && node.a[0]) {
      this.current = this.condition(node.a[0]).f;
      return undefined;
    }
    if (name === 'ACQUIRE_ERR' && node.a[1]) return this.acquireError(node.a[1]);
    if (ERROR_CASTS.has(name) && node.a[0]) {
      const value = this.evaluate(node.a[0]);
      this.append({ kind: 'call', callee: name, arguments: node.a, p: this.at(node.p), next: [] });
      return value;
    }
    for (const argument of node.a) this.evaluate(argument);
    const primitive = lockPrimitive(name);
    if (primitive) return this.lockOperation(primitive, node.a, node.p);
    if (NO_RETURN.has(name)) {
      this.append({ kind: 'call', callee: name, arguments: node.a, p: this.at(node.p), next: [] });
      this.current = [];
      return undefined;
    }
    return this.emitCall(this.names.isLocal(name) && !this.active.includes(name) ? '*' : name, node);
  }

  private emitCall(callee: string, node: Extract<Expression, { k: 'call' }>): Truthiness {
    const lent = node.a.flatMap((argument) => {
      const inner = unwrap(argument);
      const text = inner.k === 'unary' && inner.op === '&' ? conditionText(inner.x) : undefined;
      return text === undefined ? [] : [text];
    });
    const index = this.append({
      kind: 'call',
      callee,
      arguments: node.a,
      ...(lent.length > 0 && { lent }),
      p: this.at(node.p),
      next: [],
    });
    if (callee === 'memset' && lent[0] !== undefined && node.a[1] && constantOf(node.a[1]) === 0)
      this.set(lent[0], undefined, node.p, { members: true });
    return { from: resultKey(index), negated: false };
  }

  /** `guard(mutex)(&lock)`, `kvm_x86_call(op)(vcpu)`. */
  private calledResult(
    callee: Extract<Expression, { k: 'call' }>,
    node: Extract<Expression, { k: 'call' }>,
  ): Truthiness {
    const inner = unwrap(callee.f);
    for (const argument of node.a) this.evaluate(argument);
    const [first, second] = callee.a.map(unwrap);
    if (inner.k === 'id' && inner.n === 'guard' && first?.k === 'id') {
      this.openGuard(first.n, node.a, node.p);
      return undefined;
    }
    if (inner.k === 'id' && NAMED_GUARDS.has(inner.n) && first?.k === 'id') {
      const got = this.openGuard(first.n, node.a, node.p);
      if (got !== undefined && second?.k === 'id') {
        this.names.declareGuard(second.n);
        this.set(second.n, { from: got, negated: false }, node.p);
      }
      return undefined;
    }
    const byMacro = inner.k === 'id' ? `${inner.n}(${first?.k === 'id' ? first.n : ''})` : '';
    return this.emitCall(this.symbols.functionsByName.has(byMacro) ? byMacro : '*', node);
  }

  /** `ACQUIRE_ERR(mutex_intr, &got)`: an error where the guard was not got. */
  private acquireError(variable: Expression): Truthiness {
    const pointer = unwrap(variable);
    const name = pointer.k === 'unary' ? unwrap(pointer.x) : pointer;
    return name.k === 'id' ? { from: name.n, negated: true } : undefined;
  }

  /** Whose lock is used isn't NULL: `locked = kvm` is then as good a flag as `locked = true`. */
  private assumeOwner(pointer: Expression): void {
    let node = unwrap(pointer);
    if (node.k !== 'unary' || node.op !== '&') return;
    node = unwrap(node.x);
    while (node.k === 'field' && !node.arrow) node = unwrap(node.o);
    const text = node.k === 'field' ? conditionText(node.o) : undefined;
    if (text === undefined) return;
    const facts = [[text, true] as const, [negativeKey(text), false] as const];
    this.append({ kind: 'assume', facts, p: this.here(), next: [] });
  }

  private lockOperation(primitive: LockPrimitive, args: readonly Expression[], p: Position): Truthiness {
    const pointer = primitive.lockArgument === null ? undefined : args[primitive.lockArgument];
    const lock = primitive.lockArgument === null ? primitive.global : pointer && this.names.of(pointer);
    if (lock === undefined) return undefined;
    if (pointer) this.assumeOwner(pointer);
    const index = this.append({ kind: 'lock', primitive, lock, arguments: args, p: this.at(p), next: [] });
    return primitive.op === 'try' ? { from: resultKey(index), negated: false } : undefined;
  }
}

function isSameConstant(left: Expression, right: number | undefined): boolean | undefined {
  const value = constantOf(left);
  return value === undefined || right === undefined ? undefined : value === right;
}

function negation(truth: Truthiness): Truthiness {
  if (truth === 'error') return false;
  return typeof truth === 'object'
    ? { from: truth.from, negated: !truth.negated }
    : truth === undefined
      ? undefined
      : !truth;
}

function fromText(node: Expression): Truthiness {
  const text = conditionText(node);
  return text === undefined ? undefined : { from: text, negated: false };
}

/** Text of a comparison, the same for `a < b` and `b > a`, inverted for `a >= b` and `b <= a`. */
function comparison(node: Extract<Expression, { k: 'binary' }>): {
  text: string | undefined;
  inverted: boolean;
} {
  const { op, l, r } = node;
  if (op !== '>' && op !== '>=' && op !== '<=') return { text: conditionText(node), inverted: false };
  const [left, right] = op === '>=' ? [l, r] : [r, l];
  return { text: conditionText({ k: 'binary', op: '<', l: left, r: right }), inverted: op !== '>' };
}

const COMPARISONS: ReadonlySet<string> = new Set(['&&', '||', '==', '!=', '<', '>', '<=', '>=']);

/** Is a value true or false by a judgement that is better followed on two ways? `x == 0` is x itself. */
function isJudgement(value: Expression): boolean {
  return (
    value.k === 'binary' &&
    COMPARISONS.has(value.op) &&
    !((value.op === '==' || value.op === '!=') && constantOf(value.r) === 0)
  );
}

function isErrorTest(value: Expression): boolean {
  const callee = value.k === 'call' ? unwrap(value.f) : undefined;
  return callee?.k === 'id' && ERROR_TESTS.has(callee.n);
}

function hasEffects(expression: Expression): boolean {
  switch (expression.k) {
    case 'id':
    case 'num':
    case 'str':
    case 'type':
      return false;
    default: {
      let found = false;
      visitExpressions(expression, (inner) => {
        if (inner.k === 'arg') found ||= hasEffects(unwrap(inner));
        else
          found ||= inner.k === 'call' || inner.k === 'assign' || inner.k === 'update' || inner.k === 'block';
      });
      return found;
    }
  }
}

/** The arguments that stand somewhere in a macro's expanded body. */
function argumentsIn(body: readonly Statement[]): Set<Expression> {
  const found = new Set<Expression>();
  for (const statement of body) {
    visitStatement(statement, (inner) => {
      if (inner.k === 'arg') found.add(unwrap(inner));
    });
  }
  return found;
}
