/**
 * The sorted copy-on-write map under the machine's state: `clone()` takes constant time, and a change after it
 * copies only the nodes on its path. The package is CommonJS with a default export, which bundlers, Node and the
 * test runner unwrap differently; this file is the one place that knows.
 */
import * as imported from 'sorted-btree';

type SortedMapClass = typeof imported.default;

const outer: unknown = imported.default;
const SortedMapConstructor = (
  typeof outer === 'function' ? outer : (outer as { default: unknown }).default
) as SortedMapClass;

export type SortedMap<V> = imported.default<number, V>;

export const newSortedMap = <V>(): SortedMap<V> =>
  new SortedMapConstructor<number, V>(undefined, (a, b) => a - b);
