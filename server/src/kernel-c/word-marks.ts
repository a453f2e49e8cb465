/** What a word may be to a mask, worked out once: nearly all words of a file are nothing to any mask. */
import {
  ATTRIBUTES_WITH_ARGUMENTS,
  BARE_ATTRIBUTES,
  declarationMacro,
  PRIMITIVE_WORDS,
  TYPEOF_WORDS,
} from './knowledge.js';

export const Mark = {
  BareAttribute: 1 << 0,
  AttributeWithArguments: 1 << 1,
  /** Begins with `__` or is written in capitals, as macros are. */
  MacroLike: 1 << 2,
  /** `asm`, its spellings, and the wrappers of include/linux/compiler_types.h such as `asm_goto_output`. */
  Assembly: 1 << 3,
  Offsetof: 1 << 4,
  Alignof: 1 << 5,
  Typeof: 1 << 6,
  /** `DECLARE_BITMAP` and its like. */
  DeclarationMacro: 1 << 7,
  Goto: 1 << 8,
  /** Begins a statement or goes on with one; `asm` begins a masked expression. */
  Statement: 1 << 9,
  /** Qualifiers and storage classes. */
  Qualifier: 1 << 10,
  /** `struct`, `union`, `enum`. */
  Tag: 1 << 11,
  Primitive: 1 << 12,
} as const;

const LISTS: readonly [mark: number, words: string][] = [
  [Mark.Assembly, 'asm __asm__ __asm asm_goto_output asm_volatile_goto asm_inline'],
  [Mark.Offsetof, 'offsetof'],
  [Mark.Alignof, '_Alignof __alignof__ __alignof alignof'],
  [Mark.Goto, 'goto'],
  [
    Mark.Statement,
    'if else while for do switch case default return goto break continue sizeof offsetof asm __asm__ __asm',
  ],
  [
    Mark.Qualifier,
    'const volatile restrict __restrict __restrict__ static extern inline __inline __inline__ register auto typedef ' +
      '_Atomic __extension__ __const __volatile__',
  ],
  [Mark.Tag, 'struct union enum'],
];

const CAPITALS = /^_*[A-Z][A-Z0-9_]+$/;

const listed = new Map<string, number>();
const add = (mark: number, words: Iterable<string>) => {
  for (const word of words) listed.set(word, (listed.get(word) ?? 0) | mark);
};
for (const [mark, words] of LISTS) add(mark, words.split(' '));
add(Mark.BareAttribute, BARE_ATTRIBUTES);
add(Mark.AttributeWithArguments, ATTRIBUTES_WITH_ARGUMENTS);
add(Mark.Typeof, TYPEOF_WORDS);
add(Mark.Primitive, PRIMITIVE_WORDS);

/** Lengths of the listed words that begin with a small letter, as bits, by that letter. */
const lengths = new Int32Array(128);
for (const word of listed.keys()) if (/^[a-z]/.test(word)) lengths[word.charCodeAt(0)]! |= 1 << word.length;

/** Can a word of this first character and length have marks? Most have none, which needs no look at the word itself. */
export function mayHaveMarks(first: number, length: number): boolean {
  if (first < 97 || first > 122) return true;
  return length < 32 && (lengths[first]! & (1 << length)) !== 0;
}

function marksFor(word: string): number {
  let marks = listed.get(word) ?? 0;
  if (word.startsWith('__') || CAPITALS.test(word)) marks |= Mark.MacroLike;
  if (declarationMacro(word)) marks |= Mark.DeclarationMacro;
  return marks;
}

/** More words than a tree's files share; then all are forgotten. */
const MOST_WORDS = 1 << 15;

const known = new Map<string, number>();

/** The marks of a word, as bits of `Mark`. */
export function marksOf(word: string): number {
  let marks = known.get(word);
  if (marks === undefined) {
    if (known.size >= MOST_WORDS) known.clear();
    marks = marksFor(word);
    // A slice would keep the whole text that it is of.
    known.set(Buffer.from(word).toString(), marks);
  }
  return marks;
}
