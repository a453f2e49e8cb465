/** Calls that begin, end, await and check an invalidation: grammars/invalidation.json, where each has its source. */
import table from '../../../grammars/invalidation.json' with { type: 'json' };

export interface InstallRow {
  name: string;
  /** Only a call with the name `is` as this argument installs a mapping. */
  argument?: number;
  is?: string;
  /** Only in a function that calls one of the look-ups itself. */
  direct?: boolean;
}

const namesOf = (rows: readonly { name: string }[]): ReadonlySet<string> =>
  new Set(rows.map((row) => row.name));

export const begins = namesOf(table.begins);
export const ends = namesOf(table.ends);
/** Calls that want `kvm->mmu_lock` held for writing. */
export const underLock = namesOf([...table.begins, ...table.ends].filter((row) => row.underLock));
export const pairWords = table.pairWords as unknown as readonly (readonly [begin: string, end: string])[];
export const lookups = namesOf(table.lookups);
export const checks = namesOf(table.checks);
/** Believed by name only where they have no body. */
export const checkHelpers = namesOf(table.checkHelpers);
export const installs: ReadonlyMap<string, InstallRow> = new Map(
  (table.installs as InstallRow[]).map((row) => [row.name, row]),
);
