/** What a rule reports. The fields are those of the command line's JSON; lines and columns count from 1. */
import type { PathStep } from '../locks/contexts.js';

export type Severity = 'error' | 'warning' | 'info';

export interface Finding {
  rule: string;
  severity: Severity;
  /** `sometimes`: only some of the known ways to this place hold the lock. */
  certainty: 'always' | 'sometimes';
  message: string;
  file: string;
  line: number;
  column: number;
  function: string;
  lock?: {
    name: string;
    mode: string;
    acquiredAt: { file: string; line: number; function: string };
  };
  /** From the acquisition to the reported call, every step a place to click. */
  path: PathStep[];
}

const SEVERITY_ORDER: readonly Severity[] = ['error', 'warning', 'info'];

export const isAtLeast = (severity: Severity, threshold: Severity): boolean =>
  SEVERITY_ORDER.indexOf(severity) <= SEVERITY_ORDER.indexOf(threshold);

/** By file, then line, then severity: stable for diffs and baselines. */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    (a.file < b.file ? -1 : a.file > b.file ? 1 : 0) ||
    a.line - b.line ||
    a.column - b.column ||
    SEVERITY_ORDER.indexOf(a.severity) - SEVERITY_ORDER.indexOf(b.severity) ||
    a.rule.localeCompare(b.rule)
  );
}
