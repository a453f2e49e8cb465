/** Every rule, and running them. */

import type { LockName } from '../locks/lock-state.js';
import { directmapUnderMmuLock } from './directmap-under-mmu-lock.js';
import { fallocateUnchecked } from './fallocate-unchecked.js';
import type { Finding } from './finding.js';
import { compareFindings } from './finding.js';
import { freeWithoutRmpReset } from './free-without-rmp-reset.js';
import { invalidateUnbalanced } from './invalidate-unbalanced.js';
import { mapWithoutRetryCheck } from './map-without-retry-check.js';
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

/** Locks that some rule asks about. */
export const ruleLocks: readonly LockName[] = [...new Set(allRules.flatMap((rule) => rule.locks))];

/**
 * Findings of the given rules (all when empty), ordered by place.
 * @throws RangeError naming an unknown rule
 */
export function checkRules(input: RuleInput, ids: readonly string[] = []): Finding[] {
  const chosen = ids.length === 0 ? allRules : ids.map((id) => ruleById(id));
  return chosen
    .flatMap((rule) => rule.check(input))
    .filter((finding) => !isSuppressed(input, finding))
    .sort(compareFindings);
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

function ruleById(id: string): Rule {
  const rule = allRules.find((candidate) => candidate.id === id);
  if (!rule)
    throw new RangeError(
      `unknown rule '${id}'; known rules: ${allRules.map((known) => known.id).join(', ')}`,
    );
  return rule;
}
