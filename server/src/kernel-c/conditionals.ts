/**
 * Which tokens of a file are read. At file level every branch of an `#if` is kept when each is whole items
 * (a developer navigates stubs and real functions alike) and its truth is noted; elsewhere one branch is kept.
 */
import { both, type Configuration, evaluateCondition, negate, type Truth } from './conditions.js';
import { type Directive, type MacroDefinition, parseDirective } from './directives.js';
import { TokenKind, type Tokens } from './lexer.js';

/** A stretch of kept text under a condition that isn't known to be true. */
export interface ConditionalRegion {
  start: number;
  end: number;
  truth: Truth;
  /** The condition as text; `!(…)` for an `#else`. */
  when: string;
}

export interface FoundMacro extends MacroDefinition {
  start: number;
  end: number;
  truth: Truth;
  when: string;
}

export interface FoundInclude {
  path: string;
  angled: boolean;
  start: number;
  truth: Truth;
  /** For `"…"` includes: object-like macros defined earlier in this file and not undefined since, when a template is included. */
  defined: () => ReadonlyMap<string, string>;
}

export interface KeptText {
  /** Indices into the tokens of those that are kept, directives left out. */
  kept: Int32Array;
  regions: ConditionalRegion[];
  macros: FoundMacro[];
  includes: FoundInclude[];
  /** Offsets of conditional directives without their partner. */
  unbalanced: number[];
}

interface Branch {
  condition: string;
  from: number;
  to: number;
  truth: Truth;
  when: string;
}

/** An object-like macro is defined, or undefined. */
interface Definition {
  name: string;
  body: string | undefined;
}

const NOTHING_DEFINED = (): ReadonlyMap<string, string> => new Map();

/** What the first of the definitions leave in force; worked out for the few who ask. */
const definedBy = (definitions: readonly Definition[], count: number) => (): ReadonlyMap<string, string> => {
  const defined = new Map<string, string>();
  for (const { name, body } of definitions.slice(0, count))
    if (body === undefined) defined.delete(name);
    else defined.set(name, body);
  return defined;
};

const PAREN_OPEN = 40;
const PAREN_CLOSE = 41;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const SEMICOLON = 59;
const NEWLINE = 10;

/** Conditionals nested deeper than this are nobody's code: their directives are passed over. */
const MAX_NESTING = 32;

/** `#if 0`, and the assembler's part of a header: nobody compiles it as C. */
function isNoCode(branch: Branch): boolean {
  if (/^\(?\s*0\s*\)?$/.test(branch.condition)) return true;
  return branch.truth === 'false' && /\b__ASSEMBL(Y|ER)__\b/.test(branch.when);
}

class Selection {
  readonly kept: Int32Array;
  count = 0;
  readonly regions: ConditionalRegion[] = [];
  readonly macros: FoundMacro[] = [];
  readonly includes: FoundInclude[] = [];
  readonly unbalanced: number[] = [];
  private readonly defined: Definition[] = [];
  private readonly directives = new Map<number, Directive>();
  private depth = 0;
  private nesting = 0;

  constructor(
    private readonly text: string,
    private readonly tokens: Tokens,
    private readonly configuration: Configuration,
  ) {
    this.kept = new Int32Array(tokens.count);
  }

  private directive(token: number): Directive {
    let directive = this.directives.get(token);
    if (!directive) {
      directive = parseDirective(this.text.slice(this.tokens.start[token]!, this.tokens.end[token]!));
      this.directives.set(token, directive);
    }
    return directive;
  }

  /** Keeps what lies in [from, to); `dropped` notes macros only, for they may still be asked for by name. */
  select(from: number, to: number, truth: Truth, when: string, dropped: boolean): void {
    for (let i = from; i < to; i++) {
      if (this.tokens.kind[i] !== TokenKind.Directive) {
        if (!dropped) this.keep(i);
        continue;
      }
      const directive = this.directive(i);
      if (directive.kind === 'if' && this.nesting < MAX_NESTING && !this.leavesFunction(i, to))
        i = this.selectGroup(i, to, truth, when, dropped);
      else this.note(i, directive, truth, when, dropped);
    }
  }

  private keep(i: number): void {
    this.kept[this.count++] = i;
    if (this.tokens.kind[i] !== TokenKind.Punctuation) return;
    const code = this.tokens.code[i];
    // Kernel style puts a function's braces into the first column: a half-typed function costs only itself.
    if (code === BRACE_CLOSE && this.inFirstColumn(i)) this.depth = 0;
    else if (code === BRACE_OPEN && this.inFirstColumn(i)) this.depth = 1;
    else if (code === BRACE_OPEN || code === PAREN_OPEN || code === BRACKET_OPEN) this.depth++;
    else if ((code === BRACE_CLOSE || code === PAREN_CLOSE || code === BRACKET_CLOSE) && this.depth > 0)
      this.depth--;
  }

  private inFirstColumn(token: number): boolean {
    const start = this.tokens.start[token]!;
    return start === 0 || this.text.charCodeAt(start - 1) === NEWLINE;
  }

