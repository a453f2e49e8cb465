/** What the masks share while they walk over a file: where they are, what they changed, what they found. */
import type { Configuration } from '../conditions.js';
import { BRACE_CLOSE, PAREN_CLOSE, SEMICOLON, TokenView } from './token-view.js';

/** A macro used as a whole item at file level: `EXPORT_SYMBOL_GPL(x);`, `KVM_X86_OP(vcpu_run)`. */
export interface Invocation {
  name: string;
  /** Arguments as written, trimmed. */
  arguments: string[];
  start: number;
  end: number;
}

/** What is written over [start, end): a text, and blanks behind it; line breaks stay. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** What a brace holds. */
export type Scope = 'function' | 'aggregate' | 'enum' | 'initialiser' | 'other';

/** What an open bracket holds: arguments of a call in a body or initialiser, statements or members, anything else. */
export type Parenthesis = 'arguments' | 'other' | 'brace';

/** A function that a macro defines: the macro, and the offset of the function's name in its arguments. */
export interface Definer {
  macro: string;
  name: number;
}

export class MaskContext extends TokenView {
  readonly edits: Edit[] = [];
  /** 1 for each position whose token a mask has taken out. */
  private readonly hidden: Uint8Array;
  /** For a hidden token, a position before it to go on looking at: long runs of masked items cost one step. */
  private readonly skipBack: Int32Array;
  private readonly scopes: Scope[] = [];
  private readonly parentheses: Parenthesis[] = [];
  /** What the innermost brace holds; undefined outside of all. Asked for at every token. */
  scope: Scope | undefined;
  /** What the innermost bracket holds; undefined outside of all. */
  private parenthesis: Parenthesis | undefined;
  /** Positions up to this one have been dealt with. */
  skipTo = -1;

  /** Positions of parentheses whose arguments are for the assembler. */
  readonly assembly: ReadonlySet<number>;
  readonly iterators = new Map<number, string>();
  readonly invocations: Invocation[] = [];
  readonly weak: number[] = [];
  readonly cleanups = new Map<number, string>();
  readonly definers = new Map<number, Definer>();
  readonly problems: { offset: number; message: string }[] = [];

  constructor(source: string, configuration: Configuration) {
    super(source, configuration);
    this.hidden = new Uint8Array(this.length);
    this.skipBack = new Int32Array(this.length).fill(-2);
    this.assembly = this.findAssembly();
    // Half-typed text: what the grammar can't close would swallow the functions behind it.
    for (const position of this.brackets.unmatched) {
      this.blankToken(position);
      this.problems.push({ offset: this.start(position), message: 'bracket without its partner' });
    }
    if (this.tokens.unterminated >= 0)
      this.problems.push({ offset: this.tokens.unterminated, message: 'comment is never closed' });
    for (const offset of this.selected.unbalanced)
      this.problems.push({ offset, message: 'conditional directive without its partner' });
  }

  get inBody(): boolean {
    return this.scope === 'function' || this.scope === 'initialiser';
  }
  get atFileLevel(): boolean {
    return this.scope === undefined && this.parenthesis === undefined;
  }
  /** Directly between braces, not in parentheses inside of them. */
  get inBraces(): boolean {
    return this.parenthesis === 'brace';
  }
  get inArguments(): boolean {
    return this.parenthesis === 'arguments';
  }

  /** Position of the token before `i` that no mask has taken out, or -1. */
  previous(i: number): number {
    let before = i - 1;
    while (before >= 0 && this.hidden[before]) {
      const known = this.skipBack[before]!;
      before = known === -2 ? before - 1 : known;
    }
    if (i > 0 && this.hidden[i - 1]) this.skipBack[i - 1] = before;
    return before;
  }

  /** Is the parenthesis behind this word one with operands for the assembler? */
  isOfAssembly(i: number): boolean {
    return this.assembly.size > 0 && this.scope === 'function' && this.assembly.has(i + 1);
  }

  isHidden(i: number): boolean {
    return this.hidden[i] === 1;
  }
  openBrace(scope: Scope): void {
    this.scopes.push(scope);
    this.scope = scope;
    this.openParenthesis('brace');
  }
  closeBrace(i: number): void {
    if (this.inFirstColumn(i)) return this.restart();
    this.scopes.pop();
    this.scope = this.scopes[this.scopes.length - 1];
    while (this.parentheses.length > 0 && this.parentheses.pop() !== 'brace');
    this.parenthesis = this.parentheses[this.parentheses.length - 1];
  }
  openParenthesis(holding: Parenthesis): void {
    this.parentheses.push(holding);
    this.parenthesis = holding;
  }
  closeParenthesis(): void {
    if (this.parenthesis === 'brace') return;
    this.parentheses.pop();
    this.parenthesis = this.parentheses[this.parentheses.length - 1];
  }
  /** A brace in the first column: whatever is still open was half typed. */
  restart(): void {
    this.scopes.length = 0;
    this.parentheses.length = 0;
    this.scope = undefined;
    this.parenthesis = undefined;
  }

  edit(start: number, end: number, text: string): void {
    this.edits.push({ start, end, text });
  }
  blankToken(i: number): void {
    this.blankTokens(i, i);
  }
  /** Takes the tokens from position `first` to `last` out, and whatever lies between them. */
  blankTokens(first: number, last: number): void {
    this.hidden.fill(1, first, last + 1);
    this.edit(this.start(first), this.end(last), '');
  }
  /** Writes `text` over the tokens from `first` to `last`: padded with blanks, line breaks kept behind it. */
  overwrite(first: number, last: number, text: string): void {
    this.edit(this.start(first), this.end(last), text);
  }

  /** Is this the first token of an item of the file? */
  isItemStart(i: number): boolean {
    const before = this.previous(i);
    return (
      before < 0 ||
      this.recovered.has(i) ||
      this.is(before, SEMICOLON) ||
      this.is(before, BRACE_CLOSE) ||
      // `MODULE_LICENSE("GPL")` without `;`, or a branch of an `#if` before it.
      (this.is(before, PAREN_CLOSE) && this.scope === undefined)
    );
  }

  /** Arguments of the parenthesis at `open` as written, trimmed. */
  argumentTexts(open: number): string[] {
    const close = this.partner[open]!;
    if (close === open + 1) return [];
    const bounds = [open, ...this.argumentCommas(open, close), close];
    return bounds
      .slice(0, -1)
      .map((bound, n) => this.source.slice(this.end(bound), this.start(bounds[n + 1]!)).trim());
  }
}
