/** The word lists that masking goes by. Each word's source is in the table under grammars/. */
import attributeWords from '../../../grammars/attribute-words.json' with { type: 'json' };

/** Attribute words that stand alone: `void __user *p`. */
export const BARE_ATTRIBUTES: ReadonlySet<string> = new Set(attributeWords.bare);

/** Attribute words with a parenthesised argument list: `__aligned(8)`. */
export const ATTRIBUTES_WITH_ARGUMENTS: ReadonlySet<string> = new Set(attributeWords.withArguments);

/** Attribute-like words that are types or parts of types: `__u32`, `__be16`, `__kernel_size_t`. */
export function isTypeLikeAttribute(word: string): boolean {
  return /^__([usif]\d+|[bl]e\d+|kernel_\w+|poll_t|w?sum\w*|u?int128\w*|builtin_\w+|signed__|typeof\w*|va_list|read_mostly_t)$/.test(
    word,
  );
}

/** Is a name in parentheses a type by its looks, as in `(gfn_t)(x)`? The grammar can't tell that from a call. */
export function isTypeName(word: string): boolean {
  return /_t$|^typeof_+$|^(__)?[us](8|16|32|64)$|^__(le|be)(16|32|64)$|^(ulong|uint|ushort|uchar)$/.test(
    word,
  );
}

/** A macro that declares something: which argument is the name, and which the type (`null`: an int will do). */
export interface DeclarationMacro {
  name: number;
  type: number | null;
}

/** include/linux/types.h, include/linux/hashtable.h, include/linux/kfifo.h, include/linux/stddef.h. */
const DECLARATION_MACROS: ReadonlyMap<string, DeclarationMacro> = new Map([
  ['DECLARE_BITMAP', { name: 0, type: null }],
  ['DECLARE_HASHTABLE', { name: 0, type: null }],
  ['DEFINE_HASHTABLE', { name: 0, type: null }],
  ['DECLARE_KFIFO', { name: 0, type: null }],
  ['DECLARE_KFIFO_PTR', { name: 0, type: null }],
  ['DECLARE_FLEX_ARRAY', { name: 1, type: 0 }],
  ['__DECLARE_FLEX_ARRAY', { name: 1, type: 0 }],
]);

/** include/linux/percpu-defs.h, with the variants that add a section: type, then name. */
const PER_CPU_DECLARATION = /^(DECLARE|DEFINE)_PER_CPU(_\w+)?$/;

export function declarationMacro(word: string): DeclarationMacro | undefined {
  return DECLARATION_MACROS.get(word) ?? (PER_CPU_DECLARATION.test(word) ? { name: 1, type: 0 } : undefined);
}

/** Is a macro of this name a loop's head? `list_for_each_entry`, `kvm_for_each_vcpu`, `for_each_tdp_mmu_root`. */
export function isIteratorName(word: string): boolean {
  return /for_?each|^for_/.test(word);
}

/** Member wrappers (include/linux/stddef.h): the arguments before the members are dropped, the members stay. */
export const GROUP_MACROS: ReadonlyMap<string, number> = new Map([
  ['struct_group', 1],
  ['struct_group_attr', 2],
  ['struct_group_tagged', 2],
  ['__struct_group', 3],
]);

/** Words before `(` that do not call: C keywords and operators that take types. */
export const NOT_A_CALL: ReadonlySet<string> = new Set([
  'if',
  'while',
  'for',
  'switch',
  'return',
  'case',
  'else',
  'do',
  'goto',
  'sizeof',
  'typeof',
  '__typeof__',
  '__typeof',
  'typeof_unqual',
  '_Alignof',
  '__alignof__',
  'alignof',
  'offsetof',
  '_Generic',
  'int',
  'char',
  'void',
  'long',
  'short',
  'unsigned',
  'signed',
  'float',
  'double',
  'const',
  'volatile',
  'struct',
  'union',
  'enum',
  'static',
  'extern',
  'inline',
  'typedef',
]);

export const PRIMITIVE_WORDS: ReadonlySet<string> = new Set([
  'unsigned',
  'signed',
  'long',
  'int',
  'short',
  'char',
  'void',
  'float',
  'double',
  '_Bool',
  'bool',
  '__signed__',
]);

export const TYPEOF_WORDS: ReadonlySet<string> = new Set([
  'typeof',
  '__typeof__',
  '__typeof',
  'typeof_unqual',
  '__unqual_scalar_typeof',
]);

/** Guards of include/linux/cleanup.h that take a statement. */
export const SCOPED_GUARDS: ReadonlySet<string> = new Set([
  'scoped_guard',
  'scoped_cond_guard',
  'scoped_class',
]);