  private note(token: number, directive: Directive, truth: Truth, when: string, dropped: boolean): void {
    const start = this.tokens.start[token]!;
    switch (directive.kind) {
      case 'define':
        this.noteMacro(directive.macro, token, truth, when, dropped);
        break;
      case 'undef':
        if (truth !== 'false' && !dropped) this.defined.push({ name: directive.name, body: undefined });
        break;
      case 'include':
        this.includes.push({
          path: directive.path,
          angled: directive.angled,
          start,
          truth: dropped ? 'false' : truth,
          // A template lies beside its users.
          defined: directive.angled ? NOTHING_DEFINED : definedBy(this.defined, this.defined.length),
        });
        break;
      case 'if':
      case 'elif':
      case 'else':
      case 'endif':
        this.unbalanced.push(start);
        break;
      default:
    }
  }

  private noteMacro(
    { name, parameters, variadic, body }: MacroDefinition,
    token: number,
    truth: Truth,
    when: string,
    dropped: boolean,
  ): void {
    this.macros.push({
      name,
      parameters,
      variadic,
      body,
      start: this.tokens.start[token]!,
      end: this.tokens.end[token]!,
      truth: dropped ? both(truth, 'false') : truth,
      when,
    });
    if (parameters === null && truth !== 'false' && !dropped) this.defined.push({ name, body });
  }

  /** Handles the group whose `#if` is token `open`; returns the index of its `#endif`. */
  private selectGroup(open: number, to: number, truth: Truth, when: string, dropped: boolean): number {
    const { branches, end } = this.branchesOf(open, to);
    if (end >= to) this.unbalanced.push(this.tokens.start[open]!);
    const keepAll =
      !dropped &&
      this.depth === 0 &&
      this.isItemBoundary() &&
      branches.every((branch) => this.isWholeItems(branch, end, to));
    const chosen =
      branches.find((branch) => branch.truth === 'true') ??
      branches.find((branch) => branch.truth === 'unknown');
    for (const branch of branches) {
      const branchTruth = both(truth, branch.truth);
      const branchWhen = branch.when === '' ? when : when === '' ? branch.when : `${when} && ${branch.when}`;
      const drop = dropped || isNoCode(branch) || (!keepAll && branch !== chosen);
      if (!drop && keepAll && branchTruth !== 'true') {
        const start = this.tokens.start[branch.from - 1]!;
        const last = Math.max(branch.from, branch.to) - 1;
        this.regions.push({ start, end: this.tokens.end[last]!, truth: branchTruth, when: branchWhen });
      }
      this.nesting++;
      this.select(
        branch.from,
        branch.to,
        drop && !dropped && branchTruth === 'true' ? 'false' : branchTruth,
        branchWhen,
        drop,
      );
      this.nesting--;
    }
    return end;
  }

  private branchesOf(open: number, to: number): { branches: Branch[]; end: number } {
    const branches: Branch[] = [];
    let nesting = 0;
    let earlier: Truth = 'true';
    let earlierText = '';
    let from = open + 1;
    let condition = (this.directive(open) as { condition: string }).condition;
    let isElse = false;
    const close = (end: number) => {
      const own: Truth = isElse
        ? 'true'
        : this.isIncludeGuard(open, condition)
          ? 'true'
          : evaluateCondition(condition, this.configuration);
      const guard = !isElse && this.isIncludeGuard(open, condition);
      const text = isElse ? '' : `(${condition})`;
      const when = guard ? '' : [earlierText, text].filter(Boolean).join(' && ');
      branches.push({ condition: isElse ? '' : condition, from, to: end, truth: both(earlier, own), when });
      earlier = both(earlier, negate(own));
      earlierText = [earlierText, `!(${condition})`].filter(Boolean).join(' && ');
    };
    let braces = 0;
    const { kind } = this.tokens;
    for (let i = open + 1; i < to; i++) {
      if (kind[i] === TokenKind.Punctuation) {
        braces = this.bracesBehind(i, braces);
        continue;
      }
      if (kind[i] !== TokenKind.Directive) continue;
      const directive = this.directive(i);
      if (directive.kind === 'if') nesting++;
      else if (directive.kind === 'endif') {
        if (nesting-- === 0) {
          close(i);
          return { branches, end: i };
        }
      } else if (nesting === 0 && (directive.kind === 'elif' || directive.kind === 'else')) {
        if (this.depth === 0 && braces > 0 && this.goesOnInBody(i + 1, to)) {
          // In the middle of a function that began in this branch: somebody is typing it. Selecting notes it.
          continue;
        }
        close(i);
        braces = 0;
        from = i + 1;
        isElse = directive.kind === 'else';
        if (directive.kind === 'elif') condition = directive.condition;
      }
    }
    close(to);
    return { branches, end: to };
  }

