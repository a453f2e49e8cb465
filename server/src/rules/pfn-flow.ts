/**
 * The way of a pfn through a function: looked up, checked under mmu_lock, installed. Between look-up and check it may
 * have been taken away; so it may once mmu_lock was dropped after the check.
 */
import { type Position, visitStatement } from '../kernel-c/syntax.js';
import type { LockContexts } from '../locks/contexts.js';
import type { Outcome } from '../locks/summary.js';
import { unwrap } from '../program/expansion.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import { bodyOf, bodyText, type Program } from '../program/program.js';
import { checkHelpers, checks, installs, lookups } from './invalidation-table.js';
import { type CallNode, type Effect, edgesOfCall, type LockNode, sectionFlow } from './section-flow.js';

const STALE = 'pfn that may be stale';
const LOCK = 'kvm.mmu_lock';
/** Helpers around a look-up, a check or an installation are followed so many calls up. */
const MAX_LEVELS = 3;

/** A call that installs a mapping of a pfn that may be stale. */
export interface StaleInstall {
  node: FunctionNode;
  install: { name: string; p: Position; of: FunctionNode | undefined };
  /** The look-up, or where mmu_lock was dropped after the check. */
  since: { name: string; p: Position };
}

type Part = 'lookup' | 'check' | 'install';

export class PfnFlow {
  /** Functions of the tree by the part that they play besides those named in the table. */
  private readonly helpers = new Map<string, Part>();
  readonly stale: StaleInstall[] = [];

  constructor(
    private readonly program: Program,
    private readonly contexts: LockContexts,
  ) {
    this.findChecks();
    this.findInstalls();
    const users = this.findLookups();
    for (const node of users) this.follow(node);
  }

  private callersOf(names: Iterable<string>, nodes: readonly FunctionNode[]): FunctionNode[] {
    const found = new Map<string, FunctionNode>();
    const add = ({ caller }: CallEdge) => {
      if (this.program.symbols.truthOf(caller) !== 'false') found.set(caller.id, caller);
    };
    for (const name of names) {
      const defined = this.program.symbols.functionsByName.get(name) ?? [];
      for (const edge of this.program.callsToName(name)) add(edge);
      for (const node of defined) for (const edge of this.program.callsTo(node)) add(edge);
    }
    for (const node of nodes) for (const edge of this.program.callsTo(node)) add(edge);
    return [...found.values()];
  }

  private callsAny(node: FunctionNode, part: Part): boolean {
    return this.program.callsFrom(node).some((edge) => this.partOf(edge) === part);
  }

  /** `is_page_fault_stale()`: what asks for the retry check and does none of the rest. */
  private findChecks(): void {
    let level: FunctionNode[] = [];
    for (let i = 0; i < MAX_LEVELS; i++) {
      const above = this.callersOf(i === 0 ? checks : [], level).filter(
        (node) =>
          !checks.has(node.name) &&
          !this.helpers.has(node.id) &&
          !lookups.has(node.name) &&
          !this.callsAny(node, 'install') &&
          !this.callsAny(node, 'lookup') &&
          // What takes the lock itself has dropped it again when it returns.
          !this.contexts.flows.of(node),
      );
      for (const node of above) this.helpers.set(node.id, 'check');
      level = above;
    }
  }

  /** Functions that install for their callers: they look nothing up, and check nothing before they install. */
  private findInstalls(): void {
    let level: FunctionNode[] = [];
    for (let i = 0; i < MAX_LEVELS; i++) {
      const above = this.callersOf(i === 0 ? installs.keys() : [], level).filter(
        (node) => !installs.has(node.name) && !this.helpers.has(node.id) && !this.callsAny(node, 'lookup'),
      );
      level = above.filter((node) => this.installsUnchecked(node));
      for (const node of level) this.helpers.set(node.id, 'install');
    }
  }

  private findLookups(): FunctionNode[] {
    const users = new Map<string, FunctionNode>();
    let level: FunctionNode[] = [];
    for (let i = 0; i < MAX_LEVELS; i++) {
      const above = this.callersOf(i === 0 ? lookups : [], level).filter((node) => !users.has(node.id));
      for (const node of above) users.set(node.id, node);
      level = above.filter((node) => !this.callsAny(node, 'install') && !this.helpers.has(node.id));
      for (const node of level) this.helpers.set(node.id, 'lookup');
    }
    return [...users.values()].filter((node) => this.callsAny(node, 'install'));
  }

  private partOf({ caller, callee, calleeName, site }: CallEdge): Part | undefined {
    if (callee) {
      const part = this.helpers.get(callee.id);
      if (part) return part;
    }
    const named = (names: { has(name: string): boolean }) =>
      names.has(calleeName) || (site.macro !== undefined && names.has(site.macro));
    if (named(lookups)) return 'lookup';
    // A helper of this name that checks nothing is no check.
    if (named(checks) || (!callee && named(checkHelpers))) return 'check';
    if (!named(installs)) return undefined;
    // Registers that hold no pfn are written all over the place.
    const only = installs.get(calleeName)?.is;
    return only === undefined || bodyText(caller).includes(`"${only}"`) ? 'install' : undefined;
  }

