/** Program, lock contexts and findings of one tree, each made when first asked for and dropped when the program changes. */
import { LockContexts } from '../locks/contexts.js';
import type { Program } from '../program/program.js';
import { checkRules } from './all-rules.js';
import type { Finding } from './finding.js';

export class TreeAnalysis {
  private lockContexts: LockContexts | undefined;
  private found: Finding[] | undefined;

  constructor(readonly program: Program) {}

  /** To be called after a file of the program changed. */
  refresh(): void {
    this.found = undefined;
    const change = this.program.takeChanges();
    // A function pointer that took another way may have changed the locks at any call through it.
    if (change && !change.edgesMoved) this.lockContexts?.update(change);
    else this.lockContexts = undefined;
  }

  get contexts(): LockContexts {
    if (!this.lockContexts) {
      this.program.takeChanges();
      this.lockContexts = new LockContexts(this.program);
    }
    return this.lockContexts;
  }

  /** Findings of all rules. */
  get findings(): readonly Finding[] {
    this.found ??= checkRules({ program: this.program, contexts: this.contexts });
    return this.found;
  }

  /** @throws RangeError naming an unknown rule */
  check(rules: readonly string[]): readonly Finding[] {
    return rules.length === 0
      ? this.findings
      : checkRules({ program: this.program, contexts: this.contexts }, rules);
  }
}
