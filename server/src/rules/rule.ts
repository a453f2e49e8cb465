/** What a rule is. Each rule has one file; `all-rules.ts` lists them. */
import type { LockContexts } from '../locks/contexts.js';
import type { Program } from '../program/program.js';
import type { Finding } from './finding.js';

export interface RuleInput {
  program: Program;
  contexts: LockContexts;
}

export interface Rule {
  id: string;
  /** One line for lists. */
  summary: string;
  /** What happens on the machine, where that is said, how it is mended. Markdown. */
  explanation: string;
  check(input: RuleInput): Finding[];
}
