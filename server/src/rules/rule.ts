/** What a rule is. Each rule has one file; `all-rules.ts` lists them. */
import type { LockContexts } from '../locks/contexts.js';
import type { LockName } from '../locks/lock-state.js';
import type { Program } from '../program/program.js';
import type { Finding } from './finding.js';
import type { ProjectRules } from './project-rules.js';

export interface RuleInput {
  program: Program;
  /** Of the rules' locks. */
  contexts: LockContexts;
  project: ProjectRules;
}

export interface Rule {
  id: string;
  /** One line for lists. */
  summary: string;
  /** What happens on the machine, where that is said, how it is mended. Markdown. */
  explanation: string;
  /** Locks whose contexts it asks about; it may ask about no others. */
  locks: readonly LockName[];
  check(input: RuleInput): Finding[];
}
