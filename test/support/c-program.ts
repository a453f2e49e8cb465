/**
 * C in, what is said of it out. A source carries its expectations as comments at the line that they are about:
 *
 *   `/*! finding always write *\/`   a warning stands here: its certainty, then the lock's mode (either may be left out)
 *   `/*! leads *\/`                  the lock holder's own call, marked as information
 *   `/*! taken *\/`                  paths begin here (where a source has such a mark, all its paths do)
 *   `/*! entry kvm.mmu_lock write always *\/`  at a function's name: the locks at its entry, or `nothing`
 *   `/*! held kvm.mmu_lock write always *\/`   the locks just before this line, or `nothing`
 *   `/*! unseen *\/`                 this line's call is not in the program
 *
 * Whatever isn't marked must not be said. Only findings of `rmp-under-mmu-lock` are looked at, unless others are asked for.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'vitest';
import { configurationOf, type SymbolTable } from '../../server/src/kernel-c/conditions.ts';
import { readFacts } from '../../server/src/kernel-c/file-facts.ts';
import { loadParser } from '../../server/src/kernel-c/parser.ts';
import type { LockContext } from '../../server/src/locks/contexts.ts';
import { LOCK_WORDS } from '../../server/src/locks/primitives.ts';
import type { FunctionNode } from '../../server/src/program/model.ts';
import { Program } from '../../server/src/program/program.ts';
import type { Finding } from '../../server/src/rules/finding.ts';
import { TreeAnalysis } from '../../server/src/rules/tree-analysis.ts';

const require = createRequire(join(import.meta.dirname, '..', '..', 'server', 'package.json'));
const grammarFiles = {
  runtime: require.resolve('web-tree-sitter/tree-sitter.wasm'),
  grammar: require.resolve('tree-sitter-c/tree-sitter-c.wasm'),
};

/** Path in the tree → text. */
export type Sources = Record<string, string>;

/** Where a source stands that is given without a path. */
export const SNIPPET = 'virt/kvm/snippet.c';

/** What every snippet may use, as a kernel's headers would declare it. */
const PRELUDE = `
typedef unsigned long long u64;
typedef u64 gfn_t;
struct mutex { int owner; };
struct kvm_arch { spinlock_t tdp_mmu_pages_lock; struct mutex inner; };
struct kvm {
	rwlock_t mmu_lock;
	struct mutex slots_lock;
	struct srcu_struct srcu;
	struct kvm_arch arch;
	bool dirty;
	int mode;
};
struct kvm_vcpu { struct kvm *kvm; struct mutex mutex; };
struct other_vm { rwlock_t mmu_lock; };
int rmp_make_shared(u64 pfn, int level);
int rmp_make_private(u64 pfn, u64 gpa, int level, int asid, bool immutable);
int psmash(u64 pfn);
#define KVM_MMU_LOCK(kvm) write_lock(&(kvm)->mmu_lock)
#define KVM_MMU_UNLOCK(kvm) write_unlock(&(kvm)->mmu_lock)
`;

const HEADER = 'include/linux/kvm_host.h';

export async function programOf(sources: Sources, symbols: SymbolTable = {}): Promise<Program> {
  const parser = await loadParser(grammarFiles);
  const configuration = configurationOf(symbols, false, 'test');
  const program = new Program(parser, configuration, 'x86', LOCK_WORDS);
  for (const [path, text] of Object.entries({ [HEADER]: PRELUDE, ...sources })) {
    const included = path.endsWith('.c') ? `#include <linux/kvm_host.h> ${text}` : text;
    program.setFile(path, readFacts(parser, included, configuration));
  }
  return program;
}

/** Analyses sources without looking at their marks. */
export async function analyse(source: string | Sources, symbols?: SymbolTable): Promise<TreeAnalysis> {
  const sources = typeof source === 'string' ? { [SNIPPET]: source } : source;
  return new TreeAnalysis(await programOf(sources, symbols));
}

/** The program with another text of its snippet, taken in as an editor's change is. */
export async function edit(analysis: TreeAnalysis, text: string): Promise<void> {
  const parser = await loadParser(grammarFiles);
  const facts = readFacts(parser, `#include <linux/kvm_host.h> ${text}`, configurationOf({}, false, 'test'));
  analysis.program.setFile(SNIPPET, facts);
  analysis.refresh();
}

interface Mark {
  file: string;
  /** From 1. */
  line: number;
  word: string;
  rest: string;
}

function marksOf(sources: Sources): Mark[] {
  return Object.entries(sources).flatMap(([file, text]) =>
    text.split('\n').flatMap((line, index) =>
      [...line.matchAll(/\/\*! (\w+) ?(.*?) ?\*\//g)].map((match) => ({
        file,
        line: index + 1,
        word: match[1]!,
        rest: match[2]!,
      })),
    ),
  );
}

