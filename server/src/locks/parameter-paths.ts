/**
 * What callers and callees both know under other names: a parameter `$1`, what it points to `*$1`, a member
 * `$1.locked`; with `==C`, `<N` or `&BIT` behind it.
 */
import type { Expression } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import { conditionText, constantOf } from './condition-text.js';
import type { Truthiness } from './flow-graph.js';

/** A key in terms of the parameters. */
export type ParameterPath = string;

const KEY = /^(\*?)([A-Za-z_]\w*)((?:\.\w+)*)(==-?\w+|<-?\d+|&\w+)?$/;
const PATH = /^(\*?)\$(\d+)((?:\.\w+)*)(.*)$/;

/** A function's key for its callers; undefined where it speaks of something of its own. */
export function pathOf(key: string, parameters: ReadonlyMap<string, number>): ParameterPath | undefined {
  const [, star, name, members, rest = ''] = KEY.exec(key) ?? [];
  const index = name === undefined ? undefined : parameters.get(name);
  return index === undefined ? undefined : `${star}$${index}${members}${rest}`;
}

/** Does a path lead through a pointer, so that the caller sees what the callee stores there? */
export const isThroughPointer = (path: ParameterPath): boolean => path.startsWith('*') || path.includes('.');

/** What a path says at a call. */
export function atCall(path: ParameterPath, args: readonly Expression[]): Truthiness {
  const [, star, index, members, rest] = PATH.exec(path) ?? [];
  const argument = index === undefined ? undefined : args[Number(index)];
  if (!argument) return undefined;
  if (star === '' && members === '') return valueWith(argument, rest!);
  const text = pointedTo(argument, star !== '');
  return text === undefined ? undefined : { from: `${text}${members}${rest}`, negated: false };
}

/** What a pointer points to: `x` of `&x`, `p` of `p` where a member follows, `*p` where none does. */
function pointedTo(pointer: Expression, whole: boolean): string | undefined {
  const node = unwrap(pointer);
  if (node.k === 'cast') return pointedTo(node.x, whole);
  if (node.k === 'unary' && node.op === '&') return conditionText(node.x);
  const text = conditionText(node);
  return text !== undefined && whole ? `*${text}` : text;
}

function valueWith(argument: Expression, rest: string): Truthiness {
  const truth = truthOfArgument(argument);
  if (rest === '') return truth;
  if (typeof truth === 'object' && !truth.negated) return { from: `${truth.from}${rest}`, negated: false };
  const text = conditionText(argument);
  return rest.startsWith('==') && text !== undefined ? text === rest.slice(2) : undefined;
}

/** What a call's argument is true by. */
export function truthOfArgument(expression: Expression): Truthiness {
  const node = unwrap(expression);
  const constant = constantOf(node);
  if (constant !== undefined) return constant !== 0;
  if (node.k === 'unary' && node.op === '&') return true;
  if (node.k === 'unary' && node.op === '!') {
    const inner = truthOfArgument(node.x);
    if (typeof inner === 'object') return { from: inner.from, negated: !inner.negated };
    return inner === undefined ? undefined : !inner;
  }
  const text = conditionText(node);
  return text === undefined ? undefined : { from: text, negated: false };
}
