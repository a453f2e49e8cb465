/** Programs that don't look whether their guest memory was allocated (mail row E5). */
import table from '../../../grammars/userspace.json' with { type: 'json' };
import { type Expression, packPosition, visitStatement } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import type { CallEdge, FunctionNode } from '../program/model.js';
import { bodyOf, bodyText, type Program } from '../program/program.js';
import { type ResultUse, resultUse, type Words } from './call-results.js';
import type { Finding } from './finding.js';
import { edgesTo } from './invalidation-sections.js';
import type { Rule } from './rule.js';

const ID = 'fallocate-unchecked';

const namesOf = (rows: readonly { name: string }[]) => new Set(rows.map((row) => row.name));
const headers = namesOf(table.headers);
const retriers = namesOf(table.retriers);
/** `linux/kvm.h`, `kvm_util.h`, `sysemu/kvm.h`: what a program includes; `kvm_host.h` is the kernel's own. */
const KVM_HEADER = /(^|\/)kvm(?!_host)\w*\.h$/;
const assertion = new RegExp(table.assertions.map((row) => row.pattern).join('|'), 'i');

const words: Words = {
  isAssertion: (name) => assertion.test(name),
  isTransparent: (name) => retriers.has(name),
};

function isProgram(program: Program, file: string): boolean {
  return (
    table.folders.some(({ name }) => file.startsWith(name)) ||
    program.file(file)?.includes.some(({ path }) => headers.has(path)) === true
  );
}

/** What tells a descriptor of guest memory, in a file that has to do with KVM or in any. */
interface Signs {
  creators: ReadonlySet<string>;
  fdName: RegExp;
}

function signsOf(ifKvm: boolean): Signs {
  const rows = <T extends { ifKvm?: boolean }>(all: readonly T[]) => all.filter((row) => ifKvm || !row.ifKvm);
  return {
    creators: namesOf([...rows(table.creators), ...rows(table.creatingRequests)]),
    fdName: new RegExp(
      rows(table.fdNames)
        .map((row) => row.pattern)
        .join('|'),
      'i',
    ),
  };
}

const withKvm = signsOf(true);
const withoutKvm = signsOf(false);

/** A call that allocates, itself or for the system call that it wraps. */
interface Allocation {
  edge: CallEdge;
  /** Index of the descriptor among the arguments; undefined where a wrapper has it from elsewhere. */
  fd: number | undefined;
}

function callAt(node: FunctionNode, { site }: CallEdge) {
  const p = packPosition(site.line - node.facts.firstLine, site.column - 1);
  let found: Extract<Expression, { k: 'call' }> | undefined;
  for (const statement of bodyOf(node))
    visitStatement(statement, (expression) => {
      if (expression.k === 'call' && expression.p === p) found = expression;
    });
  return found;
}

class Descriptors {
  constructor(private readonly program: Program) {}

  private signs(node: FunctionNode): Signs {
    const includes = this.program.file(node.file)?.includes ?? [];
    return includes.some(({ path }) => KVM_HEADER.test(path)) ? withKvm : withoutKvm;
  }

  /** Is an expression a descriptor of guest memory? Parameters are what callers hand over. */
  isGuestMemory(node: FunctionNode, fd: Expression | undefined, level = 0): boolean {
    const inner = fd && unwrap(fd);
    const { creators, fdName } = this.signs(node);
    if (!inner) return false;
    if (inner.k === 'cast') return this.isGuestMemory(node, inner.x, level);
    if (inner.k === 'call') return names(inner, creators);
    if (inner.k === 'field') return fdName.test(inner.n);
    if (inner.k !== 'id') return false;
    if (fdName.test(inner.n)) return true;
    if (valuesOf(node, inner.n).some((value) => names(value, creators))) return true;
    const parameter = node.facts.parameters.findIndex(({ name }) => name === inner.n);
    if (parameter < 0 || level > 2) return false;
    return this.program
      .callsTo(node)
      .some((edge) => this.isGuestMemory(edge.caller, callAt(edge.caller, edge)?.a[parameter], level + 1));
  }
}

/** What a function stores in a variable. */
function valuesOf(node: FunctionNode, name: string): Expression[] {
  const found: Expression[] = [];
  for (const statement of bodyOf(node))
    visitStatement(
      statement,
      (expression) => {
        const target = expression.k === 'assign' ? unwrap(expression.l) : undefined;
        if (expression.k === 'assign' && target?.k === 'id' && target.n === name) found.push(expression.r);
      },
      (one) => {
        if (one.k === 'decl' && one.n === name && one.i) found.push(one.i);
      },
    );
  return found;
}

