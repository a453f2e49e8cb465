/**
 * Kernel C → text of the same length and the same line breaks that tree-sitter's C grammar reads without errors.
 * One walk over the tokens; every class of construct that the grammar does not know has its file under masks/.
 * What a mask hides is returned beside the text: nothing is lost, and offsets stay those of the file.
 */

import type { ConditionalRegion, FoundInclude, FoundMacro } from './conditionals.js';
import type { Configuration } from './conditions.js';
import { BARE_ATTRIBUTES, NOT_A_CALL } from './knowledge.js';
import { TokenKind } from './lexer.js';
import { maskArgumentPunctuation, maskArgumentWord, maskListMacro } from './masks/arguments.js';
import { maskAssembly } from './masks/assembly.js';
import { maskAttribute } from './masks/attributes.js';
import { composeMasked } from './masks/compose.js';
import { maskBareItem, maskDeclarationHead } from './masks/declaration-heads.js';
import {
  maskDeclarationMacro,
  maskEnumeratorMacro,
  maskGroup,
  maskMemberMacro,
  maskUnnamedBitField,
} from './masks/declarations.js';
import { maskFileLevelMacro, maskNoPrototype, maskParameterMacro } from './masks/file-items.js';
import { type Definer, type Invocation, MaskContext, type Scope } from './masks/mask-context.js';
import { maskComputedGoto, maskStatementMacro } from './masks/statements.js';
import {
  BRACE_CLOSE,
  BRACE_OPEN,
  COLON,
  COMMA,
  DOT,
  EQUALS,
  PAREN_CLOSE,
  PAREN_OPEN,
  SEMICOLON,
} from './masks/token-view.js';
import { maskOffsetof, maskTypeof } from './masks/types.js';
import { Mark } from './word-marks.js';

export type { Definer, Invocation } from './masks/mask-context.js';

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
  definers: ReadonlyMap<number, Definer>;
  regions: readonly ConditionalRegion[];
  macros: readonly FoundMacro[];
  includes: readonly FoundInclude[];
  problems: readonly { offset: number; message: string }[];
  /** Offsets at which items of the file begin, in order; found only when asked for. */
  itemStarts(): number[];
}

