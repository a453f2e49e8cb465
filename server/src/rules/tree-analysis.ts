/** Program, lock contexts and findings of one tree, each made when first asked for and dropped when the program changes. */
import { LockContexts } from '../locks/contexts.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import { type BodyChange, notingBodies, type Program } from '../program/program.js';
import { checkRules, ruleLocks } from './all-rules.js';
import type { Finding } from './finding.js';
import { NO_PROJECT_RULES, PROJECT_FILE, type ProjectRules } from './project-rules.js';

export class TreeAnalysis {
  private allLocks: LockContexts | undefined;
  private rulesLocks: LockContexts | undefined;
  private found: Finding[] | undefined;
  /** Ids of functions whose bodies some rule has read. */
  private readonly read = new Set<string>();

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
    // A function pointer that took another way may have changed the locks at any call through it.
    if (change && !change.edgesMoved) {
      this.allLocks?.update(change);
      const areLocksSame = this.rulesLocks?.update(change) === true;
      if (!areLocksSame || !this.isBesideFindings(change)) this.found = undefined;
    } else {
      this.found = undefined;
      this.allLocks = undefined;
      this.rulesLocks = undefined;
    }
  }

  /** Would the rules say the same again? Where every changed function calls what it called, and no rule read its body. */
  private isBesideFindings({ functions, removed, facesMoved, linesMoved }: BodyChange): boolean {
    const { found, program, read } = this;
    if (!found || facesMoved || removed.length > 0 || (linesMoved && found.length > 0)) return false;
    return functions.every(
      ({ node, edgesBefore }) =>
        !read.has(node.id) &&
        areSameCalls(edgesBefore, program.callsFrom(node)) &&
        !found.some((finding) => leadsThrough(finding, node)),
    );
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
    const { program, ruleContexts: contexts, project } = this;
    return notingBodies(this.read, () => checkRules({ program, contexts, project }, rules));
  }
}

/** The same calls in the same order, wherever in the function they stand. */
function areSameCalls(before: readonly CallEdge[], after: readonly CallEdge[]): boolean {
  return (
    before.length === after.length &&
    before.every((edge, index) => {
      const other = after[index]!;
      return (
        edge.calleeName === other.calleeName &&
        edge.callee === other.callee &&
        edge.via === other.via &&
        edge.slot === other.slot &&
        edge.site.macro === other.site.macro &&
        edge.certainty === other.certainty
      );
    })
  );
}

const leadsThrough = ({ path, file, function: name }: Finding, node: FunctionNode): boolean =>
  (file === node.file && name === node.name) ||
  path.some((step) => step.file === node.file && step.function === node.name);
