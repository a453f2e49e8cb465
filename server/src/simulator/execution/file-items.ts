/** One file's text → its external declarations, conditionals decided, and its macros. Nothing is expanded here. */
import {
  both,
  type Configuration,
  evaluateCondition,
  negate,
  type Truth,
} from '../../kernel-c/conditions.js';
import { parseDirective } from '../../kernel-c/directives.js';
import { type ItemIndex, indexItem } from './item-index.js';
import { macroFrom } from './preprocessor.js';
import type { FunctionLines, Item, Macro } from './source.js';
import { lex, type Token } from './tokens.js';

export interface FileItem extends Item {
  index: ItemIndex;
  isStatic: boolean;
  hasBody: boolean;
}

export interface FileItems {
  items: FileItem[];
  /** The last definition of each name. */
  macros: Map<string, Macro>;
}

/** The functions among a file's items; one that a macro's use defines has that macro's arguments as its names. */
export const functionsAmong = (items: readonly FileItem[]): FunctionLines[] =>
  items
    .filter(({ hasBody, via }) => hasBody && via === undefined)
    .map(({ index, line, endLine }) => ({
      names: index.functions.length > 0 ? [...index.functions, ...index.used] : index.used,
      line,
      endLine,
    }));

/** The file that an `#include` means, or undefined where it can't be had. */
export type Included = (path: string) => { file: string; text: string } | undefined;

/** Around what an included list of macro uses brings. */
const ENTER = '#enter';
const LEAVE = '#leave';

interface Branch {
  from: number;
  to: number;
  truth: Truth;
}

/** Tokens that count, with the directives that matter among them. */
class Selection {
  readonly kept: Token[] = [];
  private readonly defined = new Map<string, number | undefined>();
  /** Function-like macros that this file has defined so far. */
  private readonly functionLike = new Set<string>();
  private including = false;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly base: Configuration,
    private readonly included: Included,
  ) {}

  private readonly configuration: Configuration = {
    key: '',
    valueOf: (symbol) => (this.defined.has(symbol) ? this.defined.get(symbol) : this.base.valueOf(symbol)),
  };

  select(from: number, to: number, tokens = this.tokens): void {
    for (let i = from; i < to; i++) {
      const token = tokens[i]!;
      if (token.kind !== 'directive') {
        this.kept.push(token);
        continue;
      }
      const directive = parseDirective(token.text);
      if (directive.kind === 'if')
        i = this.group(i, to, (directive as { condition: string }).condition, tokens);
      else if (directive.kind === 'define') {
        const { name, parameters, body } = directive.macro;
        const number = Number(body.replace(/[uUlL]+$/, '').replace(/^\((.*)\)$/, '$1'));
        this.defined.set(name, parameters === null && body !== '' && Number.isInteger(number) ? number : 1);
        if (parameters !== null) this.functionLike.add(name);
        this.kept.push(token);
      } else if (directive.kind === 'undef') {
        this.defined.set(directive.name, undefined);
        this.functionLike.delete(directive.name);
        this.kept.push(token);
      } else if (directive.kind === 'include') this.include(directive.path, token);
    }
  }

  private group(open: number, to: number, condition: string, tokens: readonly Token[]): number {
    const branches: Branch[] = [];
    let from = open + 1;
    let nesting = 0;
    let earlier: Truth = 'true';
    let own = this.isGuard(tokens, open, condition)
      ? 'true'
      : evaluateCondition(condition, this.configuration);
    let end = to;
    const close = (at: number) => {
      branches.push({ from, to: at, truth: both(earlier, own) });
      earlier = both(earlier, negate(own));
      from = at + 1;
    };
    for (let i = open + 1; i < to; i++) {
      const token = tokens[i]!;
      if (token.kind !== 'directive') continue;
      const directive = parseDirective(token.text);
      if (directive.kind === 'if') nesting++;
      else if (directive.kind === 'endif' && nesting-- === 0) {
        end = i;
        break;
      } else if (nesting === 0 && (directive.kind === 'elif' || directive.kind === 'else')) {
        close(i);
        own =
          directive.kind === 'else'
            ? 'true'
            : evaluateCondition((directive as { condition: string }).condition, this.configuration);
      }
    }
    close(end);
    const chosen =
      branches.find(({ truth }) => truth === 'true') ?? branches.find(({ truth }) => truth === 'unknown');
    if (chosen) this.select(chosen.from, chosen.to, tokens);
    return end;
  }

  /** A list of uses of macros that this file has just defined is part of this file. */
  private include(path: string, token: Token): void {
    if (this.functionLike.size === 0 || this.including) return;
    const target = this.included(path);
    if (!target) return;
    const uses = new RegExp(`^[ \\t]*(?:${[...this.functionLike].join('|')})[ \\t]*\\(`, 'm');
    if (!uses.test(target.text)) return;
    const tokens = lex(target.text, target.file);
    const marker = (text: string): Token => ({ kind: 'directive', text, loc: token.loc, space: true });
    this.including = true;
    this.kept.push(marker(ENTER));
    this.select(0, tokens.length, tokens);
    this.kept.push(marker(LEAVE));
    this.including = false;
  }

  /** `#ifndef X`, `#define X`: a guard, or a default. */
  private isGuard(tokens: readonly Token[], open: number, condition: string): boolean {
    const symbol = /^!\s*defined\s*\(?\s*(\w+)\s*\)?$/.exec(condition)?.[1];
    const next = tokens[open + 1];
    if (symbol === undefined || next?.kind !== 'directive') return false;
    const directive = parseDirective(next.text);
    return directive.kind === 'define' && directive.macro.name === symbol;
  }
}