/** Is a value the result of one of these calls, or of an ioctl() or syscall() with one of these requests? */
function names(value: Expression, creators: ReadonlySet<string>): boolean {
  const node = unwrap(value);
  if (node.k !== 'call') return false;
  return [node.f, ...node.a].map(unwrap).some((inner) => inner.k === 'id' && creators.has(inner.n));
}

function knowsEintr(node: FunctionNode): boolean {
  const body = bodyText(node);
  return body.includes('"EINTR"') || [...retriers].some((name) => body.includes(`"${name}"`));
}

const SAID: Partial<Record<ResultUse, string>> = {
  dropped: 'is not looked at',
  voided: 'is thrown away',
  overwritten: 'is overwritten before anything looks at it',
};

function findingOf({ edge }: Allocation, use: ResultUse): Finding {
  const { caller, site } = edge;
  const name = edge.calleeName;
  const said = SAID[use];
  return {
    rule: ID,
    severity: use === 'voided' || said === undefined ? 'info' : 'warning',
    certainty: 'always',
    message:
      said === undefined
        ? `${name}() may fail with EINTR when a signal comes, and nothing here calls it again`
        : `the result of ${name}() ${said}: after EINTR or ENOSPC the guest starts with holes in its memory`,
    file: caller.file,
    line: site.line,
    column: site.column,
    function: caller.name,
    path: [
      {
        function: caller.name,
        file: caller.file,
        line: site.line,
        column: site.column,
        via: edge.via,
        text: `calls ${name}()`,
      },
    ],
  };
}

function check(program: Program): Finding[] {
  const descriptors = new Descriptors(program);
  const pending: Allocation[] = table.allocators.flatMap(({ name, fd }) =>
    edgesTo(program, name).map((edge) => ({ edge, fd })),
  );
  const findings = new Map<string, Finding>();
  const wrappers = new Set<string>();
  while (pending.length > 0) {
    const allocation = pending.shift()!;
    const { edge, fd } = allocation;
    const node = edge.caller;
    if (!isProgram(program, node.file) || program.symbols.truthOf(node) === 'false') continue;
    const call = callAt(node, edge);
    if (!call) continue;
    const use = resultUse(bodyOf(node), call.p, words);
    const descriptor = fd === undefined ? undefined : call.a[fd];
    const inner = descriptor && unwrap(descriptor);
    if (use === 'returned' && !wrappers.has(node.id)) {
      wrappers.add(node.id);
      const parameter =
        inner?.k === 'id' ? node.facts.parameters.findIndex(({ name }) => name === inner.n) : -1;
      const isKnown = fd === undefined || descriptors.isGuestMemory(node, descriptor);
      if (parameter >= 0 || isKnown)
        for (const above of program.callsTo(node))
          pending.push({ edge: above, fd: parameter >= 0 ? parameter : undefined });
      continue;
    }
    if (fd !== undefined && !descriptors.isGuestMemory(node, descriptor)) continue;
    const isBad = SAID[use] !== undefined || (use === 'used' && !knowsEintr(node) && !wrappersKnow(edge));
    if (isBad) findings.set(`${node.file}:${edge.site.line}:${edge.site.column}`, findingOf(allocation, use));
  }
  return [...findings.values()];
}

/** A wrapper that calls again itself leaves nothing of the kind to its callers. */
const wrappersKnow = ({ callee }: CallEdge): boolean => callee !== null && knowsEintr(callee);

export const fallocateUnchecked: Rule = {
  id: ID,
  summary: "A program doesn't look whether its guest memory was allocated",
  explanation: `**What happens.** \`fallocate()\` on a file that backs a guest's private memory takes long, and a signal ends it with EINTR. A VMM that
doesn't look at the result starts the guest with holes, and the guest's first touch of one fails, much later and far from here. A punched
hole that failed leaves memory allocated that was thought to be free.

**Where it is said.** N. Dadhania, "[PATCH v7 00/14] KVM: mm: fd-based approach", August 2022 (row E5): fallocate() returns an error in the
VMM which is not handled (EINTR). fallocate(2) lists it.

**How it is mended.** Look at the result; call again while it is -1 and \`errno\` is EINTR; give up loudly on everything else.`,
  locks: [],
  check: ({ program }) => check(program),
};
