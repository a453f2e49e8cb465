/**
 * State as plain data: what has to survive a save lies in fields that are numbers, texts, maps, sets, lists or flat objects.
 * The values in maps and lists are replaced, never changed in place, so that a copy of the containers is a copy of the state.
 */

type Container = ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | readonly unknown[] | object;

const copyOfContainer = (value: Container): Container => {
  if (value instanceof Map) return new Map(value);
  if (value instanceof Set) return new Set(value);
  if (Array.isArray(value)) return value.slice();
  return { ...value };
};

/** A copy with containers of its own; what is in them is shared. */
export function copyState<T extends object>(state: T): T {
  const copy: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(state))
    copy[key] = typeof value === 'object' && value !== null ? copyOfContainer(value) : value;
  return copy as T;
}

/** Two numbers of 32 bits, the same for the same state, whatever order its maps and sets were filled in. */
export interface StateHash {
  readonly low: number;
  readonly high: number;
}

/** What lies in containers is never changed in place, so its hash stays. */
const known = new WeakMap<object, StateHash>();

/** @param state an object as `copyState` takes it, or a list of them and of plain values */
export function hashOfState(state: object): StateHash {
  return hashOfFields(state, (value) =>
    typeof value === 'object' && value !== null ? hashOfContainer(value) : hashOf(value),
  );
}

function hashOfContainer(value: object): StateHash {
  if (value instanceof Map || value instanceof Set) {
    // A sum: entries have no order.
    let low = value.size;
    let high = ~value.size;
    for (const [key, one] of value.entries()) {
      const entry = mixed(hashOf(key), value instanceof Map ? hashOf(one) : NOTHING);
      low = (low + entry.low) | 0;
      high = (high + entry.high) | 0;
    }
    return { low, high };
  }
  if (Array.isArray(value)) return value.reduce<StateHash>((sum, one) => mixed(sum, hashOf(one)), NOTHING);
  return hashOfFields(value, hashOf);
}

function hashOf(value: unknown): StateHash {
  if (typeof value === 'object' && value !== null) {
    let hash = known.get(value);
    if (!hash) known.set(value, (hash = hashOfContainer(value)));
    return hash;
  }
  if (typeof value === 'bigint')
    return mixed(
      { low: Number(BigInt.asIntN(32, value)), high: Number(BigInt.asIntN(32, value >> 32n)) },
      { low: 0x51ed270b, high: value < 0n ? 1 : 0 },
    );
  if (typeof value === 'number' && Number.isSafeInteger(value))
    return mixed({ low: value | 0, high: Math.floor(value / 2 ** 32) }, { low: 0x1b873593, high: 2 });
  return hashOfText(typeof value === 'string' ? `'${value}` : String(value));
}

function hashOfFields(value: object, hashOne: (value: unknown) => StateHash): StateHash {
  let low = 0;
  let high = 0;
  for (const [name, one] of Object.entries(value)) {
    if (one === undefined) continue;
    const field = mixed(hashOfText(name), hashOne(one));
    low = (low + field.low) | 0;
    high = (high + field.high) | 0;
  }
  return { low, high };
}

const NOTHING: StateHash = { low: 0x2545f491, high: 0x4f6cdd1d };

function hashOfText(text: string): StateHash {
  let { low, high } = NOTHING;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 0x9e3779b1);
    high = Math.imul(high ^ code, 0x5f356495);
  }
  return { low: scattered(low), high: scattered(high) };
}

const mixed = (a: StateHash, b: StateHash): StateHash => ({
  low: scattered(Math.imul(a.low, 0x27d4eb2f) ^ b.low),
  high: scattered(Math.imul(a.high, 0x165667b1) ^ b.high ^ (b.low >>> 7)),
});

/** The finaliser of MurmurHash3: every bit changes with every other. */
function scattered(lane: number): number {
  let x = lane;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