const KEYWORD = /^(struct|union|enum)$/;
const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

class Splitter {
  private readonly items: FileItem[] = [];
  private readonly macros = new Map<string, Macro>();
  private readonly partners: Int32Array;
  /** The `#include` that the tokens come from. */
  private via: string | undefined;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly file: string,
    private readonly instance: string | undefined,
  ) {
    this.partners = partnersOf(tokens);
  }

  run(): FileItems {
    let at = 0;
    while (at < this.tokens.length) {
      const token = this.tokens[at]!;
      if (token.kind === 'directive') {
        this.directive(token);
        at++;
      } else if (token.text === ';') at++;
      else at = this.item(at);
    }
    return { items: this.items, macros: this.macros };
  }

  private directive(token: Token): void {
    if (token.text === ENTER) this.via = `${token.loc.file}:${token.loc.line}`;
    if (token.text === LEAVE) this.via = undefined;
    const macro = macroFrom(token);
    if (macro) {
      this.macros.set(macro.name, macro);
      return;
    }
  }

  /** Takes the item that begins at a token; returns the index behind it. */
  private item(from: number): number {
    const { tokens } = this;
    let assigned = false;
    let body = -1;
    let at = from;
    let last = from;
    for (; at < tokens.length; at++) {
      const { text, kind } = tokens[at]!;
      if (kind === 'directive') {
        this.directive(tokens[at]!);
        continue;
      }
      last = at;
      if (kind !== 'punc') continue;
      if (text === ';') break;
      if (text === '=') assigned = true;
      const partner = this.partners[at]!;
      if (partner <= at) continue;
      if (text === '{' && !assigned && !this.isAggregate(from, at)) {
        body = at;
        at = partner;
        break;
      }
      if (text === '(' && at === from + 1 && tokens[from]!.kind === 'id' && this.endsUse(partner)) {
        at = partner;
        break;
      }
      at = partner;
      last = at;
    }
    const end = Math.min(at, tokens.length - 1);
    this.push(from, Math.max(end, last), body);
    return end + 1;
  }

  /** Is a macro's use over at this `)`, though no semicolon follows? */
  private endsUse(close: number): boolean {
    const next = this.tokens[close + 1];
    if (!next || next.kind === 'directive') return true;
    return next.kind === 'id' && next.loc.column === 1 && next.loc.line > this.tokens[close]!.loc.line;
  }

  /** Does this brace open a struct, union or enum, not a function's body? */
  private isAggregate(from: number, brace: number): boolean {
    for (let at = brace - 1; at >= from; at--) {
      const { text, kind } = this.tokens[at]!;
      if (kind === 'directive') continue;
      if (KEYWORD.test(text)) return true;
      if (text === ')') {
        at = this.partners[at]!;
        if (!this.tokens[at - 1]?.text.startsWith('__')) return false;
      } else if (kind !== 'id') return false;
      else if (!text.startsWith('__')) {
        const before = this.tokens[at - 1]?.text ?? '';
        if (KEYWORD.test(before)) return true;
        // `struct __attribute__((packed)) tag {`
        if (before !== ')' && !before.startsWith('__')) return false;
      }
    }
    return false;
  }

  private push(from: number, to: number, body: number): void {
    const tokens = this.tokens.slice(from, to + 1);
    const bodyAt = body < 0 ? -1 : body - from;
    this.items.push({
      file: this.file,
      line: tokens[0]!.loc.line,
      endLine: tokens[tokens.length - 1]!.loc.line,
      tokens,
      ...(this.instance !== undefined && { instance: this.instance }),
      index: indexItem(tokens, bodyAt),
      isStatic: tokens.slice(0, bodyAt < 0 ? 12 : Math.min(12, bodyAt)).some(({ text }) => text === 'static'),
      hasBody: body >= 0,
      ...(this.via !== undefined && { via: this.via, macros: new Map(this.macros) }),
    });
  }
}

/** For each bracket the index of its partner, or -1. */
function partnersOf(tokens: readonly Token[]): Int32Array {
  const partners = new Int32Array(tokens.length).fill(-1);
  const open: number[] = [];
  tokens.forEach(({ kind, text }, index) => {
    if (kind !== 'punc') return;
    if (CLOSING[text]) open.push(index);
    else if (text === ')' || text === ']' || text === '}') {
      const at = open[open.length - 1];
      if (at === undefined || CLOSING[tokens[at]!.text] !== text) return;
      open.pop();
      partners[at] = index;
      partners[index] = at;
    }
  });
  return partners;
}

/**
 * Reads a file.
 * @param configuration what `#if` is decided by; unknown conditions count as true where no branch is
 * @throws CodeError for a comment or literal without an end
 */
export function readItems(
  text: string,
  file: string,
  configuration: Configuration,
  instance?: string,
  included: Included = () => undefined,
): FileItems {
  const tokens = lex(text, file);
  const selection = new Selection(tokens, configuration, included);
  selection.select(0, tokens.length);
  return new Splitter(selection.kept, file, instance).run();
}
