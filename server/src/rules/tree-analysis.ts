/** Program, lock contexts and findings of one tree, each made when first asked for and dropped when the program changes. */
import { LockContexts } from '../locks/contexts.js';
import type { Program } from '../program/program.js';
import { checkRules, ruleLocks } from './all-rules.js';
import type { Finding } from './finding.js';
import { NO_PROJECT_RULES, PROJECT_FILE, type ProjectRules } from './project-rules.js';

export class TreeAnalysis {
  private allLocks: LockContexts | undefined;
  private rulesLocks: LockContexts | undefined;
  private found: Finding[] | undefined;

  /** @param project what the tree's own `.gmem-lens.yaml` says; its locks are to be in use already */
  constructor(
    readonly program: Program,
    readonly project: ProjectRules = NO_PROJECT_RULES,
  ) {}

  /** To be called after a file of the program changed. */
  refresh(): void {
    const change = this.program.takeChanges();
    // A comment typed, a blank: nothing that a finding could rest on.
    if (
      change &&
      change.functions.length === 0 &&
      change.removed.length === 0 &&
      !change.edgesMoved &&
      !change.linesMoved
    )
      return;
    this.found = undefined;
    // A function pointer that took another way may have changed the locks at any call through it.
    if (change && !change.edgesMoved) {
      this.allLocks?.update(change);
      this.rulesLocks?.update(change);
    } else {
      this.allLocks = undefined;
      this.rulesLocks = undefined;
    }
  }

  /** Contexts of every lock. */
  get contexts(): LockContexts {
    if (!this.allLocks) {
      this.settle();
      this.allLocks = new LockContexts(this.program);
    }
    return this.allLocks;
  }

  /** Contexts of the locks that rules ask about, several times as fast as those of every lock. */
  get ruleContexts(): LockContexts {
    if (!this.rulesLocks) {
      this.settle();
      this.rulesLocks = new LockContexts(this.program, ruleLocks(this.project));
    }
    return this.rulesLocks;
  }

  /** Contexts are made of the program as it is: what changed before the first of them is no news to it. */
  private settle(): void {
    if (!this.allLocks && !this.rulesLocks) this.program.takeChanges();
  }

  /** Findings of all rules. */
  get findings(): readonly Finding[] {
    this.found ??= this.run([]);
    return this.found;
  }

  /** @throws RangeError naming an unknown rule */
  check(rules: readonly string[]): readonly Finding[] {
    return rules.length === 0 ? this.findings : this.run(rules);
  }

  /** What the project's own rules ask for that this tree doesn't have: a rule under a misspelt lock finds nothing, for ever. */
  get projectNotes(): { file: string; line: number; message: string }[] {
    return this.project.forbidden
      .filter(({ under }) => this.ruleContexts.functionsUnder(under).length === 0)
      .map(({ id, under, line }) => ({
        file: PROJECT_FILE,
        line,
        message: `${id}: nothing in the scope is called under ${under}; 'gmem-lens locks' shows how locks are named`,
      }));
  }

  private run(rules: readonly string[]): Finding[] {
    return checkRules({ program: this.program, contexts: this.ruleContexts, project: this.project }, rules);
  }
}
