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

const EQUALITY = '==';

/** Text of `subject == constant`. */
export const equalityKey = (subject: string, constant: string): string => `${subject}${EQUALITY}${constant}`;

/** The two sides of an equality's text; undefined for other keys. */
export function sidesOf(key: string): { subject: string; constant: string } | undefined {
  const at = key.lastIndexOf(EQUALITY);
  return at < 0 ? undefined : { subject: key.slice(0, at), constant: key.slice(at + EQUALITY.length) };
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
