/** The tables that are kept by pfn, with the events that their changes make. */
import type { RangeChange } from './events.js';
import type { ContentCell, DirectmapCell, PageState, PamtCell, RmpCell } from './state.js';
import { Table, type Tables } from './tables.js';

export interface FrameTables {
  page: Table<PageState>;
  rmp: Table<RmpCell>;
  pamt: Table<PamtCell>;
  directmap: Table<DirectmapCell>;
  content: Table<ContentCell>;
}

export function newFrameTables(tables: Tables): FrameTables {
  const table = <V extends object>(kind: 'rmp' | 'pamt' | 'directmap' | 'content'): Table<V> =>
    new Table<V>(
      tables,
      kind,
      // The kind decides the type of the values, here and in RangeChange.
      (pfn, pages, before, after) => ({ kind, pfn, pages, before, after }) as unknown as RangeChange,
    );
  return {
    page: new Table<PageState>(tables, 'page', (pfn, pages, before, after) => {
      const { bytesAllocated } = tables.journal.counters;
      return { kind: 'page', pfn, pages, before, after, bytesAllocated };
    }),
    rmp: table<RmpCell>('rmp'),
    pamt: table<PamtCell>('pamt'),
    directmap: table<DirectmapCell>('directmap'),
    content: table<ContentCell>('content'),
  };
}
