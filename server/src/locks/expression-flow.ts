/** Expressions → flow graph: what is called in which order, what is locked, and what is known of a value's truth. */
import type { Expression, Position } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import { ConditionFlow } from './condition-flow.js';
import { bitKey, conditionText, constantOf, negativeKey, truthOfConstant } from './condition-text.js';
import { resultKey, type Truthiness } from './flow-graph.js';
import {
  BIT_OPERATIONS,
  ERROR_CASTS,
  ERROR_TESTS,
  FATAL_TESTS,
  NAMED_GUARDS,
  NO_RETURN,
} from './known-calls.js';
import { type LockPrimitive, lockPrimitive } from './primitives.js';

export abstract class ExpressionFlow extends ConditionFlow {
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

  protected value(node: Expression): Truthiness {
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
      case 'update': {
        const text = conditionText(node.x);
        this.evaluate(node.x);
        if (text === undefined) return undefined;
        this.count(text, node.op);
        return node.post ? undefined : { from: text, negated: false };
      }
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
    const bit = this.bitOperation(name, node.a);
    if (bit) return bit.result;
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

  /** `test_bit(FLAG, &flags)`, `set_bit(FLAG, &flags)`: what a test of `flags & BIT(FLAG)` and an assignment are. */
  private bitOperation(name: string, args: readonly Expression[]): { result: Truthiness } | undefined {
    const operation = BIT_OPERATIONS.get(name);
    const word = args[1] && unwrap(args[1]);
    if (operation === undefined || word?.k !== 'unary' || word.op !== '&' || !args[0]) return undefined;
    const bit = this.bitName(args[0]);
    const text = conditionText(word.x);
    if (bit === undefined || text === undefined) return undefined;
    if (operation === 'test') return { result: { from: bitKey(text, bit), negated: false } };
    this.set(text, undefined, this.here(), { op: operation, constant: bit });
    return { result: undefined };
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