  /** Does the group that begins in a body at `open` reach into the next function? Its `#endif` isn't typed yet. */
  private leavesFunction(open: number, to: number): boolean {
    if (this.depth === 0) return false;
    let nesting = 0;
    let hasEnded = false;
    for (let i = open + 1; i < to; i++) {
      if (this.tokens.kind[i] === TokenKind.Directive) {
        const { kind } = this.directive(i);
        if (kind === 'if') nesting++;
        else if (kind === 'endif' && nesting-- === 0) return false;
      } else if (this.tokens.kind[i] === TokenKind.Punctuation && this.inFirstColumn(i)) {
        if (this.tokens.code[i] === BRACE_CLOSE) hasEnded = true;
        else if (hasEnded && this.tokens.code[i] === BRACE_OPEN) return true;
      }
    }
    return false;
  }

  /** Does a function's body go on at this token? The next function would begin in the first column. */
  private goesOnInBody(token: number, to: number): boolean {
    return token < to && (!this.inFirstColumn(token) || this.tokens.code[token] === BRACE_CLOSE);
  }

  /** How many braces are open behind a punctuation token; those in the first column are a function's own. */
  private bracesBehind(token: number, before: number): number {
    const code = this.tokens.code[token];
    if (code === BRACE_OPEN) return this.inFirstColumn(token) ? 1 : before + 1;
    if (code === BRACE_CLOSE) return this.inFirstColumn(token) ? 0 : before - 1;
    return before;
  }

  private isIncludeGuard(open: number, condition: string): boolean {
    const symbol = /^!\s*defined\s*\(?\s*(\w+)\s*\)?$/.exec(condition)?.[1];
    if (
      symbol === undefined ||
      open + 1 >= this.tokens.count ||
      this.tokens.kind[open + 1] !== TokenKind.Directive
    )
      return false;
    const next = this.directive(open + 1);
    return (
      next.kind === 'define' &&
      next.macro.name === symbol &&
      next.macro.parameters === null &&
      next.macro.body === ''
    );
  }

  private isItemBoundary(): boolean {
    if (this.count === 0) return true;
    const code = this.tokens.code[this.kept[this.count - 1]!];
    return code === SEMICOLON || code === BRACE_CLOSE || code === PAREN_CLOSE;
  }

  /** True when a branch holds whole file-level items: nothing open at its end, nothing that goes on behind `#endif`. */
  private isWholeItems(branch: Branch, end: number, to: number): boolean {
    const last = this.lastOfBalanced(branch);
    return last === undefined || (last >= 0 && this.endsItem(last, end, to));
  }

  /** The last token of a branch, `undefined` where it has none, -1 where something is open at its end. */
  private lastOfBalanced(branch: Branch): number | undefined {
    const { kind: kinds, code: codes } = this.tokens;
    let braces = 0;
    let parentheses = 0;
    let last = -1;
    let skip = 0;
    const groups: boolean[] = [];
    for (let i = branch.from; i < branch.to; i++) {
      if (kinds[i] === TokenKind.Directive) {
        const kind = this.directive(i).kind;
        if (kind === 'if') groups.push(false);
        else if (kind === 'elif' || kind === 'else') {
          // Of a nested group one branch is counted: the others repeat its brackets.
          if (groups.length > 0 && !groups[groups.length - 1]) {
            groups[groups.length - 1] = true;
            skip++;
          }
        } else if (kind === 'endif' && groups.pop()) skip--;
        continue;
      }
      if (skip > 0) continue;
      last = i;
      if (kinds[i] !== TokenKind.Punctuation) continue;
      const code = codes[i];
      braces = this.bracesBehind(i, braces);
      // In a body a parenthesis too many is that function's trouble.
      if (braces === 0 && code === PAREN_OPEN) parentheses++;
      else if (braces === 0 && code === PAREN_CLOSE) parentheses--;
      if (braces < 0 || parentheses < 0) return -1;
    }
    if (braces !== 0 || parentheses !== 0) return -1;
    return last < 0 ? undefined : last;
  }

  /** Is this the last token of an item, in front of the `#endif` at `end`? */
  private endsItem(last: number, end: number, to: number): boolean {
    const code = this.tokens.kind[last] === TokenKind.Punctuation ? this.tokens.code[last] : 0;
    if (code === SEMICOLON || code === BRACE_CLOSE) return true;
    if (code !== PAREN_CLOSE) return false;
    const next =
      end + 1 < to && this.tokens.kind[end + 1] === TokenKind.Punctuation ? this.tokens.code[end + 1] : 0;
    return next !== BRACE_OPEN && next !== SEMICOLON;
  }
}

/** Chooses the tokens of a file that are parsed, and takes its `#define`s and `#include`s out. */
export function selectText(text: string, tokens: Tokens, configuration: Configuration): KeptText {
  const selection = new Selection(text, tokens, configuration);
  selection.select(0, tokens.count, 'true', '', false);
  return {
    kept: selection.kept.subarray(0, selection.count),
    regions: selection.regions,
    macros: selection.macros,
    includes: selection.includes,
    unbalanced: selection.unbalanced,
  };
}
