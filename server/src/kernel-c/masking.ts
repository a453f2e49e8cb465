/**
 * Kernel C → text of the same length and the same line breaks that tree-sitter's C grammar reads without errors.
 * One walk over the tokens; every class of construct that the grammar does not know has one method here.
 * What a mask hides is returned beside the text: nothing is lost, and offsets stay those of the file.
 */

import { type ConditionalRegion, type FoundInclude, type FoundMacro, selectText } from './conditionals.js';
import type { Configuration } from './conditions.js';
import {
  ATTRIBUTES_WITH_ARGUMENTS,
  BARE_ATTRIBUTES,
  DECLARATION_MACROS,
  GROUP_MACROS,
  NOT_A_CALL,
  PRIMITIVE_WORDS,
  SCOPED_GUARDS,
  TYPEOF_WORDS,
} from './knowledge.js';
import { TokenKind, type Tokens, tokenize } from './lexer.js';

/** A macro used as a whole item at file level: `EXPORT_SYMBOL_GPL(x);`, `KVM_X86_OP(vcpu_run)`. */
export interface Invocation {
  name: string;
  /** Arguments as written, trimmed. */
  arguments: string[];
  start: number;
  end: number;
}

export interface MaskedText {
  text: string;
  /** Offset of a masking `while` → the iterator or guard macro that stands there in the file. */
  iterators: ReadonlyMap<number, string>;
  invocations: readonly Invocation[];
  /** Offsets of `__weak`. */
  weak: readonly number[];
  /** Offset of a `__free(f)` or `__cleanup(f)` → f. */
  cleanups: ReadonlyMap<number, string>;
  /** Offset of the masked text of a function made by a macro such as `SYSCALL_DEFINE3` → that macro. */
  definers: ReadonlyMap<number, string>;
  regions: readonly ConditionalRegion[];
  macros: readonly FoundMacro[];
  includes: readonly FoundInclude[];
  problems: readonly { offset: number; message: string }[];
}

const PAREN_OPEN = 40;
const PAREN_CLOSE = 41;
const STAR = 42;
const COMMA = 44;
const DOT = 46;
const COLON = 58;
const SEMICOLON = 59;
const EQUALS = 61;
const BRACKET_OPEN = 91;
const BRACKET_CLOSE = 93;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;
const NEWLINE = 10;

type Scope = 'function' | 'aggregate' | 'initialiser' | 'other';

const blank = (text: string) => text.replace(/[^\n]/g, ' ');
const VALID_NUMBER =
  /^(0[xX][0-9a-fA-F]+[uUlLzZ]*|0[bB][01]+[uUlLzZ]*|\d+[uUlLzZ]*|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[fFlL]?)$/;
const ITERATOR_NAME = /for_?each/;
const ALIGNOF_WORD = /^(_Alignof|__alignof__|__alignof|alignof)$/;
const TYPE_LIKE_ATTRIBUTE = /^__([usif]\d+|[bl]e\d+|kernel_\w+|poll_t|w?sum\w*|u?int128\w*|builtin_\w+|signed__|typeof\w*|va_list|read_mostly_t)$/;
/** `asm`, its spellings, and the wrappers of include/linux/compiler_types.h such as `asm_goto_output`. */
const ASSEMBLY_WORD = /^(asm|__asm__|__asm|asm_goto_output|asm_volatile_goto|asm_inline)$/;

class Masker {
  private readonly tokens: Tokens;
  /** Kept tokens by position; -1 where there is none. */
  private readonly kept: Int32Array;
  /** Position of the bracket that closes the one at this position (or opens it); -1 without a partner. */
  private readonly partner: Int32Array;
  private readonly edits: { start: number; end: number; text: string }[] = [];
  private readonly scopes: Scope[] = [];
  /** For each open parenthesis: does it hold the arguments of a call in a body or initialiser? */
  private readonly parentheses: boolean[] = [];
  private readonly skipUntil = { position: -1 };
  readonly iterators = new Map<number, string>();
  readonly invocations: Invocation[] = [];
  readonly weak: number[] = [];
  readonly cleanups = new Map<number, string>();
  readonly definers = new Map<number, string>();
  readonly problems: { offset: number; message: string }[] = [];
  private readonly selected;