const VALID_NUMBER =
  /^(0[xX][0-9a-fA-F]+[uUlLzZ]*|0[bB][01]+[uUlLzZ]*|\d+[uUlLzZ]*|(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[fFlL]?)$/;

const ATTRIBUTE_MARKS = Mark.BareAttribute | Mark.AttributeWithArguments | Mark.MacroLike;

/** One walk over a file's tokens; rules that take tokens out move the walk behind them. */
class Masker {
  constructor(private readonly m: MaskContext) {}

  walk(): void {
    const { m } = this;
    const hasRecovered = m.recovered.size > 0;
    for (let i = 0; i < m.length; i++) {
      if (hasRecovered && m.recovered.has(i)) m.restart();
      if (i <= m.skipTo || m.isHidden(i)) continue;
      const kind = m.kind(i);
      if (kind === TokenKind.Word) this.word(i);
      else if (kind === TokenKind.Punctuation) this.punctuation(i);
      else if (kind === TokenKind.Number) this.number(i);
    }
  }

  /** `0FOO`, the rest of a name pasted to a number. */
  private number(i: number): void {
    const { m } = this;
    const text = m.source.slice(m.start(i), m.end(i));
    if (!VALID_NUMBER.test(text)) m.edit(m.start(i), m.end(i), `_${text.slice(1).replace(/\W/g, '_')}`);
  }

  private punctuation(i: number): void {
    const { m } = this;
    switch (m.code(i)) {
      case BRACE_OPEN:
        return this.openBrace(i);
      case BRACE_CLOSE:
        return m.closeBrace(i);
      case PAREN_OPEN: {
        const before = m.inBody && m.partner[i]! > i ? m.word(m.previous(i)) : '';
        m.openParenthesis(before !== '' && !NOT_A_CALL.has(before) ? 'arguments' : 'other');
        return;
      }
      case PAREN_CLOSE:
        m.closeParenthesis();
        return;
      case COLON:
        if (m.scope === 'aggregate') maskUnnamedBitField(m, i);
        break;
      case DOT:
        // `case 1 ... 5:`, `[0 ... N] =`; parameters keep theirs.
        if (m.end(i) - m.start(i) === 3 && !m.is(i - 1, COMMA) && !m.is(i - 1, PAREN_OPEN))
          m.edit(m.start(i), m.end(i), ' + ');
        break;
      default:
    }
    if (m.inArguments) maskArgumentPunctuation(m, i);
  }

  private openBrace(i: number): void {
    const { m } = this;
    if (m.inFirstColumn(i)) m.restart();
    m.openBrace(this.scopeOf(i));
  }

  private scopeOf(i: number): Scope {
    const { m } = this;
    const outer = m.scope;
    const before = m.previous(i);
    if (m.is(before, EQUALS)) return 'initialiser';
    if (outer === 'function') return this.aggregateHead(i) ?? 'function';
    if (m.is(before, PAREN_CLOSE)) return outer === 'aggregate' ? 'aggregate' : 'function';
    if (outer === 'initialiser') return 'initialiser';
    const head = this.aggregateHead(i);
    if (head) return head;
    if (outer === 'aggregate') return 'aggregate';
    return m.isWord(before) ? 'function' : 'other';
  }

  /** What `struct x {`, `enum {` and their like open, or undefined. */
  private aggregateHead(i: number): Scope | undefined {
    const { m } = this;
    let keyword = m.previous(i);
    if (m.isWord(keyword) && !/^(struct|union|enum)$/.test(m.word(keyword))) keyword = m.previous(keyword);
    const word = m.word(keyword);
    if (word === 'enum') return 'enum';
    return word === 'struct' || word === 'union' ? 'aggregate' : undefined;
  }

  private word(i: number): void {
    const { m } = this;
    const marks = m.marks(i);
    const isStart = this.isDeclarationStart(i);
    if (isStart) {
      if (m.scope === undefined && (marks & Mark.MacroLike) !== 0 && maskBareItem(m, i)) return;
      maskDeclarationHead(m, i);
      if (m.isHidden(i)) return;
    }
    if ((marks & ATTRIBUTE_MARKS) !== 0 && maskAttribute(m, i, m.word(i), marks)) return;
    if (maskAssembly(m, i, marks)) return;
    if ((marks & (Mark.Offsetof | Mark.Alignof)) !== 0 && maskOffsetof(m, i, marks)) return;
    if ((marks & Mark.Typeof) !== 0) {
      maskTypeof(m, i);
      return;
    }
    if (m.inArguments) {
      if (maskArgumentWord(m, i, marks)) return;
    } else if ((marks & Mark.DeclarationMacro) !== 0 && maskDeclarationMacro(m, i, m.word(i))) return;
    else if ((m.scope === 'initialiser' || m.scope === 'enum') && m.inBraces && maskListMacro(m, i)) return;
    else if ((marks & Mark.Goto) !== 0) maskComputedGoto(m, i);
    if (m.is(i + 1, PAREN_OPEN)) this.wordBeforeParenthesis(i, m.word(i), isStart);
  }

  private isDeclarationStart(i: number): boolean {
    const { m } = this;
    const { scope } = m;
    if (scope === undefined) return m.atFileLevel && m.isItemStart(i);
    if (!m.inBraces) return false;
    if (scope !== 'aggregate' && scope !== 'function') return false;
    const before = m.previous(i);
    return m.is(before, SEMICOLON) || m.is(before, BRACE_OPEN) || m.is(before, BRACE_CLOSE);
  }

  private wordBeforeParenthesis(i: number, word: string, isStart: boolean): void {
    const { m } = this;
    if (m.atFileLevel) {
      if (!maskFileLevelMacro(m, i, word)) maskNoPrototype(m, i);
    } else if (m.scope === undefined) maskParameterMacro(m, i, word);
    else if (m.scope === 'function') maskStatementMacro(m, i, word);
    else if (m.scope === 'enum') maskEnumeratorMacro(m, i);
    else if (m.scope === 'aggregate' && isStart && !BARE_ATTRIBUTES.has(word) && !maskGroup(m, i, word))
      maskMemberMacro(m, i);
  }
}

/** Masks one file's text. Never throws; the masked text has the length and line breaks of the source. */
export function maskKernelC(source: string, configuration: Configuration): MaskedText {
  const m = new MaskContext(source, configuration);
  new Masker(m).walk();
  return {
    text: composeMasked(m),
    iterators: m.iterators,
    invocations: m.invocations,
    weak: m.weak,
    cleanups: m.cleanups,
    definers: m.definers,
    regions: m.selected.regions,
    macros: m.selected.macros,
    includes: m.selected.includes,
    problems: m.problems,
    itemStarts: () => m.itemStarts(),
  };
}
