/** Calls that may sleep, reachable while `kvm->mmu_lock` is held (mail rows A6 and A7). */
import {
  columnOf,
  type Expression,
  lineOffsetOf,
  type Statement,
  visitStatement,
} from '../kernel-c/syntax.js';
import { guardPrimitive } from '../locks/primitives.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import { bodyOf, bodyText } from '../program/program.js';
import type { Symbols } from '../program/symbols.js';
import { byName, findCallsUnderLock, inWords } from './calls-under-lock.js';
import { hooksOfKind } from './hooks.js';
import type { Rule, RuleInput } from './rule.js';
import { allocators, type FlagNames, flagsMaySleep, sleepers } from './sleepers.js';

/** A call with an argument that says something as GFP flags. */
interface FlagsGiven {
  callee: string;
  argument: number;
  /** `line:column` of the call, the line counted from the function's first. */
  place: string;
  verdict: boolean | { parameter: number };
}

/** Function bodies that stay are read once; edits replace the facts of a function, or of macros all symbols. */
const flagsGiven = new WeakMap<Symbols, WeakMap<FunctionNode['facts'], readonly FlagsGiven[]>>();

function flagsGivenIn(symbols: Symbols, node: FunctionNode): readonly FlagsGiven[] {
  const { facts } = node;
  let known = flagsGiven.get(symbols);
  if (!known) flagsGiven.set(symbols, (known = new WeakMap()));
  let given = known.get(facts);
  if (!given) {
    const mayTell = bodyText(node).includes('GFP') || facts.parameters.some(({ type }) => type === 'gfp_t');
    given = mayTell ? readFlags(symbols, node) : [];
    known.set(facts, given);
  }
  return given;
}

function readFlags(symbols: Symbols, node: FunctionNode): FlagsGiven[] {
  const body = bodyOf(node);
  const stored = storedIn(body);
  const names: FlagNames = {
    parameters: new Map(node.facts.parameters.map((parameter, index) => [parameter.name, index])),
    values: (name) => stored.get(name) ?? [],
    macro: (name) => {
      const macro = symbols.macro(name, node.file, node.facts.instance);
      return macro?.facts.parameters === null ? macro.facts.text : undefined;
    },
  };
  const given: FlagsGiven[] = [];
  for (const statement of body) {
    visitStatement(statement, (expression) => {
      if (expression.k !== 'call' || expression.f.k !== 'id') return;
      const callee = expression.f.n;
      const place = `${lineOffsetOf(expression.p)}:${columnOf(expression.p) + 1}`;
      expression.a.forEach((flags, argument) => {
        const verdict = flagsMaySleep(flags, names);
        if (verdict !== undefined) given.push({ callee, argument, place, verdict });
      });
    });
  }
  return given;
}

/** What a function stores in its variables. */
function storedIn(body: readonly Statement[]): ReadonlyMap<string, readonly Expression[]> {
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
  return stored;
}

/**
 * Follows GFP flags: a call with a constant that may sleep is a sleeper; a function that hands its parameter on is an
 * allocator itself, until nothing new turns up.
 */
class GfpFlags {
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
        if (this.sinks.has(node.name)) continue;
        for (const { callee, argument, verdict } of flagsGivenIn(symbols, node)) {
          if (typeof verdict !== 'object' || this.sinks.get(callee) !== argument) continue;
          this.sinks.set(node.name, verdict.parameter);
          grew = true;
        }
      }
    }
  }

  sleeps({ caller, site }: CallEdge): boolean {
    const place = `${site.line - caller.facts.firstLine}:${site.column}`;
    return flagsGivenIn(this.symbols, caller).some(
      (given) =>
        given.verdict === true && given.place === place && this.sinks.get(given.callee) === given.argument,
    );
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
