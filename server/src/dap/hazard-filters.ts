/** Which hazards stop a run: one exception filter for each kind. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import schema from '../../../grammars/scenario.schema.json' with { type: 'json' };

/** The kinds that a scenario may expect, which are all there are. */
const KINDS: readonly string[] = schema.definitions.hazard.properties.kind.enum;

export const ALL = 'all';

export const FILTERS: DebugProtocol.ExceptionBreakpointsFilter[] = [
  {
    filter: ALL,
    label: 'Hazards',
    description: 'Stop at whatever the kernel does wrong.',
    default: true,
  },
  ...KINDS.map((kind) => ({
    filter: kind,
    label: kind,
    description: `Stop at the hazard ${kind}.`,
    default: false,
  })),
];

export class HazardFilters {
  private chosen: ReadonlySet<string> = new Set([ALL]);

  /** @returns which of them are filters */
  set(filters: readonly string[]): DebugProtocol.Breakpoint[] {
    this.chosen = new Set(filters);
    return filters.map((name) => {
      const isKnown = FILTERS.some(({ filter }) => filter === name);
      return isKnown
        ? { verified: true }
        : { verified: false, message: `There is no hazard ${name}.`, reason: 'failed' };
    });
  }

  stopsAt(kind: string): boolean {
    return this.chosen.has(ALL) || this.chosen.has(kind);
  }
}