  constructor(
    private readonly source: string,
    configuration: Configuration,
  ) {
    this.tokens = tokenize(source);
    if (this.tokens.unterminated >= 0)
      this.problems.push({ offset: this.tokens.unterminated, message: 'comment is never closed' });
    this.selected = selectText(source, this.tokens, configuration);
    this.kept = this.selected.kept;
    for (const offset of this.selected.unbalanced)
      this.problems.push({ offset, message: 'conditional directive without its partner' });
    this.partner = this.matchBrackets();
  }

  mask(): MaskedText {
    for (let i = 0; i < this.kept.length; i++) this.visit(i);
    return {
      text: this.compose(),
      iterators: this.iterators,
      invocations: this.invocations,
      weak: this.weak,
      cleanups: this.cleanups,
      definers: this.definers,
      regions: this.selected.regions,
      macros: this.selected.macros,
      includes: this.selected.includes,
      problems: this.problems,
    };
  }

  // Tokens by position among the kept ones.

  private kind(i: number): number {
    return i < 0 || i >= this.kept.length ? 0 : this.tokens.kind[this.kept[i]!]!;
  }
  private code(i: number): number {
    return i < 0 || i >= this.kept.length ? 0 : this.tokens.code[this.kept[i]!]!;
  }
  private start(i: number): number {
    return this.tokens.start[this.kept[i]!]!;
  }
  private end(i: number): number {
    return this.tokens.end[this.kept[i]!]!;
  }
  private word(i: number): string {
    return this.kind(i) === TokenKind.Word ? this.source.slice(this.start(i), this.end(i)) : '';
  }
  private is(i: number, code: number): boolean {
    return this.kind(i) === TokenKind.Punctuation && this.code(i) === code;
  }

  private matchBrackets(): Int32Array {
    const partner = new Int32Array(this.kept.length).fill(-1);
    const open: number[] = [];
    for (let i = 0; i < this.kept.length; i++) {
      if (this.kind(i) !== TokenKind.Punctuation) continue;
      const code = this.code(i);
      const firstColumn = this.start(i) === 0 || this.source.charCodeAt(this.start(i) - 1) === NEWLINE;
      if (firstColumn && (code === BRACE_OPEN || code === BRACE_CLOSE)) {
        // A brace in the first column belongs to an item of the file: whatever is still open inside was half typed.
        while (open.length > (code === BRACE_CLOSE ? 1 : 0)) open.pop();
      }
      if (code === PAREN_OPEN || code === BRACE_OPEN || code === BRACKET_OPEN) open.push(i);
      else if (code === PAREN_CLOSE || code === BRACE_CLOSE || code === BRACKET_CLOSE) {
        const wanted = code === PAREN_CLOSE ? PAREN_OPEN : code === BRACE_CLOSE ? BRACE_OPEN : BRACKET_OPEN;
        let at = open.length - 1;
        while (at >= 0 && this.code(open[at]!) !== wanted && open.length - at < 3) at--;
        if (at < 0 || this.code(open[at]!) !== wanted) continue;
        partner[open[at]!] = i;
        partner[i] = open[at]!;
        open.length = at;
      }
    }
    return partner;
  }

