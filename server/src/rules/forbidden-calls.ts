/** A project's own rule: calls that must not be made while a lock is held. */
import type { FunctionNode } from '../program/model.js';
import { findCallsUnderLock } from './calls-under-lock.js';
import type { ForbiddenCalls } from './project-rules.js';
import type { Rule } from './rule.js';

/** `seamcall*` as a test of whole names. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const expression = new RegExp(`^(${patterns.map((one) => one.replaceAll('*', '\\w*')).join('|')})$`);
  return (name) => expression.test(name);
}

/** `kvm.mmu_lock` as it stands in C. */
const inC = (lock: string) => lock.replace('.', '->');

export function forbiddenCallsRule(row: ForbiddenCalls): Rule {
  const matches = matcher(row.calls);
  const lock = inC(row.under);
  const why = row.why.trim().replace(/\.$/, '');
  return {
    id: row.id,
    summary: `${row.calls.join(', ')} under ${lock}: ${why}`,
    explanation: `**What happens.** ${why}.

**Where it is said.** The project's own rule, \`${row.id}\` in .gmem-lens.yaml: no call of ${row.calls.map((call) => `\`${call}\``).join(', ')} while \`${lock}\` is held.${
      row.mend === undefined ? '' : `\n\n**How it is mended.** ${row.mend}`
    }`,
    locks: [row.under],
    check: (input) =>
      findCallsUnderLock(input, {
        rule: row.id,
        severity: row.severity,
        lock: row.under,
        forbids: ({ calleeName, site }) =>
          site.macro !== undefined && matches(site.macro)
            ? site.macro
            : matches(calleeName)
              ? calleeName
              : undefined,
        isForbidden: (node: FunctionNode) => matches(node.name),
        message: (callee, mode, certainty) =>
          `${callee}() is called while ${lock} is ${certainty === 'always' ? '' : 'sometimes '}held${MODES[mode] ?? ''}: ${why}`,
        holderMessage: (callee, via) =>
          `${via}() leads to ${callee}(), which this project forbids while ${lock} is held, as it is here`,
      }),
  };
}

const MODES: Readonly<Record<string, string>> = { read: ' for read', write: ' for write' };
