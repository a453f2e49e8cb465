/** Conditions as text: two tests of the same thing are known by it. */
import type { Expression } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';

/** A constant's number, where the text has one. */
export function constantOf(expression: Expression): number | undefined {
  const node = unwrap(expression);
  if (node.k === 'num') {
    const value = Number(node.v.replace(/[uUlL]+$/, ''));
    return Number.isNaN(value) ? undefined : value;
  }
  if (node.k === 'cast') return constantOf(node.x);
  if (node.k !== 'id') return undefined;
  if (node.n === 'NULL' || node.n === 'false') return 0;
  return node.n === 'true' ? 1 : undefined;
}

export function truthOfConstant(expression: Expression): boolean | undefined {
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
      const known = callee && args.every((argument) => argument !== undefined);
      return known ? `${callee}(${args.join(',')})` : undefined;
    }
    default:
      return undefined;
  }
}

/** Text of `subject == constant`. */
export const equalityKey = (subject: string, constant: string): string => `${subject}==${constant}`;

/** Text of `subject < bound`, a whole number. */
export const belowKey = (subject: string, bound: number): string => `${subject}<${bound}`;

/** Text of `subject < 0`, also for pointers that carry an error number. */
export const negativeKey = (subject: string): string => belowKey(subject, 0);

/** Text of `subject & bit`. */
export const bitKey = (subject: string, bit: string): string => `${subject}&${bit}`;

/** What a condition's text says of a value: that it isn't zero, is negative, is below or equals a constant, has a bit set. */
export interface KeyParts {
  subject: string;
  kind: 'true' | 'negative' | 'below' | 'equal' | 'bit';
  constant: string;
}

export function partsOf(key: string): KeyParts {
  if (key.endsWith('<0')) return { subject: key.slice(0, -2), kind: 'negative', constant: '0' };
  const [, subject, sign, constant] = /^(.*[^&=<>!])(==|&|<(?=-?\d))(-?\w+)$/.exec(key) ?? [];
  if (subject === undefined) return { subject: key, kind: 'true', constant: '' };
  return { subject, kind: sign === '==' ? 'equal' : sign === '<' ? 'below' : 'bit', constant: constant! };
}

/** Does a condition's text use a variable? */
export function mentions(text: string, variable: string): boolean {
  for (let at = text.indexOf(variable); at >= 0; at = text.indexOf(variable, at + 1)) {
    const before = text[at - 1];
    const after = text[at + variable.length];
    if (!(before && /[\w.]/.test(before)) && !(after && /\w/.test(after))) return true;
  }
  return false;
}