  private edit(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text });
  }
  private blankOut(start: number, end: number): void {
    this.edit(start, end, blank(this.source.slice(start, end)));
  }
  private blankToken(i: number): void {
    this.blankOut(this.start(i), this.end(i));
  }
  /** Writes `text` over [start, end): padded with blanks, line breaks kept behind it. */
  private overwrite(start: number, end: number, text: string): void {
    const rest = this.source.slice(start + text.length, end);
    this.edit(start, end, text + blank(rest));
  }

  private get scope(): Scope | undefined {
    return this.scopes[this.scopes.length - 1];
  }
  private get inBody(): boolean {
    return this.scope === 'function' || this.scope === 'initialiser';
  }

  private visit(i: number): void {
    if (i <= this.skipUntil.position) return;
    switch (this.kind(i)) {
      case TokenKind.Punctuation:
        return this.visitPunctuation(i);
      case TokenKind.Word:
        return this.visitWord(i);
      case TokenKind.Number: {
        const text = this.source.slice(this.start(i), this.end(i));
        if (!VALID_NUMBER.test(text))
          this.edit(this.start(i), this.end(i), `_${text.slice(1).replace(/\W/g, '_')}`);
        return;
      }
      default:
    }
  }

  private visitPunctuation(i: number): void {
    switch (this.code(i)) {
      case BRACE_OPEN:
        return this.enterBrace(i);
      case BRACE_CLOSE:
        if (this.start(i) === 0 || this.source.charCodeAt(this.start(i) - 1) === NEWLINE) {
          this.scopes.length = 0;
          this.parentheses.length = 0;
        } else this.scopes.pop();
        return;
      case PAREN_OPEN: {
        const before = this.word(i - 1);
        this.parentheses.push(this.inBody && before !== '' && !NOT_A_CALL.has(before));
        return;
      }
      case PAREN_CLOSE:
        this.parentheses.pop();
        return;
      case COMMA:
        // `asm_safe("…", , x)`: an argument that is left out.
        if (this.parentheses[this.parentheses.length - 1] && (this.is(i - 1, COMMA) || this.is(i - 1, PAREN_OPEN))) this.blankToken(i);
        return;
      case COLON:
        if (this.scope === 'aggregate') this.maskUnnamedBitField(i);
        return;
      case STAR:
        if (this.parentheses[this.parentheses.length - 1]) this.maskPointerTypeArgument(i);
        return;
      case DOT:
        if (this.end(i) - this.start(i) === 3 && !this.is(i - 1, COMMA) && !this.is(i - 1, PAREN_OPEN))
          this.edit(this.start(i), this.end(i), ' + ');
        return;
      default:
    }
  }

  /** `unsigned :5;` → `unsigned _5;`. */
  private maskUnnamedBitField(i: number): void {
    const unnamed = this.is(i - 2, SEMICOLON) || this.is(i - 2, BRACE_OPEN) || PRIMITIVE_WORDS.has(this.word(i - 1));
    if (unnamed && this.kind(i - 1) === TokenKind.Word && this.kind(i + 1) === TokenKind.Number && this.is(i + 2, SEMICOLON)) this.edit(this.start(i), this.end(i), '_');
  }

  private enterBrace(i: number): void {
    if (this.start(i) === 0 || this.source.charCodeAt(this.start(i) - 1) === NEWLINE) {
      this.scopes.length = 0;
      this.parentheses.length = 0;
    }
    const outer = this.scope;
    if (outer === 'function' && !this.is(i - 1, EQUALS)) {
      const aggregate = this.isAggregateHead(i);
      this.scopes.push(aggregate ? 'aggregate' : 'function');
    } else if (this.is(i - 1, PAREN_CLOSE))
      this.scopes.push(outer === 'aggregate' ? 'aggregate' : 'function');
    else if (this.is(i - 1, EQUALS) || outer === 'initialiser') this.scopes.push('initialiser');
    else if (this.isAggregateHead(i) || outer === 'aggregate') this.scopes.push('aggregate');
    else this.scopes.push(this.kind(i - 1) === TokenKind.Word ? 'function' : 'other');
  }

  private isAggregateHead(i: number): boolean {
    const isKeyword = (word: string) => word === 'struct' || word === 'union' || word === 'enum';
    return (
      isKeyword(this.word(i - 1)) ||
      isKeyword(this.word(i - 2)) ||
      (BARE_ATTRIBUTES.has(this.word(i - 2)) && isKeyword(this.word(i - 3)))
    );
  }

  private visitWord(i: number): void {
    const word = this.word(i);
    if (BARE_ATTRIBUTES.has(word) && !this.isUsedAsName(i)) return this.maskAttribute(i, word);
    if (ATTRIBUTES_WITH_ARGUMENTS.has(word) && this.is(i + 1, PAREN_OPEN))
      return this.maskAttributeWithArguments(i, word);
    if (ASSEMBLY_WORD.test(word)) return this.maskAssembly(i);
    if ((word === 'offsetof' || ALIGNOF_WORD.test(word)) && this.is(i + 1, PAREN_OPEN)) return this.maskOffsetof(i, word);
    if (word.startsWith('__') && this.maskUnknownAttribute(i, word)) return;
    if (TYPEOF_WORDS.has(word)) return this.maskTypeof(i);
    if (DECLARATION_MACROS.has(word)) return this.maskDeclaration(i, word);
    if (GROUP_MACROS.has(word) && this.scope === 'aggregate')
      return this.maskGroup(i, GROUP_MACROS.get(word)!);
    if (
      this.parentheses[this.parentheses.length - 1] &&
      (this.is(i - 1, PAREN_OPEN) || this.is(i - 1, COMMA))
    ) {
      if (this.maskTypeArgument(i, word)) return;
    }
    if (this.is(i + 1, PAREN_OPEN)) {
      if (this.scopes.length === 0 && this.parentheses.length === 0) this.maskFileLevelMacro(i, word);
      else if (this.scope === 'function' && !NOT_A_CALL.has(word)) {
        if (this.kind(i + 2) === TokenKind.Literal && this.hasAssemblyOperands(i + 1)) return this.maskAssembly(i);
        if (this.word(i - 1) === 'static') return this.maskLocalDeclarer(i);
        this.maskIterator(i, word);
      }
    }
  }

  /** `__weak` and its like may be a plain name elsewhere: a macro's argument, a struct's member. */
  private isUsedAsName(i: number): boolean {
    const before = this.code(i - 1);
    return (
      this.kind(i - 1) === TokenKind.Punctuation &&
      (before === DOT || (before === 45 && this.end(i - 1) - this.start(i - 1) === 2))
    );
  }

  private maskAttribute(i: number, word: string): void {
    if (word === '__weak') this.weak.push(this.start(i));
    this.blankToken(i);
  }

  private maskAttributeWithArguments(i: number, word: string): void {
    const close = this.partner[i + 1]!;
    if (close < 0) return;
    if (word === '__free' || word === '__cleanup')
      this.cleanups.set(this.start(i), this.source.slice(this.end(i + 1), this.start(close)).trim());
    else if (/\bweak\b|__weak__/.test(this.source.slice(this.start(i), this.end(close))))
      this.weak.push(this.start(i));
    this.blankOut(this.start(i), this.end(close));
    this.skipUntil.position = close;
  }

  /** `asm_safe("fxsave %[fx]", , [fx] "+m"(state))`: operands make a macro's call one for the assembler. */
  private hasAssemblyOperands(open: number): boolean {
    for (let i = open + 2; i < this.partner[open]!; i++) {
      if (this.is(i, BRACKET_OPEN) && this.kind(i + 1) === TokenKind.Word && this.is(i + 2, BRACKET_CLOSE) && this.kind(i + 3) === TokenKind.Literal) return true;
    }
    return false;
  }

  private maskAssembly(i: number): void {
    let open = i + 1;
    while (this.kind(open) === TokenKind.Word) open++;
    const close = this.is(open, PAREN_OPEN) ? this.partner[open]! : -1;
    if (close < 0) return;
    // As an expression so that `x ? asm(…) : 0` and `({ asm(…); })` stay whole.
    this.overwrite(this.start(i), this.end(close), '0');
    this.skipUntil.position = close;
    if (
      this.is(close + 1, SEMICOLON) &&
      !this.is(i - 1, SEMICOLON) &&
      !this.is(i - 1, BRACE_OPEN) &&
      this.kind(i - 1) === TokenKind.Word
    ) {
      // `register long x asm("r8");`: a name for the assembler, not a statement.
      this.edits.pop();
      this.blankOut(this.start(i), this.end(close));
    }
  }

  /** The grammar takes one member name; `offsetof(struct x, a.b)` and `offsetof(struct x, a[i])` become a number. */
  private maskOffsetof(i: number, word: string): void {
    const close = this.partner[i + 1]!;
    if (close < 0) return;
    const comma = this.argumentCommas(i + 1, close)[0];
    if (word === 'offsetof' && (comma === undefined || close === comma + 2)) return;
    this.overwrite(this.start(i), this.end(close), '0');
    this.skipUntil.position = close;
  }

  /**
   * Attribute words that no table lists, told by their place: behind a declarator (`] __x;`, `) __x(2);`), or between
   * a type and the declared name (`extern bool __x name(`). Kernel attributes begin with `__`; so do a few types.
   */
  private maskUnknownAttribute(i: number, word: string): boolean {
    if (TYPE_LIKE_ATTRIBUTE.test(word) || this.inBody || this.parentheses.length > 0) return false;
    const behindDeclarator = this.is(i - 1, PAREN_CLOSE) || this.is(i - 1, BRACKET_CLOSE);
    const close = this.is(i + 1, PAREN_OPEN) ? this.partner[i + 1]! : -1;
    const end = close >= 0 ? close : i;
    if (behindDeclarator && this.itemEnd !== i - 1 && (this.is(end + 1, SEMICOLON) || this.is(end + 1, EQUALS))) {
      this.blankOut(this.start(i), this.end(end));
      this.skipUntil.position = end;
      return true;
    }
    const before = this.word(i - 1);
    const afterType = (PRIMITIVE_WORDS.has(before) && before !== 'unsigned') || this.is(i - 1, STAR);
    if (!afterType || this.kind(i + 1) !== TokenKind.Word) return false;
    this.blankToken(i);
    return true;
  }

  private maskTypeof(i: number): void {
    const close = this.is(i + 1, PAREN_OPEN) ? this.partner[i + 1]! : -1;
    if (close < 0) return;
    const line = this.source.indexOf('\n', this.start(i));
    const end = line >= 0 && line < this.end(close) ? line : this.end(close);
    this.overwrite(this.start(i), this.end(close), 'typeof'.padEnd(end - this.start(i), '_'));
    this.skipUntil.position = close;
  }

  /** Positions of the commas that split the arguments between a parenthesis and its partner. */
  private argumentCommas(open: number, close: number): number[] {
    const commas: number[] = [];
    for (let i = open + 1; i < close; i++) {
      if (this.partner[i]! > i) i = this.partner[i]!;
      else if (this.is(i, COMMA)) commas.push(i);
    }
    return commas;
  }

  private maskDeclaration(i: number, word: string): void {
    const close = this.is(i + 1, PAREN_OPEN) ? this.partner[i + 1]! : -1;
    if (close < 0) return;
    const { name, type } = DECLARATION_MACROS.get(word)!;
    const commas = this.argumentCommas(i + 1, close);
    const from = (index: number) => (index === 0 ? i + 2 : commas[index - 1]! + 1);
    const to = (index: number) => (index < commas.length ? commas[index]! : close);
    if (name > commas.length) return;
    if (type === null) {
      const text = this.source.slice(this.start(from(name)), this.end(to(name) - 1));
      this.overwrite(this.start(i), this.start(from(name)), 'int ');
      this.blankOut(this.start(from(name)) + text.length, this.end(close));
      this.skipUntil.position = close;
    } else {
      this.blankOut(this.start(i), this.end(i + 1));
      for (const comma of commas) this.blankToken(comma);
      this.blankToken(close);
      this.skipUntil.position = i + 1;
    }
  }

  private maskGroup(i: number, dropped: number): void {
    const close = this.is(i + 1, PAREN_OPEN) ? this.partner[i + 1]! : -1;
    if (close < 0) return;
    const commas = this.argumentCommas(i + 1, close);
    const last = commas[dropped - 1];
    if (last === undefined) return;
    this.blankOut(this.start(i), this.end(last));
    this.blankToken(close);
    if (this.is(close + 1, SEMICOLON)) this.blankToken(close + 1);
    this.skipUntil.position = last;
  }

  /** `container_of(w, struct kvm_pit, x)`: the grammar wants expressions, so the type becomes one word. */
  private maskTypeArgument(i: number, word: string): boolean {
    if (word === 'const' || word === 'volatile') {
      this.blankToken(i);
      return true;
    }
    if (word === 'struct' || word === 'union' || word === 'enum') {
      if (this.kind(i + 1) !== TokenKind.Word || !this.endsArgument(i + 2)) return false;
      const gap = this.start(i + 1) - this.end(i);
      if (this.source.slice(this.end(i), this.start(i + 1)).includes('\n')) this.blankToken(i);
      else
        this.edit(this.start(i), this.start(i + 1), word[0]!.toUpperCase() + word.slice(1) + '_'.repeat(gap));
      return true;
    }
    if (!PRIMITIVE_WORDS.has(word)) return false;
    let last = i;
    while (PRIMITIVE_WORDS.has(this.word(last + 1))) last++;
    if (!this.endsArgument(last + 1)) return false;
    const joined = this.source.slice(this.start(i), this.end(last)).replace(/\s/g, '_');
    this.edit(this.start(i), this.end(last), joined[0]!.toUpperCase() + joined.slice(1));
    this.skipUntil.position = last;
    return true;
  }

  private endsArgument(i: number): boolean {
    while (this.is(i, STAR)) i++;
    return this.is(i, COMMA) || this.is(i, PAREN_CLOSE);
  }

  /** `va_arg(ap, u64 *)`: a `*` with nothing behind it belongs to a type. */
  private maskPointerTypeArgument(i: number): void {
    if (this.endsArgument(i + 1) && this.kind(i - 1) !== TokenKind.Number) this.blankToken(i);
  }

  /** `kvm_for_each_vcpu(i, vcpu, kvm) {` → `while             (i, vcpu, kvm) {`. */
  private maskIterator(i: number, word: string): void {
    const close = this.partner[i + 1]!;
    if (close < 0 || !this.isStatementStart(i)) return;
    const named = ITERATOR_NAME.test(word) || SCOPED_GUARDS.has(word);
    const takesBlock = this.is(close + 1, BRACE_OPEN);
    const takesStatement =
      named &&
      (this.kind(close + 1) === TokenKind.Word || this.is(close + 1, STAR) || this.is(close + 1, PAREN_OPEN));
    if (!takesBlock && !takesStatement) return;
    const keyword = word.length >= 5 ? 'while' : 'if';
    if (word.length < keyword.length) return;
    this.iterators.set(this.start(i), word);
    this.overwrite(this.start(i), this.end(i), keyword);
    // An iterator without arguments would leave `while ()`.
    if (close === i + 2)
      this.problems.push({ offset: this.start(i), message: `${word}() takes a block but no arguments` });
  }

  /** `static DEFINE_RATELIMIT_STATE(rs, a, b);` inside of a function. */
  private maskLocalDeclarer(i: number): void {
    const close = this.partner[i + 1]!;
    if (close < 0 || !this.is(close + 1, SEMICOLON)) return;
    this.blankOut(this.start(i - 1), this.end(close));
    this.skipUntil.position = close;
  }

  private isStatementStart(i: number): boolean {
    if (this.kind(i - 1) === TokenKind.Word) return this.word(i - 1) === 'else' || this.word(i - 1) === 'do';
    const code = this.code(i - 1);
    return (
      code === SEMICOLON ||
      code === BRACE_OPEN ||
      code === BRACE_CLOSE ||
      code === PAREN_CLOSE ||
      code === COLON
    );
  }

  /** A macro that is a whole item of the file: noted and blanked, or turned into the function it defines. */
  private maskFileLevelMacro(i: number, word: string): void {
    const close = this.partner[i + 1]!;
    if (close < 0) return;
    // `static DECLARE_WORK(work, function);` declares by macro; with one argument it reads as a declaration as it is.
    const storage = this.word(i - 1) === 'static' && this.isItemStart(i - 1) && this.argumentCommas(i + 1, close).length > 0 && this.is(close + 1, SEMICOLON);
    if (storage) this.blankToken(i - 1);
    else if (!this.isItemStart(i)) return;
    if (/^(COMPAT_)?SYSCALL_DEFINE[0-6]$/.test(word)) return this.maskSystemCall(i, word, close);
    if (
      this.is(close + 1, BRACE_OPEN) ||
      this.is(close + 1, PAREN_OPEN) ||
      this.is(close + 1, EQUALS) ||
      this.is(close + 1, BRACKET_OPEN)
    )
      return;
    let end = this.is(close + 1, SEMICOLON) ? close + 1 : close;
    while (this.kind(end + 1) === TokenKind.Literal) end++;
    const commas = this.argumentCommas(i + 1, close);
    const bounds = [i + 1, ...commas, close];
    const args = bounds
      .slice(0, -1)
      .map((bound, n) => this.source.slice(this.end(bound), this.start(bounds[n + 1]!)).trim());
    this.invocations.push({
      name: word,
      arguments: args.length === 1 && args[0] === '' ? [] : args,
      start: this.start(i),
      end: this.end(end),
    });
    this.blankOut(this.start(i), this.end(end));
    this.skipUntil.position = end;
    this.itemEnd = end;
  }

  private itemEnd = -1;

  private isItemStart(i: number): boolean {
    if (i === 0 || this.itemEnd === i - 1) return true;
    if (this.is(i - 1, SEMICOLON) || this.is(i - 1, BRACE_CLOSE)) return true;
    // `MODULE_LICENSE("GPL")` without `;`, or a branch of an `#if` before it.
    return this.is(i - 1, PAREN_CLOSE) && this.scopes.length === 0;
  }

  /** `SYSCALL_DEFINE2(name, int, fd, long, n) {` → `long sys_name(    int  fd, long  n) {`. */
  private maskSystemCall(i: number, word: string, close: number): void {
    const commas = this.argumentCommas(i + 1, close);
    const name = this.word(i + 2);
    if (name === '') return;
    const headEnd = commas.length > 0 ? this.end(commas[0]!) : this.end(i + 2);
    this.overwrite(this.start(i), headEnd, `long ${word.startsWith('COMPAT') ? 'compat_' : ''}sys_${name}(`);
    for (let n = 1; n < commas.length; n += 2) this.blankToken(commas[n]!);
    this.definers.set(this.start(i), word);
    this.parentheses.push(false);
    this.skipUntil.position = commas.length > 0 ? commas[0]! : i + 2;
  }

  /** Kept text with the edits applied; comments, directives and dropped branches are blank. */
  private compose(): string {
    this.edits.sort((a, b) => a.start - b.start || a.end - b.end);
    const pieces: string[] = [];
    let at = 0;
    let edit = 0;
    let comment = 0;
    const { comments } = this.tokens;
    const source = this.source;
    const gap = (to: number) => {
      if (to <= at) return;
      while (comment < comments.length && comments[comment + 1]! <= at) comment += 2;
      const hasComment = comment < comments.length && comments[comment]! < to;
      pieces.push(hasComment || this.gapHasText(at, to) ? blank(source.slice(at, to)) : source.slice(at, to));
      at = to;
    };
    let i = 0;
    while (i < this.kept.length) {
      const start = this.start(i);
      const next = edit < this.edits.length ? this.edits[edit]! : undefined;
      if (next && next.start < at) {
        edit++;
        continue;
      }
      if (next && next.start <= start) {
        gap(next.start);
        pieces.push(next.text);
        at = next.end;
        edit++;
        while (i < this.kept.length && this.start(i) < at) i++;
        continue;
      }
      gap(start);
      const end = this.end(i);
      if (next && next.start < end) {
        pieces.push(source.slice(start, next.start), next.text);
        at = next.end;
        edit++;
        while (i < this.kept.length && this.start(i) < at) i++;
        continue;
      }
      pieces.push(source.slice(start, end));
      at = end;
      i++;
    }
    gap(source.length);
    return pieces.join('');
  }

  /** True when dropped tokens (directives, other branches) lie between two kept ones. */
  private gapHasText(from: number, to: number): boolean {
    for (let k = from; k < to; k++) {
      const c = this.source.charCodeAt(k);
      if (c !== 32 && c !== NEWLINE && c !== 9) return true;
    }
    return false;
  }
}

/** Masks one file's text. Never throws; the masked text has the length and line breaks of the source. */
export function maskKernelC(source: string, configuration: Configuration): MaskedText {
  return new Masker(source, configuration).mask();
}
