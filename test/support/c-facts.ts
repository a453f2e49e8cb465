/**
 * C in, what is read from it out. A source carries its expectations as comments at the line that they are about:
 *
 *   `/*! function f static inline weak *\/`  a function is defined here; also `by MACRO`, `if COND`, `off COND`
 *   `/*! prototype f *\/`, `/*! variable v: struct kvm* *\/`, `/*! field struct kvm.lock: spinlock_t *\/`
 *   `/*! macro M(a, b): f g *\/`    a macro whose body calls f and g; `unread` where its body isn't known
 *   `/*! invocation M(a, b) *\/`, `/*! include path *\/`, `/*! enumerator E *\/`
 *   `/*! initialiser .get=f .put=g *\/`  what this line's variable is initialised with
 *   `/*! calls f g->h *\/`          the calls written on this line, in their order
 *   `/*! loop kvm_for_each_vcpu *\/` an iterator macro's loop
 *   `/*! masked text *\/`           what the parser is given instead of this line, blanks joined
 *   `/*! note text *\/`             a note about this line that holds the text
 *
 * Functions and notes that aren't marked must not be there; of the other kinds, neither, once one is marked.
 */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  type Configuration,
  configurationOf,
  type SymbolTable,
} from '../../server/src/kernel-c/conditions.ts';
import type { FileFacts, FunctionFacts, MacroFacts } from '../../server/src/kernel-c/facts.ts';
import { readFacts } from '../../server/src/kernel-c/file-facts.ts';
import { MacroReader } from '../../server/src/kernel-c/macro-facts.ts';
import { maskKernelC } from '../../server/src/kernel-c/masking.ts';
import { type CParser, loadParser } from '../../server/src/kernel-c/parser.ts';
import {
  type Expression,
  lineOffsetOf,
  type Position,
  type Statement,
  visitStatement,
} from '../../server/src/kernel-c/syntax.ts';

const require = createRequire(join(import.meta.dirname, '..', '..', 'server', 'package.json'));

export function testParser(): Promise<CParser> {
  return loadParser({
    runtime: require.resolve('web-tree-sitter/tree-sitter.wasm'),
    grammar: require.resolve('tree-sitter-c/tree-sitter-c.wasm'),
  });
}

export const testConfiguration = (symbols: SymbolTable = {}): Configuration =>
  configurationOf(symbols, false, JSON.stringify(symbols));

export async function factsOf(source: string, symbols?: SymbolTable): Promise<FileFacts> {
  return readFacts(await testParser(), source, testConfiguration(symbols));
}

interface Mark {
  /** From 1. */
  line: number;
  kind: string;
  rest: string;
}

const KINDS = new Set([
  'function',
  'prototype',
  'variable',
  'field',
  'macro',
  'invocation',
  'include',
  'enumerator',
  'initialiser',
  'calls',
  'loop',
  'masked',
  'note',
]);

function marksOf(source: string): Mark[] {
  return source.split('\n').flatMap((text, index) =>
    [...text.matchAll(/\/\*! (\w+) ?(.*?) ?\*\//g)].map((match) => {
      if (!KINDS.has(match[1]!)) throw new Error(`no such mark: ${match[1]}`);
      return { line: index + 1, kind: match[1]!, rest: match[2]! };
    }),
  );
}

/** A called expression as a person would write it. */
function textOf(node: Expression): string {
  switch (node.k) {
    case 'id':
      return node.n;
    case 'field':
      return `${textOf(node.o)}${node.arrow ? '->' : '.'}${node.n}`;
    case 'index':
      return `${textOf(node.o)}[${textOf(node.i)}]`;
    case 'unary':
      return `${node.op}${textOf(node.x)}`;
    case 'call':
      return `${textOf(node.f)}(${node.a.map(textOf).join(',')})`;
    case 'type':
      return node.t.replaceAll(' ', '_');
    case 'num':
      return node.v;
    case 'init':
      return node.items
        .map((item) => `${(item.d ?? []).map((d) => `.${d}`).join('')}=${textOf(item.x)}`)
        .join(' ');
    case 'cast':
      return `(${node.t})${textOf(node.x)}`;
    case 'cond':
      return `${textOf(node.c)}?${node.t ? textOf(node.t) : ''}:${textOf(node.e)}`;
    default:
      return `<${node.k}>`;
  }
}

interface Called {
  p: Position;
  text: string;
}

function callsIn(statements: readonly Statement[]): { calls: Called[]; loops: Called[] } {
  const calls: Called[] = [];
  const loops: Called[] = [];
  for (const statement of statements)
    visitStatement(
      statement,
      (node) => {
        if (node.k === 'call') calls.push({ p: node.p, text: textOf(node.f) });
      },
      (node) => {
        if (node.k === 'foreach') loops.push({ p: node.p, text: node.macro });
      },
    );
  return { calls, loops };
}

