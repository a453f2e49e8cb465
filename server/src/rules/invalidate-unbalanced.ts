/** Invalidations that are begun and not ended, ended and not begun, or either without mmu_lock (mail rows A1, A8). */
import { columnOf, type Position } from '../kernel-c/syntax.js';
import { witnessSteps } from '../locks/contexts.js';
import { lineOf } from '../locks/flow-builder.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import type { Program } from '../program/program.js';
import type { Finding } from './finding.js';
import {
  edgesTo,
  type Imbalance,
  InvalidationSections,
  isPrimitive,
  type Reading,
} from './invalidation-sections.js';
import { pairWords, underLock } from './invalidation-table.js';
import type { Rule, RuleInput } from './rule.js';

const ID = 'invalidate-unbalanced';
const LOCK = 'kvm.mmu_lock';
/** Each round finds the functions nearest to the begins and ends that are wrong. */
const MAX_ROUNDS = 12;

function step(node: FunctionNode, p: Position, via: string, text: string): Finding['path'][number] {
  return {
    function: node.name,
    file: node.file,
    line: lineOf(node, p),
    column: columnOf(p) + 1,
    via,
    text,
  };
}

function nameAt({ calls }: Reading, { at, sign }: Imbalance): string {
  const call = calls.find((one) => one.p === at) ?? calls.find((one) => one.sign === sign);
  return call?.name ?? 'the call';
}

function findingOf(reading: Reading, imbalance: Imbalance): Finding {
  const { node, everywhere, twice } = reading;
  const { sign, at, exit } = imbalance;
  const name = nameAt(reading, imbalance);
  const exitLine = lineOf(node, exit);
  const others = new Set(reading.imbalances.map((one) => lineOf(node, one.exit))).size - 1;
  const left = `on the way out at line ${exitLine}${others > 0 ? ` and ${others} more` : ''}`;
  const message =
    sign === 1
      ? twice
        ? `${name}() begins an invalidation twice ${left}: one end doesn't bring mmu_invalidate_in_progress back`
        : `the invalidation that ${name}() begins is never ended ${left}: every later fault in the VM retries for ever`
      : `${name}() ends an invalidation that nothing has begun ${left}: mmu_invalidate_in_progress goes below what is in progress`;
  const call = step(
    node,
    at,
    'call',
    `calls ${name}(), which ${sign === 1 ? 'begins' : 'ends'} an invalidation`,
  );
  const out = step(
    node,
    exit,
    'return',
    sign === 1 ? 'leaves with the invalidation still open' : 'leaves with one end too many',
  );
  return {
    rule: ID,
    severity: 'warning',
    certainty: everywhere ? 'always' : 'sometimes',
    message,
    file: node.file,
    line: call.line,
    column: call.column,
    function: node.name,
    path: [call, out],
  };
}

const isSame = (a: string, b: string, words: readonly [string, string]) =>
  a !== b && a.split(words[0]).join('\0') === b.split(words[1]).join('\0');

/** Callbacks of one struct, or functions named as a pair: what one begins the other ends, and the caller sees to it. */
function areHalves(program: Program, begin: FunctionNode, end: FunctionNode): boolean {
  if (pairWords.some((words) => isSame(begin.name, end.name, words))) return true;
  const structs = new Set(program.slotsOf(begin).map((slot) => slot.split('.')[0]));
  return program.slotsOf(end).some((slot) => structs.has(slot.split('.')[0]!));
}

/** One finding for each begin that isn't ended, and for each end too many. */
function findingsOf(reading: Reading): Finding[] {
  const at = new Map(reading.imbalances.map((one) => [one.at, one]));
  return [...at.values()].map((imbalance) => findingOf(reading, imbalance));
}

function unbalanced(program: Program): Finding[] {
  const findings: Finding[] = [];
  const settled = new Set<string>();
  const doubled = new Set<string>();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const sections = new InvalidationSections(program, settled);
    const unpaired = [...sections.all].filter(({ node, sign }) => sign !== 0 && !settled.has(node.id));
    const open = unpaired.filter(({ node }) => !sections.isWrapper(node) || !sections.hasOtherHalf(node));
    const ids = new Set(open.map(({ node }) => node.id));
    // What only follows from another one's mistake is none.
    const isFirst = ({ calls }: Reading) => !calls.some(({ of }) => of && ids.has(of.id));
    const deepest = open.filter(isFirst);
    for (const reading of unpaired) {
      if (!reading.twice || !isFirst(reading) || doubled.has(reading.node.id)) continue;
      doubled.add(reading.node.id);
      findings.push(...findingsOf(reading));
    }
    if (deepest.length === 0) break;
    for (const reading of deepest) {
      settled.add(reading.node.id);
      const isHalf = (other: Reading) =>
        other.sign === -reading.sign &&
        sections.isWrapper(other.node) &&
        (reading.sign === 1
          ? areHalves(program, reading.node, other.node)
          : areHalves(program, other.node, reading.node));
      if (sections.isWrapper(reading.node) && deepest.some(isHalf)) continue;
      if (!doubled.has(reading.node.id)) findings.push(...findingsOf(reading));
    }
    // Where nobody took these for wrappers, nobody reads otherwise without them.
    const isUsed = [...sections.all].some(({ calls }) => calls.some(({ of }) => of && settled.has(of.id)));
    if (!isUsed) break;
  }
  return findings;
}

