/**
 * A kernel's call graph against what a compiler saw of it. `truth/` holds names and kinds only, so that it serves any
 * patch level: functions and calls are matched by their names and files, never by lines.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { CallEdge, FunctionNode } from '../../server/src/program/model.ts';
import type { Program } from '../../server/src/program/program.ts';
import { systemCallOf } from '../../server/src/program/system-calls.ts';

interface TrueFunction {
  name: string;
  file: string;
  /** Macro that names or makes the function. */
  by?: string;
  /** The macro makes its body, too. */
  generated?: true;
}

interface TrueCall {
  caller: string;
  file: string;
  /** `plain`: name and parentheses are written at the call; `macro`: one of them comes out of a macro's body. */
  kind: 'plain' | 'macro' | 'indirect';
  callee?: string;
  calleeFile?: string;
  macro?: string;
  /** What an indirect call goes through, and the member, local or parameter it is. */
  through?: 'field' | 'param' | 'local' | 'global' | 'static_call';
  slot?: string;
}

interface TrueTarget {
  slot: string;
  function: string;
  file?: string;
}

function readTruth<T>(name: string): T[] {
  const text = gunzipSync(readFileSync(join(import.meta.dirname, 'truth', `${name}.jsonl.gz`))).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as T);
}

/** How much of something was found, and what was not. */
export class Score {
  total = 0;
  readonly missed: { what: string; cause: string }[] = [];

  add(isFound: boolean, what: string, cause: string): void {
    this.total++;
    if (!isFound) this.missed.push({ what, cause });
  }

  get percent(): number {
    return this.total === 0 ? 0 : (100 * (this.total - this.missed.length)) / this.total;
  }

  /** The misses, most frequent cause first. */
  toString(): string {
    const causes = new Map<string, string[]>();
    for (const { what, cause } of this.missed) causes.set(cause, [...(causes.get(cause) ?? []), what]);
    const lines = [...causes]
      .sort(([, a], [, b]) => b.length - a.length)
      .map(([cause, all]) => `  ${all.length} ${cause}: ${all.slice(0, 6).join(', ')}`);
    return `${this.percent.toFixed(2)} % of ${this.total}\n${lines.join('\n')}`;
  }
}

/** Files whose functions are looked for behind macros: those of KVM and the RMP. */
const OWN_FILES = /^(virt\/kvm\/|arch\/x86\/kvm\/|arch\/x86\/virt\/svm\/|include\/linux\/kvm)/;

export class CallTruth {
  private readonly functions = readTruth<TrueFunction>('functions');
  private readonly calls = readTruth<TrueCall>('edges');
  private readonly targets = new Map<string, Set<string>>();

  constructor(private readonly program: Program) {
    for (const { slot, function: name } of readTruth<TrueTarget>('slots')) {
      const names = this.targets.get(slot) ?? new Set();
      this.targets.set(slot, names.add(name));
    }
  }

  private readonly edges = new Map<string, readonly CallEdge[]>();
  /** Definitions by file and name, those that the compiler makes of a system call among them. */
  private readonly definitions = new Map<string, FunctionNode[]>();

  private definitionsOf(name: string, file: string): readonly FunctionNode[] {
    if (this.definitions.size === 0) {
      const add = (key: string, node: FunctionNode) =>
        this.definitions.set(key, [...(this.definitions.get(key) ?? []), node]);
      for (const node of this.program.functions()) {
        add(`${node.file}:${node.name}`, node);
        const made = systemCallOf(node, this.program.architecture);
        for (const other of made ? new Set([made.body, ...made.chains.flat()]) : [])
          add(`${node.file}:${other}`, node);
      }
    }
    return this.definitions.get(`${file}:${name}`) ?? [];
  }

  /** All edges out of the functions of that name in that file, also those of another configuration than is taken here. */
  private edgesOf(caller: string, file: string): readonly CallEdge[] {
    const key = `${file}:${caller}`;
    let found = this.edges.get(key);
    if (!found) {
      found = this.definitionsOf(caller, file).flatMap((node) => this.program.callsFrom(node));
      this.edges.set(key, found);
    }
    return found;
  }

