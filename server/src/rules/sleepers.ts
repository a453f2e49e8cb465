/** Calls that may sleep: grammars/sleepers.json, and what the tree's own code adds by passing GFP flags on. */
import table from '../../../grammars/sleepers.json' with { type: 'json' };
import type { Expression } from '../kernel-c/syntax.js';

export const sleepers: ReadonlySet<string> = new Set(table.sleepers.map((row) => row.name));

/** Allocators by name: the index of their GFP argument. */
export const allocators: ReadonlyMap<string, number> = new Map(
  table.allocators.map((row) => [row.name, row.flags]),
);

const sleeping = new Set(table.sleepingFlags);
const atomic = new Set(table.atomicFlags);

/** Names whose value decides: a function's own, and the tree's. */
export interface FlagNames {
  /** Parameters by name. */
  parameters: ReadonlyMap<string, number>;
  /** What the function stores in a variable. */
  values(name: string): readonly Expression[];
  /** Replacement of an object-like macro. */
  macro(name: string): string | undefined;
}

/** Names that stand for each other are followed so far. */
const MAX_STEPS = 4;

/** May an allocation with these flags reclaim? A parameter's index where that decides; undefined where nothing tells. */
export function flagsMaySleep(
  flags: Expression,
  names: FlagNames,
  steps = MAX_STEPS,
): boolean | { parameter: number } | undefined {
  if (steps === 0) return undefined;
  switch (flags.k) {
    case 'arg':
    case 'cast':
      return flagsMaySleep(flags.x, names, steps);
    case 'id': {
      if (sleeping.has(flags.n)) return true;
      if (atomic.has(flags.n)) return false;
      const values = names.values(flags.n);
      const parameter = names.parameters.get(flags.n);
      // Where several are stored, only what all of them say is sure.
      if (values.length > 0) return parameter === undefined ? agreed(values, names, steps - 1) : undefined;
      if (parameter !== undefined) return { parameter };
      return textMaySleep(names.macro(flags.n), names, steps - 1);
    }
    case 'cond':
      return flags.t ? agreed([flags.t, flags.e], names, steps) : undefined;
    case 'binary': {
      const left = flagsMaySleep(flags.l, names, steps);
      // `GFP_KERNEL & ~__GFP_DIRECT_RECLAIM`
      if (flags.op === '&')
        return flags.r.k === 'unary' && flagsMaySleep(flags.r.x, names, steps) === true ? false : left;
      if (flags.op !== '|') return undefined;
      const right = flagsMaySleep(flags.r, names, steps);
      if (left === true || right === true) return true;
      return left ?? right;
    }
    default:
      return undefined;
  }
}

function agreed(
  values: readonly Expression[],
  names: FlagNames,
  steps: number,
): boolean | { parameter: number } | undefined {
  const [first, ...others] = values.map((value) => flagsMaySleep(value, names, steps));
  return typeof first === 'boolean' && others.every((other) => other === first) ? first : undefined;
}

/** Of a macro's text, a union of names: `(GFP_KERNEL | __GFP_ZERO)`. */
function textMaySleep(text: string | undefined, names: FlagNames, steps: number): boolean | undefined {
  if (text === undefined || !/^[\s()\w|]+$/.test(text)) return undefined;
  const said = (text.match(/[A-Za-z_]\w*/g) ?? []).map((name) =>
    flagsMaySleep({ k: 'id', n: name }, { ...names, parameters: new Map(), values: () => [] }, steps),
  );
  return said.includes(true) ? true : said.includes(false) ? false : undefined;
}
