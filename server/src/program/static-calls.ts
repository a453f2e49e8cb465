/**
 * Which member a static call stands for, read from the tree's own macros:
 * `#define KVM_X86_OP(func) static_call_update(kvm_x86_##func, kvm_x86_ops.func)` says that the key
 * `kvm_x86_<x>` calls what is in `kvm_x86_ops.<x>`, for every x.
 */
import { type Expression, visitStatement } from '../kernel-c/syntax.js';
import { macroBody, unwrap } from './expansion.js';
import { STATIC_CALL_SETTERS } from './known-macros.js';
import type { MacroEntry } from './model.js';
import type { Symbols } from './symbols.js';
import { TypeScope } from './types.js';

export interface StaticCallRule {
  /** What the key begins with. */
  prefix: string;
  /** The aggregate whose member of the rest's name is called. */
  owner: string;
}

function memberNamed(expression: Expression, name: string): { o: Expression } | undefined {
  let found: { o: Expression } | undefined;
  visitStatement({ k: 'expr', x: expression, p: 0 }, (node) => {
    if (node.k === 'field' && node.n === name) found ??= node;
  });
  return found;
}

function rulesOf(symbols: Symbols, macro: MacroEntry): StaticCallRule[] {
  const rules: StaticCallRule[] = [];
  const types = new TypeScope(symbols, new Map(), macro.file);
  for (const statement of macroBody(macro)) {
    visitStatement(statement, (node) => {
      const callee = node.k === 'call' ? unwrap(node.f) : undefined;
      if (node.k !== 'call' || callee?.k !== 'id' || !STATIC_CALL_SETTERS.has(callee.n)) return;
      const key = node.a[0] && unwrap(node.a[0]);
      const value = node.a[1];
      const parts = key?.k === 'id' ? key.n.split('$$') : [];
      if (parts.length !== 2 || !value || !macro.facts.parameters?.includes(parts[1]!)) return;
      const member = memberNamed(value, parts[1]!);
      const owner = member && types.ownerOf(member.o);
      if (owner !== undefined)
        rules.push({ prefix: parts[0]!, owner: owner.replace(/^(struct|union) /, '') });
    });
  }
  return rules;
}

/** All rules that the tree's macros state, longest prefix first. */
export function staticCallRules(symbols: Symbols): StaticCallRule[] {
  const rules = new Map<string, StaticCallRule>();
  for (const entries of symbols.macros.values()) {
    for (const macro of entries) {
      const { text, parameters } = macro.facts;
      if (parameters === null || (!text.includes('static_call') && !text.includes('STATIC_CALL'))) continue;
      for (const rule of rulesOf(symbols, macro)) rules.set(`${rule.prefix} ${rule.owner}`, rule);
    }
  }
  return [...rules.values()].sort((a, b) => b.prefix.length - a.prefix.length);
}
