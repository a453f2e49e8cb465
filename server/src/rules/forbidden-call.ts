/** The common part of rules of the form "this must not be called while that lock is held". */
import { witnessSteps, type LockContext, type Witness } from '../locks/contexts.js';
import type { LockName } from '../locks/lock-state.js';
import type { CallEdge } from '../program/model.js';
import type { Finding, Severity } from './finding.js';
import type { RuleInput } from './rule.js';

export interface ForbiddenCall {
  rule: string;
  severity: Severity;
  lock: LockName;
  /** Names of the functions that must not be called. Calls inside of them are their own affair. */
  functions: ReadonlySet<string>;
  message(callee: string, mode: string, certainty: 'always' | 'sometimes'): string;
  /** Said at the call in the function that took the lock: that is where it is mended. */
  holderMessage(callee: string, via: string): string;
}

const MAX_HOLDERS = 20;

function lockOf(witness: Witness, lock: LockName): NonNullable<Finding['lock']> {
  const first = witnessSteps(witness, lock)[0]!;
  return { name: lock, mode: witness.acquisition.mode, acquiredAt: { file: first.file, line: first.line, function: first.function } };
}

function findingAt(edge: CallEdge, rule: ForbiddenCall, witness: Witness, held: readonly LockContext[]): Finding {
  const certainty = held.every((context) => context.when === 'always') ? 'always' : 'sometimes';
  return {
    rule: rule.rule,
    severity: rule.severity,
    certainty,
    message: rule.message(edge.calleeName, witness.acquisition.mode, certainty),
    file: edge.caller.file,
    line: edge.site.line,
    column: edge.site.column,
    function: edge.caller.name,
    lock: lockOf(witness, rule.lock),
    path: witnessSteps(witness, rule.lock),
  };
}

/** Every call of a forbidden function under the lock, and the lock holders' own calls that lead there. */
export function findForbiddenCalls({ program, contexts }: RuleInput, rule: ForbiddenCall): Finding[] {
  const findings = new Map<string, Finding>();
  for (const name of rule.functions) {
    const definitions = program.symbols.functionsByName.get(name) ?? [];
    const edges = new Set([...definitions.flatMap((node) => program.callsTo(node)), ...program.callsToName(name)]);
    for (const edge of edges) {
      if (rule.functions.has(edge.caller.name) || edge.caller.facts.truth === 'false') continue;
      const witness = contexts.witnessAt(edge, rule.lock);
      if (!witness) continue;
      const held = contexts.atCall(edge, rule.lock);
      const key = `${edge.caller.id}:${edge.site.line}:${edge.site.column}`;
      if (!findings.has(key)) findings.set(key, findingAt(edge, rule, witness, held));
      for (const holder of contexts.holdersAbove(edge, rule.lock, MAX_HOLDERS)) {
        const holderKey = `${holder.caller.id}:${holder.site.line}:${holder.site.column}`;
        if (holder === edge || findings.has(holderKey)) continue;
        const own = contexts.witnessAt(holder, rule.lock);
        if (!own) continue;
        findings.set(holderKey, {
          ...findingAt(holder, rule, own, contexts.atCall(holder, rule.lock)),
          severity: 'info',
          message: rule.holderMessage(edge.calleeName, holder.calleeName),
        });
      }
    }
  }
  return [...findings.values()];
}
