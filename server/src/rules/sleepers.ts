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

/** May an allocation with these flags reclaim? A parameter's name where that decides; undefined where nothing tells. */
export function flagsMaySleep(
  flags: Expression,
  parameters: ReadonlyMap<string, number>,
): boolean | { parameter: number } | undefined {
  switch (flags.k) {
    case 'arg':
    case 'cast':
      return flagsMaySleep(flags.x, parameters);
    case 'id': {
      if (sleeping.has(flags.n)) return true;
      if (atomic.has(flags.n)) return false;
      const parameter = parameters.get(flags.n);
      return parameter === undefined ? undefined : { parameter };
    }
    case 'binary': {
      const left = flagsMaySleep(flags.l, parameters);
      // `GFP_KERNEL & ~__GFP_DIRECT_RECLAIM`
      if (flags.op === '&')
        return flags.r.k === 'unary' && flagsMaySleep(flags.r.x, parameters) === true ? false : left;
      if (flags.op !== '|') return undefined;
      const right = flagsMaySleep(flags.r, parameters);
      if (left === true || right === true) return true;
      return left ?? right;
    }
    default:
      return undefined;
  }
}
