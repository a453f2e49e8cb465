/** The common part of rules of the form "this must not be called while that lock is held". */
import { type LockContext, type Witness, witnessSteps } from '../locks/contexts.js';
import type { LockName } from '../locks/lock-state.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Finding, Severity } from './finding.js';
import type { RuleInput } from './rule.js';

export interface CallsUnderLock {
  rule: string;
  severity: Severity;
  lock: LockName;
  /** Is a call of this edge forbidden? Then the name to call it by in the message. */
  forbids(edge: CallEdge): string | undefined;
  /** Functions that are forbidden themselves: what they call is their own affair. */
  isForbidden(node: FunctionNode): boolean;
  message(callee: string, mode: string, certainty: 'always' | 'sometimes'): string;
  /** Said at the call in the function that took the lock: that is where it is mended. */
  holderMessage(callee: string, via: string): string;
}

/** A callee as text has it: `guard(mutex)` has its brackets. */
export const inWords = (callee: string): string => (callee.endsWith(')') ? callee : `${callee}()`);

const MAX_HOLDERS = 20;

function lockOf(witness: Witness, lock: LockName): NonNullable<Finding['lock']> {
  const first = witnessSteps(witness, lock)[0]!;
  return {
    name: lock,
    mode: witness.acquisition.mode,
    acquiredAt: { file: first.file, line: first.line, function: first.function },
  };
}

function findingAt(
  edge: CallEdge,
  callee: string,
  rule: CallsUnderLock,
  witness: Witness,
  held: readonly LockContext[],
): Finding {
  const certainty = held.every((context) => context.when === 'always') ? 'always' : 'sometimes';
  const path = witnessSteps(witness, rule.lock);
  const last = path[path.length - 1]!;
  last.text = `calls ${inWords(callee)}${edge.slot ? ` through ${edge.slot}` : ''}`;
  return {
    rule: rule.rule,
    severity: rule.severity,
    certainty,
    message: rule.message(callee, witness.acquisition.mode, certainty),
    file: edge.caller.file,
    line: edge.site.line,
    column: edge.site.column,
    function: edge.caller.name,
    lock: lockOf(witness, rule.lock),
    path,
  };
}

const keyOf = (edge: CallEdge) => `${edge.caller.id}:${edge.site.line}:${edge.site.column}`;

/** Every forbidden call under the lock, and the lock holders' own calls that lead there. */
export function findCallsUnderLock({ program, contexts }: RuleInput, rule: CallsUnderLock): Finding[] {
  const findings = new Map<string, Finding>();
  // What lies behind a forbidden call follows from it: one mistake, one finding.
  const isForbidden = (node: FunctionNode) => rule.isForbidden(node);
  const found: { edge: CallEdge; callee: string }[] = [];
  for (const node of contexts.functionsUnder(rule.lock)) {
    if (rule.isForbidden(node) || program.symbols.truthOf(node) === 'false') continue;
    for (const edge of program.callsFrom(node)) {
      const callee = rule.forbids(edge);
      if (callee === undefined || findings.has(keyOf(edge))) continue;
      const witness = contexts.feasibleWitness(edge, rule.lock, isForbidden);
      if (!witness) continue;
      findings.set(keyOf(edge), findingAt(edge, callee, rule, witness, contexts.atCall(edge, rule.lock)));
      found.push({ edge, callee });
    }
  }
  for (const { edge, callee } of found) {
    for (const holder of contexts.holdersAbove(edge, rule.lock, MAX_HOLDERS)) {
      if (findings.has(keyOf(holder)) || !contexts.feasibleWitness(edge, rule.lock, isForbidden, holder))
        continue;
      const witness = contexts.witnessAt(holder, rule.lock);
      if (!witness) continue;
      findings.set(keyOf(holder), {
        ...findingAt(holder, holder.calleeName, rule, witness, contexts.atCall(holder, rule.lock)),
        severity: 'info',
        message: rule.holderMessage(callee, holder.calleeName),
      });
    }
  }
  return [...findings.values()];
}

/** A rule's `forbids` and `isForbidden` for a set of names. */
export function byName(names: ReadonlySet<string>): Pick<CallsUnderLock, 'forbids' | 'isForbidden'> {
  return {
    // What is written comes first: a reader looks for mutex_lock(), not for what the macro makes of it.
    forbids: ({ calleeName, site }) =>
      site.macro !== undefined && names.has(site.macro)
        ? site.macro
        : names.has(calleeName)
          ? calleeName
          : undefined,
    isForbidden: (node) => names.has(node.name),
  };
}