  /** Does a function that the compiler makes of a system call hand on to another of them? */
  private isWrapper(caller: string, callee: string, file: string): boolean {
    const [node] = this.definitionsOf(caller, file);
    const made = node && systemCallOf(node, this.program.architecture);
    return (made?.chains ?? []).some((chain) => {
      const all = [...chain, made!.body];
      return all.includes(caller) && all[all.indexOf(caller) + 1] === callee;
    });
  }

  private isKnown(caller: string, file: string): boolean {
    return this.definitionsOf(caller, file).length > 0;
  }

  /** Functions of the scope, whoever wrote them: a person or a macro. */
  functionsFound(): Score {
    const score = new Score();
    for (const { name, file, by } of this.functions)
      score.add(this.isKnown(name, file), `${file}:${name}`, by === undefined ? 'written' : `made by ${by}`);
    return score;
  }

  plainCalls(): Score {
    return this.directCalls('plain', () => true);
  }

  /** Calls that come out of macros and lead to functions of KVM. */
  macroCalls(): Score {
    return this.directCalls(
      'macro',
      ({ calleeFile }) => calleeFile !== undefined && OWN_FILES.test(calleeFile),
    );
  }

  private directCalls(kind: TrueCall['kind'], isWanted: (call: TrueCall) => boolean): Score {
    const score = new Score();
    for (const call of this.calls) {
      if (call.kind !== kind || !isWanted(call)) continue;
      const { caller, file, callee, macro } = call;
      const isFound =
        this.edgesOf(caller, file).some((edge) => edge.calleeName === callee) ||
        (callee !== undefined && this.isWrapper(caller, callee, file));
      const cause = this.isKnown(caller, file) ? `${macro ?? 'plain'} → ${callee}` : 'in an unknown function';
      score.add(isFound, `${caller} → ${callee}`, cause);
    }
    return score;
  }

  /** Indirect calls with all that the compiler saw put into the member among the answers. */
  indirectCalls(): { score: Score; medianTargets: number } {
    const score = new Score();
    const counts: number[] = [];
    for (const { caller, file, kind, slot, through } of this.calls) {
      const wanted = kind === 'indirect' && slot !== undefined ? this.targets.get(slot) : undefined;
      if (wanted === undefined || slot === undefined) continue;
      const answers = this.edgesOf(caller, file).filter((edge) => edge.slot === slot);
      const names = new Set(answers.map((edge) => edge.calleeName));
      const missing = [...wanted].filter((name) => !names.has(name));
      score.add(
        missing.length === 0,
        `${caller} → ${slot}: ${missing.join(' ')}`,
        this.isKnown(caller, file) ? String(through) : 'in an unknown function',
      );
      if (names.size > 0) counts.push(names.size);
    }
    // Parameters and locals have no members of their own to compare: some answer there must be.
    for (const { caller, file, kind, slot, through, macro } of this.calls) {
      if (kind !== 'indirect' || (through !== 'param' && through !== 'local') || macro !== undefined)
        continue;
      const answers = this.edgesOf(caller, file).filter(
        ({ via, site, calleeName }) =>
          (via === 'pointer' || via === 'ops') && site.text === slot && calleeName !== slot,
      );
      score.add(answers.length > 0, `${caller} → ${slot}`, String(through));
      if (answers.length > 0) counts.push(new Set(answers.map((edge) => edge.calleeName)).size);
    }
    counts.sort((a, b) => a - b);
    return { score, medianTargets: counts[counts.length >> 1] ?? 0 };
  }

  /** Edges to functions of KVM that the compiler didn't see; calls through pointers left out. */
  wrongEdges(): Score {
    const score = new Score();
    const seen = new Set(this.calls.map(({ caller, file, callee }) => `${file}:${caller} ${callee}`));
    const locals = new Set(this.calls.map(({ caller, file, slot }) => `${file}:${caller} ${slot}`));
    for (const { name, file, generated } of this.functions) {
      if (generated) continue;
      for (const edge of this.edgesOf(name, file)) {
        if (edge.via !== 'call' && edge.via !== 'macro' && edge.via !== 'cleanup') continue;
        if (!(edge.callee && OWN_FILES.test(edge.callee.file))) continue;
        if (this.program.symbols.truthOf(edge.caller) === 'false') continue;
        const key = `${file}:${name} ${edge.calleeName}`;
        score.add(seen.has(key) || locals.has(key), key, edge.site.macro ?? edge.calleeName);
      }
    }
    return score;
  }
}