const bodyOf = (json: string): Statement[] => JSON.parse(json) as Statement[];

function functionText(fn: FunctionFacts): string {
  const words = [fn.name, fn.static && 'static', fn.inline && 'inline', fn.weak && 'weak'];
  if (fn.generatedBy) words.push(`by ${fn.generatedBy}`);
  if (fn.truth === 'false') words.push(`off ${fn.when}`);
  else if (fn.truth === 'unknown') words.push(`if ${fn.when}`);
  return words.filter(Boolean).join(' ');
}

function macroText(macro: MacroFacts, reader: MacroReader): string {
  const head = macro.name + (macro.parameters ? `(${macro.parameters.join(', ')})` : '');
  const { body } = reader.contentOf(macro);
  if (body === undefined) return `${head}: unread`;
  const names = callsIn(body).calls.map(({ text }) => text);
  return `${head}:${names.map((name) => ` ${name}`).join('')}`;
}

/** Everything that is read from a source, as marks would say it. */
function said(
  source: string,
  facts: FileFacts,
  macros: MacroReader,
  masked: string,
  marks: readonly Mark[],
): Mark[] {
  const found: Mark[] = [];
  const say = (line: number, kind: string, rest: string) => found.push({ line, kind, rest });
  for (const fn of facts.functions) say(fn.line, 'function', functionText(fn));
  for (const { name, line } of facts.prototypes) say(line, 'prototype', name);
  for (const { name, type, line, initialiser } of facts.variables) {
    say(line, 'variable', `${name}: ${type}`);
    if (initialiser !== undefined) say(line, 'initialiser', textOf(JSON.parse(initialiser) as Expression));
  }
  for (const { tag, line, fields } of facts.aggregates)
    for (const { name, type } of fields)
      say(lineOfField(source, line, name), 'field', `${tag}.${name}: ${type}`);
  for (const macro of facts.macros) say(macro.line, 'macro', macroText(macro, macros));
  for (const { name, arguments: args, line } of facts.invocations)
    say(line, 'invocation', `${name}(${args.join(', ')})`);
  for (const { path, line } of facts.includes) say(line, 'include', path);
  for (const { name } of facts.enumerators) say(lineOfField(source, 1, name), 'enumerator', name);
  for (const { line, message } of facts.notes)
    say(
      line,
      'note',
      marks.find((mark) => mark.kind === 'note' && mark.line === line && message.includes(mark.rest))?.rest ??
        message,
    );
  for (const fn of facts.functions) {
    const { calls, loops } = callsIn(bodyOf(fn.body));
    for (const { p, text } of loops) say(fn.firstLine + lineOffsetOf(p), 'loop', text);
    const byLine = new Map<number, string[]>();
    for (const { p, text } of calls) {
      const line = fn.firstLine + lineOffsetOf(p);
      byLine.set(line, [...(byLine.get(line) ?? []), text]);
    }
    for (const [line, names] of byLine) say(line, 'calls', names.join(' '));
  }
  const lines = masked.split('\n');
  for (const { line, kind } of marks)
    if (kind === 'masked') say(line, 'masked', lines[line - 1]!.trim().replace(/\s+/g, ' '));
  return found;
}

/** Members have no line of their own in the facts: the first line from the aggregate's on that names it. */
function lineOfField(source: string, from: number, name: string): number {
  const lines = source.replace(/\/\*!.*?\*\//g, '').split('\n');
  const word = new RegExp(`\\b${name}\\b`);
  for (let line = from; line <= lines.length; line++) if (word.test(lines[line - 1]!)) return line;
  return from;
}

const byLine = (a: string, b: string) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1);

/** Checks that exactly what a source's marks say is read from it. */
export async function checkC(source: string, symbols?: SymbolTable): Promise<FileFacts> {
  const facts = await factsOf(source, symbols);
  const macros = new MacroReader(await testParser(), testConfiguration(symbols));
  const { text } = maskKernelC(source, testConfiguration(symbols));
  expect(text.length, 'length of the masked text').toBe(source.length);
  expect(text.replace(/[^\n]/g, ''), 'line breaks of the masked text').toBe(source.replace(/[^\n]/g, ''));
  const marks = marksOf(source);
  expect(marks.length, 'the source expects nothing').toBeGreaterThan(0);
  const marked = new Set(['function', 'note', ...marks.map(({ kind }) => kind)]);
  const withCalls = new Set(marks.filter(({ kind }) => kind === 'calls').map(({ line }) => line));
  const actual = said(source, facts, macros, text, marks).filter(
    ({ kind, line }) => marked.has(kind) && (kind !== 'calls' || withCalls.has(line)),
  );
  const render = (list: readonly Mark[]) =>
    list.map(({ line, kind, rest }) => `${line}: ${kind} ${rest}`.trim()).sort(byLine);
  expect(render(actual)).toEqual(render(marks));
  return facts;
}
