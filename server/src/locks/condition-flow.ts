/** Conditions → branches: which way a path goes, and what it knows from then on. */
import type { Expression } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import { belowKey, bitKey, conditionText, constantOf, equalityKey, negativeKey } from './condition-text.js';
import type { Truthiness } from './flow-graph.js';
import type { Ends, Test } from './graph-writer.js';
import { BITS, ERROR_TESTS } from './known-calls.js';
import { MacroUse } from './macro-use.js';

export abstract class ConditionFlow extends MacroUse {
  /** Lays out a value that nothing stands around. */
  protected abstract value(node: Expression): Truthiness;

  protected condition(expression: Expression): Test {
    return this.within(expression, (value) => this.conditionOf(value));
  }

  protected conditionOf(node: Expression): Test {
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
      case 'update':
        return this.updateCondition(node);
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

  /** `if (!taken++)` asks for the value as it was, `if (--tries)` for what it becomes. */
  private updateCondition(node: Extract<Expression, { k: 'update' }>): Test {
    if (!node.post) return this.truthTest(this.value(node), node);
    const text = conditionText(node.x);
    if (text === undefined) return this.truthTest(this.value(node), node);
    const before = this.condition(node.x);
    const after = (ends: Ends): Ends => {
      this.current = ends;
      this.count(text, node.op);
      return this.current;
    };
    return { t: after(before.t), f: after(before.f) };
  }

  /** Counts a variable up or down. */
  protected count(name: string, op: '++' | '--'): void {
    this.set(name, undefined, this.here(), { op });
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

  protected binaryCondition(node: Extract<Expression, { k: 'binary' }>): Test {
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
    if (node.op === '&') {
      const bit = this.constantName(node.r);
      const word = bit === undefined ? undefined : conditionText(node.l);
      if (word !== undefined) return this.test(bitKey(word, bit!), true, false, this.here());
    }
    const equality = node.op === '==' || node.op === '!=';
    const against = constantOf(node.r);
    const turned = against === undefined ? constantOf(node.l) : undefined;
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
    if (typeof right === 'object' && turned !== undefined) {
      const test = this.againstNumber(TURNED[node.op] ?? node.op, right, turned);
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
    if (number !== 0) {
      if (op === '==' && !negated && from.startsWith('#')) return truth(true, undefined);
      return negated || from.startsWith('#') ? undefined : this.order(op, from, number);
    }
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

  /** `level > 3` and `level <= 3` as what they say of `level < 4`. */
  private order(op: string, from: string, number: number): Test | undefined {
    if (!Number.isSafeInteger(number) || !/^[<>]=?$/.test(op)) return undefined;
    const isBelow = op === '<' || op === '<=';
    const key = belowKey(from, op === '<' || op === '>=' ? number : number + 1);
    return this.test(key, isBelow, !isBelow, this.here());
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
    if (node.k === 'call') return this.bitByNumber(node);
    if (node.k === 'binary' && node.op === '<<' && constantOf(node.l) === 1) return this.bitName(node.r);
    if (node.k !== 'id' || this.names.isLocal(node.n) || this.symbols.variable(node.n, this.node.file))
      return undefined;
    return node.n;
  }

  /** `BIT(3)` as a constant's name. */
  private bitByNumber(node: Extract<Expression, { k: 'call' }>): string | undefined {
    const callee = unwrap(node.f);
    return callee.k === 'id' && BITS.has(callee.n) && node.a[0] ? this.bitName(node.a[0]) : undefined;
  }

  /** A bit by its number: a power of two where that has one, a word of its own where it is a name. */
  protected bitName(number: Expression): string | undefined {
    const value = constantOf(number);
    if (value !== undefined) return value >= 0 && value < 53 ? String(2 ** value) : undefined;
    const name = this.constantName(number);
    return name === undefined ? undefined : `bit_${name}`;
  }
}

/** A comparison's sign with its sides exchanged. */
const TURNED: Readonly<Record<string, string>> = { '<': '>', '>': '<', '<=': '>=', '>=': '<=' };

function isSameConstant(left: Expression, right: number | undefined): boolean | undefined {
  const value = constantOf(left);
  return value === undefined || right === undefined ? undefined : value === right;
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
