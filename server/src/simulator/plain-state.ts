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

/** A text that is the same for the same state, whatever order maps and sets were filled in. */
export function textOfState(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  if (value instanceof Map)
    return `{${[...value].map(([key, one]) => `${textOfState(key)}:${textOfState(one)}`).sort()}}`;
  if (value instanceof Set) return `{${[...value].map(textOfState).sort()}}`;
  if (Array.isArray(value)) return `[${value.map(textOfState)}]`;
  const fields = Object.entries(value).filter(([, one]) => one !== undefined);
  return `{${fields.map(([key, one]) => `${key}:${textOfState(one)}`).sort()}}`;
}
