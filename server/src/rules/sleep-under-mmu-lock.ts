/** Calls that may sleep, reachable while `kvm->mmu_lock` is held (mail rows A6 and A7). */
import { type Expression, visitStatement } from '../kernel-c/syntax.js';
import { guardPrimitive } from '../locks/primitives.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import { bodyOf } from '../program/program.js';
import type { Symbols } from '../program/symbols.js';
import { byName, findCallsUnderLock, inWords } from './calls-under-lock.js';
import { hooksOfKind } from './hooks.js';
import type { Rule, RuleInput } from './rule.js';
import { allocators, type FlagNames, flagsMaySleep, sleepers } from './sleepers.js';

/** What a function's allocation calls do with their flags. */
interface Allocations {
  /** `line:column` of calls whose flags let them sleep. */
  sleeping: ReadonlySet<string>;
  /** Parameters that are handed on as GFP flags. */
  handsOn: ReadonlySet<number>;
}

/**
 * Follows GFP flags: a call with a constant that may sleep is a sleeper; a function that hands its parameter on is an
 * allocator itself, until nothing new turns up.
 */
class GfpFlags {
  private readonly known = new Map<string, Allocations>();
  /** Names of functions by the index of the parameter that they allocate with. */
  private readonly sinks = new Map<string, number>(allocators);

  constructor(
    private readonly symbols: Symbols,
    functions: readonly FunctionNode[],
    ofProject: ReadonlyMap<string, number>,
  ) {
    for (const [name, flags] of ofProject) this.sinks.set(name, flags);
    for (let grew = true; grew; ) {
      grew = false;
      for (const node of functions) {
        if (!this.mentionsSink(node)) continue;
        const allocations = this.read(node);
        this.known.set(node.id, allocations);
        for (const parameter of allocations.handsOn) {
          if (this.sinks.has(node.name)) continue;
          this.sinks.set(node.name, parameter);
          grew = true;
        }
      }
    }
  }

  private mentionsSink(node: FunctionNode): boolean {
    for (const name of this.sinks.keys()) if (node.facts.body.includes(`"${name}"`)) return true;
    return false;
  }

  private read(node: FunctionNode): Allocations {
    const body = bodyOf(node);
    const stored = new Map<string, Expression[]>();
    const store = (name: string, value: Expression) => stored.set(name, [...(stored.get(name) ?? []), value]);
    for (const statement of body)
      visitStatement(
        statement,
        (expression) => {
          if (expression.k === 'assign' && expression.l.k === 'id')
            store(expression.l.n, expression.op === '=' ? expression.r : { k: 'other' });
        },
        (inner) => {
          if (inner.k === 'decl' && inner.i) store(inner.n, inner.i);
        },
      );
    const names: FlagNames = {
      parameters: new Map(node.facts.parameters.map((parameter, index) => [parameter.name, index])),
      values: (name) => stored.get(name) ?? [],
      macro: (name) => {
        const macro = this.symbols.macro(name, node.file, node.facts.instance);
        return macro?.facts.parameters === null ? macro.facts.text : undefined;
      },
    };
    const sleeping = new Set<string>();
    const handsOn = new Set<number>();
    for (const statement of body) {
      visitStatement(statement, (expression) => {
        if (expression.k !== 'call' || expression.f.k !== 'id') return;
        const index = this.sinks.get(expression.f.n);
        const flags = index === undefined ? undefined : expression.a[index];
        const verdict = flags && flagsMaySleep(flags, names);
        if (verdict === true)
          sleeping.add(
            `${node.facts.firstLine + Math.floor(expression.p / 1024)}:${(expression.p % 1024) + 1}`,
          );
        else if (typeof verdict === 'object') handsOn.add(verdict.parameter);
      });
    }
    return { sleeping, handsOn };
  }

  sleeps({ caller, site }: CallEdge): boolean {
    return this.known.get(caller.id)?.sleeping.has(`${site.line}:${site.column}`) === true;
  }

  allocates(node: FunctionNode): boolean {
    return this.sinks.has(node.name);
  }
}

/** `guard(mutex)(&lock)` calls the constructor of its class (include/linux/cleanup.h). */
function sleepingGuard({ calleeName }: CallEdge): string | undefined {
  const name = /^class_(\w+)_constructor$/.exec(calleeName)?.[1];
  return name !== undefined && guardPrimitive(name)?.maySleep ? `guard(${name})` : undefined;
}

function check(input: RuleInput) {
  const flags = new GfpFlags(
    input.program.symbols,
    input.contexts.functionsUnder('kvm.mmu_lock'),
    input.project.allocators,
  );
  // RMP and directmap changes sleep too; they have rules of their own that say more.
  const elsewhere = new Set([
    ...hooksOfKind('rmp-update', input.project),
    ...hooksOfKind('directmap', input.project),
  ]);
  const named = byName(new Set([...sleepers, ...input.project.sleepers]));
  return findCallsUnderLock(input, {
    rule: 'sleep-under-mmu-lock',
    severity: 'warning',
    lock: 'kvm.mmu_lock',
    forbids: (edge) =>
      named.forbids(edge) ??
      sleepingGuard(edge) ??
      (flags.sleeps(edge) ? (edge.site.macro ?? edge.calleeName) : undefined),
    isForbidden: (node) => named.isForbidden(node) || flags.allocates(node) || elsewhere.has(node.name),
    message: (callee, mode, certainty) =>
      `${inWords(callee)} may sleep while kvm->mmu_lock is ${certainty === 'always' ? '' : 'sometimes '}held for ${mode}: scheduling while atomic`,
    holderMessage: (callee, via) =>
      `${via}() leads to ${inWords(callee)}, which may sleep, while kvm->mmu_lock is held here`,
  });
}

export const sleepUnderMmuLock: Rule = {
  id: 'sleep-under-mmu-lock',
  summary: 'A call that may sleep while kvm->mmu_lock is held',
  explanation: `**What happens.** \`kvm->mmu_lock\` is a spinning rwlock: whoever holds it runs with preemption off. A mutex, an allocation that may
reclaim, an access to user memory or a wait can give the CPU away: "BUG: scheduling while atomic", and under load a deadlock.

**Where it is said.** Documentation/virt/kvm/locking.rst; M. Roth, linux-mm, May 2023 (rows A6 and A7): reclaim-capable allocation
under kvm->mmu_lock has the same issue as RMP updates.

**How it is mended.** Do it before the lock is taken (top up a memory cache), after it is dropped, or with GFP_ATOMIC or GFP_NOWAIT
and a way to fail. \`cond_resched_rwlock_write(&kvm->mmu_lock)\` drops the lock itself and is fine.`,
  locks: ['kvm.mmu_lock'],
  check,
};
