/**
 * What a project says of itself in `.gmem-lens.yaml`: its locks, sleepers and hooks, calls that it forbids, and how
 * severe each rule is. The schema is grammars/project-rules.schema.json. No file is read here.
 */
import type { LockPrimitive } from '../locks/primitives.js';
import type { Severity } from './finding.js';
import type { Hook } from './hooks.js';

/** Its name in the root of a tree. */
export const PROJECT_FILE = '.gmem-lens.yaml';

export interface ForbiddenCalls {
  id: string;
  /** Names; `*` stands for any part of one. */
  calls: readonly string[];
  under: string;
  severity: Severity;
  why: string;
  mend: string | undefined;
  /** Where the lock is named in the file, from 1. */
  line: number;
}

export interface ProjectRules {
  /** `off`: the rule isn't run. */
  severities: ReadonlyMap<string, Severity | 'off'>;
  locks: readonly LockPrimitive[];
  sleepers: ReadonlySet<string>;
  /** Names by the index of their GFP argument. */
  allocators: ReadonlyMap<string, number>;
  hooks: readonly Hook[];
  forbidden: readonly ForbiddenCalls[];
}

export const NO_PROJECT_RULES: ProjectRules = {
  severities: new Map(),
  locks: [],
  sleepers: new Set(),
  allocators: new Map(),
  hooks: [],
  forbidden: [],
};

/** What the file says, once it is known to be of the schema's form. */
export interface ProjectDocument {
  rules?: Record<string, Severity | 'off' | false>;
  locks?: {
    name: string;
    op: 'acquire' | 'release' | 'try' | 'yield';
    mode: NonNullable<LockPrimitive['mode']>;
    argument?: number;
    lock?: string;
    result?: 'nonzero-held' | 'zero-held';
  }[];
  sleepers?: string[];
  allocators?: { name: string; flags: number }[];
  hooks?: { name: string; kind: string; role?: string }[];
  forbid?: {
    id: string;
    calls: string[];
    under: string;
    severity?: Severity;
    why: string;
    mend?: string;
  }[];
}

const SLEEPING_MODES: ReadonlySet<string> = new Set(['mutex']);

/** @param lineOf line, from 1, of the lock that a row of `forbid` names */
export function projectRulesOf(
  document: ProjectDocument,
  file: string,
  lineOf: (row: number) => number,
): ProjectRules {
  return {
    severities: new Map(
      Object.entries(document.rules ?? {}).map(([id, severity]) => [
        id,
        severity === false ? 'off' : severity,
      ]),
    ),
    locks: (document.locks ?? []).map(({ name, op, mode, argument, lock, result }) => ({
      name,
      op,
      mode,
      lockArgument: argument ?? null,
      ...(lock !== undefined && { global: lock }),
      ...(op === 'try' && { result: result ?? 'nonzero-held' }),
      maySleep: op === 'yield' || (op !== 'release' && SLEEPING_MODES.has(mode)),
    })),
    sleepers: new Set(document.sleepers),
    allocators: new Map((document.allocators ?? []).map(({ name, flags }) => [name, flags])),
    hooks: (document.hooks ?? []).map(({ name, kind, role = '' }) => ({
      name,
      kind,
      role,
      source: file,
      mailRow: null,
    })),
    forbidden: (document.forbid ?? []).map(({ severity = 'warning', mend, ...row }, index) => ({
      ...row,
      severity,
      mend,
      line: lineOf(index),
    })),
  };
}
