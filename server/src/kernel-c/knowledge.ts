/** The word lists that masking goes by. Each word's source is in the table under grammars/. */
import attributeWords from '../../../grammars/attribute-words.json' with { type: 'json' };

/** Attribute words that stand alone: `void __user *p`. */
export const BARE_ATTRIBUTES: ReadonlySet<string> = new Set(attributeWords.bare);

/** Attribute words with a parenthesised argument list: `__aligned(8)`. */
export const ATTRIBUTES_WITH_ARGUMENTS: ReadonlySet<string> = new Set(attributeWords.withArguments);

/** Macros that declare something: which argument is the name, and which the type (`null`: an int will do). */
export const DECLARATION_MACROS: ReadonlyMap<string, { name: number; type: number | null }> = new Map([
  ['DECLARE_BITMAP', { name: 0, type: null }],
  ['DECLARE_HASHTABLE', { name: 0, type: null }],
  ['DEFINE_HASHTABLE', { name: 0, type: null }],
  ['DECLARE_FLEX_ARRAY', { name: 1, type: 0 }],
  ['__DECLARE_FLEX_ARRAY', { name: 1, type: 0 }],
  ['DEFINE_PER_CPU', { name: 1, type: 0 }],
  ['DECLARE_PER_CPU', { name: 1, type: 0 }],
  ['DEFINE_PER_CPU_ALIGNED', { name: 1, type: 0 }],
  ['DECLARE_PER_CPU_ALIGNED', { name: 1, type: 0 }],
  ['DEFINE_PER_CPU_SHARED_ALIGNED', { name: 1, type: 0 }],
  ['DECLARE_PER_CPU_SHARED_ALIGNED', { name: 1, type: 0 }],
  ['DEFINE_PER_CPU_PAGE_ALIGNED', { name: 1, type: 0 }],
  ['DECLARE_PER_CPU_PAGE_ALIGNED', { name: 1, type: 0 }],
  ['DEFINE_PER_CPU_READ_MOSTLY', { name: 1, type: 0 }],
  ['DECLARE_PER_CPU_READ_MOSTLY', { name: 1, type: 0 }],
  ['DECLARE_PER_CPU_CACHE_HOT', { name: 1, type: 0 }],
  ['DEFINE_PER_CPU_CACHE_HOT', { name: 1, type: 0 }],
]);

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