  private run(node: FunctionNode, unlockedIsStale: boolean) {
    const { program, contexts } = this;
    const edges = program.callsFrom(node);
    const installing: { index: CallNode; name: string; of: FunctionNode | undefined }[] = [];
    const names = new Map<Position, string>();
    const leaving = stops(this.polarities(node));
    const enter = (p: Position, name: string): Effect => {
      names.set(p, name);
      return { section: STALE, op: 'enter', nests: false };
    };
    const effectOf = (inner: CallNode | LockNode): Effect => {
      if (inner.kind === 'lock') {
        const { op } = inner.primitive;
        const drops = inner.lock === LOCK && (op === 'release' || op === 'yield');
        return drops && unlockedIsStale ? enter(inner.p, inner.primitive.name) : undefined;
      }
      const own = edgesOfCall(node, inner, edges);
      const edge = own.find((one) => this.partOf(one) !== undefined);
      const part = edge && this.partOf(edge);
      switch (part) {
        case 'lookup':
          return enter(inner.p, edge!.calleeName);
        case 'check':
          return contexts.atCall(edge!, LOCK).length > 0 ? leaving(edge!) : undefined;
        case 'install':
          if (isInstall(edge!.calleeName, inner))
            installing.push({ index: inner, name: edge!.calleeName, of: edge!.callee ?? undefined });
          return undefined;
        default: {
          const drops = own.some(({ callee }) =>
            (callee ? contexts.flows.of(callee) : undefined)?.summary.outcomes.some(
              ({ effects }) => effects.get(LOCK)?.held === false,
            ),
          );
          return drops && unlockedIsStale ? enter(inner.p, inner.callee) : undefined;
        }
      }
    };
    return { flow: sectionFlow(program, node, effectOf), installing, names };
  }

  /** Which of a function's own helpers say "stale" by zero? Those are believed whatever they say. */
  private polarities(node: FunctionNode): (edge: CallEdge) => boolean {
    const known = new Map<string, boolean>();
    return ({ callee }) => {
      if (!callee || checks.has(callee.name) || callee.id === node.id) return true;
      let straight = known.get(callee.id);
      if (straight === undefined) known.set(callee.id, (straight = saysStaleByTrue(callee)));
      return straight;
    };
  }

  private installsUnchecked(node: FunctionNode): boolean {
    const { flow, installing } = this.run(node, false);
    return installing.some(({ index, name }) => {
      if (installs.get(name)?.direct) return false;
      const at = flow.graph.nodes.indexOf(index);
      return (flow.result.before[at] ?? []).some((state) => !state.locks.has(STALE));
    });
  }

  private follow(node: FunctionNode): void {
    const { flow, installing, names } = this.run(node, true);
    if (flow.result.incomplete) return;
    for (const { index, name, of } of installing) {
      const at = flow.graph.nodes.indexOf(index);
      for (const state of flow.result.before[at] ?? []) {
        const holding = state.locks.get(STALE);
        if (!holding?.held) continue;
        const since = { name: names.get(holding.at) ?? 'the look-up', p: holding.at };
        if (installs.get(name)?.direct && !lookups.has(since.name)) continue;
        this.stale.push({ node, install: { name, p: index.p, of }, since });
        break;
      }
    }
  }
}

const LEFT: Outcome['effects'] = new Map([[STALE, { held: false as const, at: 0 }]]);
const NO_EFFECTS: Outcome['effects'] = new Map();
const NOTHING = new Map<string, boolean>();

/** A check that says zero where all is well, or one that is believed whatever it says. */
const stops =
  (straight: (edge: CallEdge) => boolean) =>
  (edge: CallEdge): Effect =>
    straight(edge)
      ? {
          outcomes: [
            { effects: LEFT, result: false, negative: false, when: NOTHING, sets: NOTHING },
            { effects: NO_EFFECTS, result: true, when: NOTHING, sets: NOTHING },
          ],
        }
      : { section: STALE, op: 'leave', nests: false };

function isInstall(name: string, call: CallNode): boolean {
  const row = installs.get(name);
  if (row?.argument === undefined) return true;
  const argument = call.arguments[row.argument];
  const inner = argument && unwrap(argument);
  return inner?.k === 'id' && inner.n === row.is;
}

/** Is the check's own value, not its opposite, what a helper returns? */
function saysStaleByTrue(node: FunctionNode): boolean {
  if (node.facts.type === 'void') return false;
  let negated = false;
  for (const statement of bodyOf(node))
    visitStatement(statement, (expression) => {
      const inner = expression.k === 'unary' && expression.op === '!' ? unwrap(expression.x) : undefined;
      const callee = inner?.k === 'call' ? unwrap(inner.f) : undefined;
      if (callee?.k === 'id' && checks.has(callee.n)) negated = true;
    });
  return !negated;
}