const contextText = (contexts: readonly LockContext[]): string =>
  contexts.map(({ lock, mode, when }) => `${lock} ${mode} ${when}`).join(', ') || 'nothing';

/** One C program with its marks, and what the analysis says instead. */
class Comparison {
  private readonly marks: readonly Mark[];
  readonly expected: string[] = [];
  readonly actual: string[] = [];

  constructor(
    private readonly sources: Sources,
    private readonly analysis: TreeAnalysis,
    private readonly found: readonly Finding[],
  ) {
    this.marks = marksOf(sources);
    const known = new Set(['finding', 'leads', 'taken', 'entry', 'held', 'unseen']);
    for (const mark of this.marks) if (!known.has(mark.word)) throw new Error(`no such mark: ${mark.word}`);
    this.findings();
    this.acquisitions();
    this.contexts();
    this.calls();
  }

  private at(file: string, line: number, said: string): string {
    const text = this.sources[file]?.split('\n')[line - 1] ?? '';
    return `${file}:${line} ${said}    ${text.replace(/\/\*!.*?\*\//g, '').trim()}`;
  }

  private marked(word: string): Mark[] {
    return this.marks.filter((mark) => mark.word === word);
  }

  private findings(): void {
    for (const { file, line } of this.marked('leads')) this.expected.push(this.at(file, line, 'leads'));
    for (const { file, line, rest } of this.marked('finding'))
      this.expected.push(this.at(file, line, `finding ${rest}`));
    for (const finding of this.found) {
      const { file, line, certainty, lock } = finding;
      const mark = this.marked('finding').find((one) => one.file === file && one.line === line);
      const words = [certainty, lock?.mode].filter((word) => mark === undefined || mark.rest.includes(word!));
      const said = finding.severity === 'info' ? 'leads' : `finding ${words.join(' ')}`;
      this.actual.push(this.at(file, line, said));
    }
  }

  private acquisitions(): void {
    const taken = this.marked('taken');
    if (taken.length === 0) return;
    for (const { file, line } of taken) this.expected.push(this.at(file, line, 'taken'));
    const places = this.found.map(({ path }) => this.at(path[0]!.file, path[0]!.line, 'taken'));
    this.actual.push(...new Set(places));
  }

  private functionAt(file: string, line: number): FunctionNode {
    const inside = this.analysis.program
      .functionsIn(file)
      .find(({ facts }) => facts.firstLine <= line && line <= facts.endLine);
    if (!inside) throw new Error(`${file}:${line} is in no function`);
    return inside;
  }

  private contexts(): void {
    const { contexts } = this.analysis;
    for (const { file, line, word, rest } of this.marks) {
      if (word !== 'entry' && word !== 'held') continue;
      const node = this.functionAt(file, line);
      const found = word === 'entry' ? contexts.entry(node) : contexts.beforeLine(node, line);
      this.expected.push(this.at(file, line, `${word} ${rest}`));
      this.actual.push(this.at(file, line, `${word} ${contextText(found)}`));
    }
  }

  /** Silence about a call says nothing unless the call was seen. */
  private calls(): void {
    const { program } = this.analysis;
    for (const [file, text] of Object.entries(this.sources)) {
      const seen = new Set<number>();
      for (const node of program.functionsIn(file))
        for (const { site } of program.callsFrom(node)) seen.add(site.line);
      text.split('\n').forEach((code, index) => {
        const line = index + 1;
        if (!/^\s.*\b(rmp_make_shared|rmp_make_private|psmash)\(/.test(code)) return;
        const unseen = this.marked('unseen').some((mark) => mark.file === file && mark.line === line);
        this.expected.push(this.at(file, line, unseen ? 'unseen' : 'seen'));
        this.actual.push(this.at(file, line, seen.has(line) ? 'seen' : 'unseen'));
      });
    }
  }
}

export interface Options {
  /** `CONFIG_` symbols as a .config has them. */
  symbols?: SymbolTable;
  rules?: readonly string[];
}

/** Checks that exactly what a C program's marks say is said of it. */
export async function expectC(
  source: string | Sources,
  { symbols, rules = ['rmp-under-mmu-lock'] }: Options = {},
): Promise<TreeAnalysis> {
  const sources = typeof source === 'string' ? { [SNIPPET]: source } : source;
  const analysis = await analyse(sources, symbols);
  const { expected, actual } = new Comparison(sources, analysis, analysis.check(rules));
  expect(expected.length, 'the source expects nothing').toBeGreaterThan(0);
  expect(actual.sort()).toEqual(expected.sort());
  return analysis;
}
