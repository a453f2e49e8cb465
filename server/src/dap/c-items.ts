/** Variables of the C, opened member by member. */
import {
  children as membersOf,
  type Variable,
  variableAt,
  variables,
} from '../simulator/execution/inspect.js';
import type { Frame, Thread } from '../simulator/execution/thread.js';
import { CodeError } from '../simulator/execution/tokens.js';
import { type AggregateType, isScalar, sizeOf } from '../simulator/execution/types.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { peek } from './evaluation.js';
import { elements, type Item, type Items, itemsOf } from './items.js';

/** Carries out an assignment as a move of its own, so that going back and forth keeps it; gives what is there then. */
export type Assign = (expression: string, value: string) => Variable;

const NOWHERE = { file: '', line: 0, column: 0 };

/** Bytes of a watched variable are compared as a number: more don't fit. */
const MOST_WATCHED = 8;

export class CItems {
  constructor(
    private readonly simulation: Simulation,
    private readonly assign: Assign,
  ) {}

  /** Parameters, or the other variables in scope, of a frame. */
  ofFrame(thread: Thread, frame: number, which: 'parameters' | 'locals'): Item[] {
    const { c } = this.simulation;
    const of = thread.frames[frame] as Frame;
    const parameters = new Set(
      of.code.compiled.parameters.map(({ offset }) => BigInt(of.fp + offset) & 0xffffffffn),
    );
    const isParameter = ({ address }: Variable): boolean => parameters.has((address ?? 0n) & 0xffffffffn);
    return peek(this.simulation, () => variables(c, thread, frame))
      .filter((one) => isParameter(one) === (which === 'parameters'))
      .map((one) => this.item(one, one.name));
  }

  /** @param expression C that stands for it; undefined where nothing does */
  item(variable: Variable, expression: string | undefined): Item {
    const { name, type, address, value, ctype } = variable;
    const canAssign = expression !== undefined && address !== undefined && isScalar(ctype);
    const size = sizeIn(variable);
    return {
      name: name === '' ? '<anonymous>' : name,
      value: `${value}${this.meaning(variable)}`,
      type,
      expression,
      children: this.children(variable, expression),
      ...(canAssign && {
        assign: (text: string) => this.item({ ...this.assign(expression, text), name }, expression),
      }),
      ...(address !== undefined &&
        isScalar(ctype) &&
        size <= MOST_WATCHED && {
          watch: { id: `c ${address.toString(16)} ${size} ${expression ?? name}`, what: expression ?? name },
        }),
    };
  }

  /** Which frame a `struct page` is of. */
  private meaning({ ctype, number }: Variable): string {
    if (ctype.k !== 'ptr' || !number) return '';
    const pfn = this.simulation.kernel.state.pfnOfPage.get(number);
    return pfn === undefined ? '' : ` (pfn 0x${pfn.toString(16)})`;
  }

  private children(variable: Variable, expression: string | undefined): Items | undefined {
    const { ctype, address, number } = variable;
    const { c } = this.simulation;
    if (ctype.k === 'array') {
      if (address === undefined || !ctype.length) return undefined;
      const size = BigInt(sizeOf(ctype.of, NOWHERE));
      return elements(ctype.length, (i) => {
        const of = peek(this.simulation, () => variableAt(c, `[${i}]`, ctype.of, address + BigInt(i) * size));
        return this.item(of, expression === undefined ? undefined : `${expression}[${i}]`);
      });
    }
    if (ctype.k === 'agg') {
      if (address === undefined) return undefined;
      return itemsOf(() => this.members(variable, expression, '.'));
    }
    if (ctype.k !== 'ptr' || !number || ctype.to.k === 'void' || ctype.to.k === 'fn') return undefined;
    if (ctype.to.k === 'agg') {
      if (!isComplete(ctype.to)) return undefined;
      return itemsOf(() => this.members(variable, expression, '->'));
    }
    return itemsOf(() => this.members(variable, expression, '*'));
  }

  private members(variable: Variable, expression: string | undefined, by: '.' | '->' | '*'): Item[] {
    const { c } = this.simulation;
    return peek(this.simulation, () => membersOf(c, variable)).map((member) =>
      this.item(member, memberExpression(expression, by, member.name)),
    );
  }
}

function memberExpression(of: string | undefined, by: '.' | '->' | '*', name: string): string | undefined {
  if (of === undefined) return undefined;
  if (by === '*') return `*${inBrackets(of)}`;
  // Members of an anonymous struct are named as if they were its parent's.
  if (name === '') return by === '->' ? `(*${of})` : of;
  return `${inBrackets(of)}${by}${name}`;
}

/** Expressions that a member can't be taken of as they stand. */
const inBrackets = (text: string): string =>
  /^[\w.[\]]+$|^[\w.[\]]+(->[\w.[\]]+)+$/.test(text) ? text : `(${text})`;

/** Pointers to structs that nothing defines have nothing behind them to show. */
function isComplete({ aggregate }: AggregateType): boolean {
  try {
    aggregate.complete(NOWHERE);
    return true;
  } catch (error) {
    if (error instanceof CodeError) return false;
    throw error;
  }
}

function sizeIn({ ctype }: Variable): number {
  return isScalar(ctype) ? sizeOf(ctype, NOWHERE) : Number.POSITIVE_INFINITY;
}
