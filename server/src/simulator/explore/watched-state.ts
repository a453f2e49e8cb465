/** Modelled state of which every access is told: maps and sets by their entries, the rest by field. */

/** `key` is absent where all entries are meant. */
export type StateWatch = (field: string, key: unknown, write: boolean) => void;

/** @param unwatched fields that tell nothing: history, and what is watched otherwise */
export function watchedState<T extends object>(
  state: T,
  unwatched: ReadonlySet<string>,
  watch: StateWatch,
): T {
  const seen = new Map<string, { of: unknown; as: unknown }>();
  return new Proxy(state, {
    get(target, field: string) {
      const value = Reflect.get(target, field) as unknown;
      if (unwatched.has(field)) return value;
      const known = seen.get(field);
      if (known && known.of === value) return known.as;
      const as =
        value instanceof Map
          ? watchedMap(value, field, watch)
          : value instanceof Set
            ? watchedSet(value, field, watch)
            : undefined;
      if (as) {
        seen.set(field, { of: value, as });
        return as;
      }
      // A list may be added to by whoever has it.
      watch(field, undefined, Array.isArray(value));
      return value;
    },
    set(target, field: string, value) {
      if (!unwatched.has(field)) watch(field, undefined, true);
      return Reflect.set(target, field, value);
    },
  });
}

function watchedMap(map: Map<unknown, unknown>, field: string, watch: StateWatch): Map<unknown, unknown> {
  const one =
    (write: boolean, name: 'get' | 'has' | 'set' | 'delete') =>
    (key: unknown, ...rest: unknown[]) => {
      watch(field, key, write);
      return (map[name] as (...args: unknown[]) => unknown).call(map, key, ...rest);
    };
  const own: Record<PropertyKey, unknown> = {
    get: one(false, 'get'),
    has: one(false, 'has'),
    set: one(true, 'set'),
    delete: one(true, 'delete'),
  };
  return watchedContainer(map, own, field, watch);
}

function watchedSet(set: Set<unknown>, field: string, watch: StateWatch): Set<unknown> {
  const one = (write: boolean, name: 'has' | 'add' | 'delete') => (key: unknown) => {
    watch(field, key, write);
    return set[name](key);
  };
  return watchedContainer(
    set,
    { has: one(false, 'has'), add: one(true, 'add'), delete: one(true, 'delete') },
    field,
    watch,
  );
}

/** Whatever else is asked of a container is about all of it. */
function watchedContainer<T extends object>(
  container: T,
  own: Record<PropertyKey, unknown>,
  field: string,
  watch: StateWatch,
): T {
  return new Proxy(container, {
    get(target, name) {
      if (name in own) return own[name];
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'constructor') watch(field, undefined, name === 'clear');
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
