/** Every rule, and running them. */

import type { LockName } from '../locks/lock-state.js';
import { directmapUnderMmuLock } from './directmap-under-mmu-lock.js';
import { fallocateUnchecked } from './fallocate-unchecked.js';
import type { Finding, Severity } from './finding.js';
import { compareFindings } from './finding.js';
import { forbiddenCallsRule } from './forbidden-calls.js';
import { freeWithoutRmpReset } from './free-without-rmp-reset.js';
import { invalidateUnbalanced } from './invalidate-unbalanced.js';
import { mapWithoutRetryCheck } from './map-without-retry-check.js';
import type { ProjectRules } from './project-rules.js';
import { rmpInAttributeChange } from './rmp-in-attribute-change.js';
import { rmpUnderMmuLock } from './rmp-under-mmu-lock.js';
import type { Rule, RuleInput } from './rule.js';
import { sleepUnderMmuLock } from './sleep-under-mmu-lock.js';

export const allRules: readonly Rule[] = [
  rmpUnderMmuLock,
  directmapUnderMmuLock,
  sleepUnderMmuLock,
  rmpInAttributeChange,
  freeWithoutRmpReset,
  invalidateUnbalanced,
  mapWithoutRetryCheck,
  fallocateUnchecked,
];

/** The tool's own rules and the project's, in that order. */
export const rulesOf = (project: ProjectRules): readonly Rule[] => [
  ...allRules,
  ...project.forbidden.map(forbiddenCallsRule),
];

/** Locks that some rule asks about. */
export const ruleLocks = (project: ProjectRules): readonly LockName[] => [
  ...new Set(rulesOf(project).flatMap((rule) => rule.locks)),
];

/**
 * Findings of the given rules (all that aren't off when empty), ordered by place.
 * @throws RangeError naming an unknown rule
 */
export function checkRules(input: RuleInput, ids: readonly string[] = []): Finding[] {
  const { severities } = input.project;
  const chosen =
    ids.length === 0
      ? rulesOf(input.project).filter(({ id }) => severities.get(id) !== 'off')
      : ids.map((id) => ruleById(id, input.project));
  return chosen
    .flatMap((rule) => rule.check(input))
    .filter((finding) => !isSuppressed(input, finding))
    .map((finding) => withSeverity(finding, severities.get(finding.rule)))
    .sort(compareFindings);
}

/** What is information beside a finding stays that, whatever the finding's severity is. */
function withSeverity(finding: Finding, severity: Severity | 'off' | undefined): Finding {
  if (severity === undefined || severity === 'off' || finding.severity === 'info') return finding;
  return { ...finding, severity };
}

/** Does a comment on the line, or on the one above it, take the finding back? */
function isSuppressed({ program }: RuleInput, { file, line, rule }: Finding): boolean {
  return (
    program
      .file(file)
      ?.suppressions.some(
        (one) => (one.line === line || one.line === line - 1) && one.rules.includes(rule),
      ) === true
  );
}

/** @throws RangeError naming an unknown rule */
export function ruleById(id: string, project: ProjectRules): Rule {
  const rules = rulesOf(project);
  const rule = rules.find((candidate) => candidate.id === id);
  if (!rule)
    throw new RangeError(`unknown rule '${id}'; known rules: ${rules.map((known) => known.id).join(', ')}`);
  return rule;
}
