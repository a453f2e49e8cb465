/**
 * What a transition has touched, and whether two transitions depend on each other: only then does their order matter.
 * A place is a text: four bytes of C memory, a frame in a table of the machine, an entry of a modelled map, a lock.
 */

/** How a place was touched; bits, because one transition may do several. */
export const Touch = {
  read: 1,
  write: 2,
  /** Of a block of frames: one of them, or many at once. */
  oneRead: 4,
  oneWrite: 8,
  manyRead: 16,
  manyWrite: 32,
  /** Locks. */
  takeWrite: 64,
  takeRead: 128,
  giveWrite: 256,
  giveRead: 512,
  /** Free memory. Two allocations commute but for the numbers of their frames, which mean nothing. */
  allocate: 1024,
  free: 2048,
} as const;

export type Place = number;
export type Footprint = ReadonlyMap<Place, number>;

const T = Touch;
/** Giving locks back. */
export const GIVES = T.giveWrite | T.giveRead;
const PAIRS: readonly (readonly [number, number])[] = [
  [T.write, T.read | T.write],
  [T.manyWrite, T.oneRead | T.oneWrite | T.manyRead | T.manyWrite],
  [T.manyRead, T.oneWrite],
  [T.takeWrite, T.takeWrite | T.takeRead | T.giveWrite | T.giveRead],
  [T.giveWrite, T.takeRead | T.giveWrite],
  [T.allocate, T.free],
];

/** What conflicts with each single bit. */
const AGAINST: readonly number[] = Array.from({ length: 12 }, (_, bit) =>
  PAIRS.reduce((all, [a, b]) => all | (a & (1 << bit) ? b : 0) | (b & (1 << bit) ? a : 0), 0),
);

function against(touch: number): number {
  let all = 0;
  for (let bit = 0; bit < AGAINST.length; bit++) if (touch & (1 << bit)) all |= AGAINST[bit]!;
  return all;
}

export const touchesConflict = (a: number, b: number): boolean => (against(a) & b) !== 0;
