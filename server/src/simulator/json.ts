/** Results of runs as JSON, whatever lies in them: a replacer for JSON.stringify. */

/**
 * 64-bit numbers become `"0x…"`, maps objects (or lists of pairs where a key is an object), sets lists, bytes hexadecimal
 * text; numbers that JSON doesn't have become their names.
 */
export function plainJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint')
    return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) {
    const entries = [...(value as Map<unknown, unknown>)];
    if (entries.some(([key]) => typeof key === 'object' && key !== null)) return entries;
    return Object.fromEntries(entries.map(([key, one]) => [plainKey(key), one]));
  }
  if (value instanceof Set) return [...value];
  if (value instanceof Uint8Array)
    return [...value].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  if (value instanceof Error) return { name: value.name, message: value.message };
  return value;
}

const plainKey = (key: unknown): string =>
  typeof key === 'bigint' ? String(plainJson('', key)) : String(key);
