/**
 * The machine's state: named extent maps, snapshotted, hashed and compared together. Parts of the machine write
 * through `write`, so that every change becomes events.
 */
import { digestOf, EMPTY_DIGEST, hex, plus } from './digest.js';
import type { RangeChange } from './events.js';
import { ExtentMap, type ExtentMapSnapshot, type Run } from './extent-map.js';
import type { Journal } from './journal.js';
import { keyOfFields } from './state.js';

export type TablesSnapshot = ReadonlyMap<string, ExtentMapSnapshot<object>>;

/** An access to some frames of a table; `Infinity`: to all of it. */
export type TableWatch = (name: string, start: number, count: number, write: boolean) => void;

export class Tables {
  private readonly maps = new Map<string, ExtentMap<object>>();
  private watch: TableWatch | undefined;

  constructor(readonly journal: Journal) {}

  /** Tells of every access to a table from now on. */
  watchAll(watch: TableWatch | undefined): void {
    this.watch = watch;
    for (const [name, map] of this.maps) this.watchOne(name, map);
  }

  private watchOne(name: string, map: ExtentMap<object>): void {
    const { watch } = this;
    map.watch = watch && ((start, count, write) => watch(name, start, count, write));
  }

  /** The map of that name, empty where there is none yet. */
  table<V extends object>(name: string): ExtentMap<V> {
    let map = this.maps.get(name);
    if (!map) {
      map = new ExtentMap<object>(keyOfFields);
      this.maps.set(name, map);
      this.watchOne(name, map);
    }
    // One name is only ever used with one type of value: `Table` below pairs them.
    return map as unknown as ExtentMap<V>;
  }

  snapshot(): TablesSnapshot {
    const saved = new Map<string, ExtentMapSnapshot<object>>();
    for (const [name, map] of this.maps) if (map.size > 0) saved.set(name, map.snapshot());
    return saved;
  }

  restore(snapshot: TablesSnapshot): void {
    const empty = new ExtentMap<object>(keyOfFields).snapshot();
    for (const [name, map] of this.maps) {
      if (!snapshot.has(name)) map.restore(empty);
    }
    for (const [name, saved] of snapshot) this.table(name).restore(saved);
  }

  /** Sum over the tables; empty ones don't count. */
  digest(): { low: number; high: number } {
    let sum = EMPTY_DIGEST;
    for (const [name, map] of this.maps) {
      if (map.size > 0) sum = plus(sum, digestOf(`${name}=${hex(map.digest)}`));
    }
    return sum;
  }

  /** Name → extents, for comparison and for reading. */
  contents(): Record<string, { start: number; count: number; value: object }[]> {
    const names = [...this.maps.keys()].filter((name) => this.table(name).size > 0).sort();
    return Object.fromEntries(names.map((name) => [name, [...this.table(name).extents()]]));
  }
}

/** One table with the event that its changes make. */
export class Table<V extends object> {
  constructor(
    private readonly tables: Tables,
    readonly name: string,
    private readonly event: (
      start: number,
      pages: number,
      before: V | undefined,
      after: V | undefined,
    ) => RangeChange,
  ) {}

  get map(): ExtentMap<V> {
    return this.tables.table<V>(this.name);
  }

  get(at: number): V | undefined {
    return this.map.get(at);
  }

  runs(start: number, pages: number): Run<V>[] {
    return this.map.runs(start, pages);
  }

  /** Returns the runs that changed, with their values before. */
  write(start: number, pages: number, value: V | undefined): Run<V>[] {
    const changed = this.map.set(start, pages, value);
    for (const run of changed) this.tables.journal.record(this.event(run.start, run.count, run.value, value));
    return changed;
  }
}