/** Does a function that nobody calls say that its callers hold the lock? */
const trustsItsCaller = (program: Program, { caller }: CallEdge): boolean =>
  program.callsTo(caller).length === 0 &&
  program
    .callsFrom(caller)
    .some(({ calleeName, site }) => /^_*lockdep_(assert_held|is_held)/.test(site.macro ?? calleeName));

function withoutLock({ program, contexts }: RuleInput): Finding[] {
  const findings: Finding[] = [];
  for (const name of underLock) {
    for (const edge of edgesTo(program, name)) {
      const { caller, site } = edge;
      if (isPrimitive(caller) || program.symbols.truthOf(caller) === 'false') continue;
      const held = contexts.atCall(edge, LOCK);
      const exclusive = held.filter(({ mode }) => mode !== 'read');
      if (exclusive.length > 0 && exclusive.every(({ when }) => when === 'always')) continue;
      if (held.length === 0 && trustsItsCaller(program, edge)) continue;
      const onlyRead = held.length > 0 && exclusive.length === 0;
      const certainty =
        held.length === 0 || (onlyRead && held[0]!.when === 'always') ? 'always' : 'sometimes';
      const witness = onlyRead ? contexts.witnessAt(edge, LOCK) : undefined;
      const call = {
        function: caller.name,
        file: caller.file,
        line: site.line,
        column: site.column,
        via: edge.via,
        text: `calls ${edge.calleeName}()${edge.slot ? ` through ${edge.slot}` : ''} ${onlyRead ? 'under the read lock' : 'without kvm->mmu_lock'}`,
      };
      findings.push({
        rule: ID,
        severity: 'warning',
        certainty,
        message: `${edge.calleeName}() is called ${onlyRead ? 'with kvm->mmu_lock held for read only' : `${certainty === 'always' ? '' : 'sometimes '}without kvm->mmu_lock`}: a fault that holds it may read the count halfway`,
        file: caller.file,
        line: site.line,
        column: site.column,
        function: caller.name,
        path: witness ? [...witnessSteps(witness, LOCK).slice(0, -1), call] : [call],
      });
    }
  }
  return findings;
}

/** One mistake, one finding: a template's instances stand at the same place. */
function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Map<string, Finding>();
  for (const finding of findings) {
    const key = `${finding.file}:${finding.line}:${finding.column}`;
    if (!seen.has(key)) seen.set(key, finding);
  }
  return [...seen.values()];
}

export const invalidateUnbalanced: Rule = {
  id: ID,
  summary: 'An invalidation is begun and not ended, ended and not begun, or either without mmu_lock',
  explanation: `**What happens.** \`kvm_mmu_invalidate_begin()\` raises \`mmu_invalidate_in_progress\`; until \`kvm_mmu_invalidate_end()\` lowers it again
every fault retries. A begin that is never ended leaves the count above zero for ever: the guest's vCPUs fault, retry and never get on.
An end too many lets faults map pages that are being taken away. Both work on plain counters that \`kvm->mmu_lock\`, held for writing, protects.

**Where it is said.** M. Roth and S. Christopherson, linux-mm, May 2023 (rows A1 and A8): bindings must be stable across invalidation to
ensure that start and end are balanced; KVM maps nothing until mmu_invalidate_in_progress has reached 0. In the tree:
\`lockdep_assert_held_write(&kvm->mmu_lock)\` in \`kvm_mmu_invalidate_begin()\` and \`_end()\`, virt/kvm/kvm_main.c.

**How it is mended.** Lead every way out that comes after the begin through the end (a label at the end of the function does), and call
both under \`KVM_MMU_LOCK(kvm)\`.`,
  locks: [LOCK],
  check: (input) => distinct([...unbalanced(input.program), ...withoutLock(input)]),
};
