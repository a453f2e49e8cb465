/** What a run gives back. docs: CLI.md's `run`; the fields named there never change meaning. */
import type { MachineEvent } from '../machine/events.js';

export interface CallPlace {
  function: string;
  file: string;
  line: number;
}

export interface RunHazard {
  kind: string;
  message: string;
  /** Row of the mails. */
  row?: string;
  /** Whom it takes down, where the machine knows. */
  effect?: string;
  actor: string;
  file?: string;
  line?: number;
  function?: string;
  pfn?: number;
  gfn?: number;
  lock?: { name: string; mode: string; acquiredAt: { file: string; line: number; function: string } };
  /** The C that led there, outermost call first. */
  path: CallPlace[];
}

export interface CheckedExpectation {
  what: string;
  expected: string;
  actual: string;
  ok: boolean;
  /** What the scenario says of its actors: their actions' results, their turns. */
  of?: 'actors';
  /** Where the scenario says so. */
  at?: { file: string; line: number };
}

/** What happened, in order. Lines are where the C was at that moment. */
export type StoryEntry = { step: number; actor: string; depth: number; at?: CallPlace } & (
  | { kind: 'action'; text: string; line: number }
  | { kind: 'result'; text: string }
  | { kind: 'enter'; function: string; file: string }
  | { kind: 'leave'; function: string }
  | { kind: 'lock'; change: '+' | '-'; name: string; mode: string }
  | { kind: 'log'; text: string }
  | { kind: 'machine'; event: MachineEvent }
  | { kind: 'step' }
  | { kind: 'hazard'; hazard: RunHazard }
);

export type Outcome = 'ok' | 'violation' | 'error';

export interface RunResult {
  scenario: string;
  file: string;
  variant?: string;
  design: string;
  rows: string[];
  outcome: Outcome;
  /** Whether all came out as the scenario says. */
  passed: boolean;
  /** Why it is an error. */
  message?: string;
  hazards: RunHazard[];
  expectations: CheckedExpectation[];
  steps: number;
  coverage: {
    /** Executed lines of each C file. */
    treeLines: Record<string, number[]>;
    /** Modelled functions that were called, with what they rest on. */
    modelled: { name: string; source: string }[];
    unmodelled: { name: string; file: string; line: number; count: number }[];
  };
  counters: Record<string, number>;
  story: StoryEntry[];
}
