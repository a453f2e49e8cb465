/** Calls whose meaning for the flow of control is known by name, whatever macros headers define for them. */

/** Macros whose truth is that of their first argument (include/linux/compiler.h, include/asm-generic/bug.h, include/linux/kvm_host.h). */
export const TRANSPARENT_TESTS: ReadonlySet<string> = new Set([
  'likely',
  'unlikely',
  '__builtin_expect',
  'WARN_ON',
  'WARN_ON_ONCE',
  'WARN',
  'WARN_ONCE',
  'WARN_RATELIMIT',
  'KVM_BUG_ON',
  'KVM_BUG',
  'KVM_BUG_ON_DATA_CORRUPTION',
  'KVM_MMU_WARN_ON',
  'VM_WARN_ON',
  'VM_WARN_ON_ONCE',
  'READ_ONCE',
  'data_race',
]);

/** Macros that ask whether an option is on (include/linux/kconfig.h). */
export const OPTION_TESTS: ReadonlySet<string> = new Set([
  'IS_ENABLED',
  'IS_BUILTIN',
  'IS_MODULE',
  'IS_REACHABLE',
]);

/** Calls that do not return (include/asm-generic/bug.h, kernel/panic.c, and tools/objtool/noreturns.h where it names them). */
export const NO_RETURN: ReadonlySet<string> = new Set([
  'BUG',
  'panic',
  'nmi_panic',
  'unreachable',
  '__builtin_unreachable',
  '__builtin_trap',
  'do_exit',
  'do_group_exit',
  'make_task_dead',
  'kthread_exit',
  'kthread_complete_and_exit',
  'module_put_and_kthread_exit',
  '__module_put_and_kthread_exit',
  'snp_abort',
  'machine_real_restart',
]);

/** Tests that a path doesn't survive when they hold (include/asm-generic/bug.h, include/linux/mmdebug.h). */
export const FATAL_TESTS: ReadonlySet<string> = new Set([
  'BUG_ON',
  'VM_BUG_ON',
  'VM_BUG_ON_PAGE',
  'VM_BUG_ON_FOLIO',
]);

/** Values that are an error number in another guise (include/linux/err.h). */
export const ERROR_CASTS: ReadonlySet<string> = new Set([
  'ERR_PTR',
  'PTR_ERR',
  'ERR_CAST',
  'PTR_ERR_OR_ZERO',
]);

/** Is a pointer an error number (include/linux/err.h)? */
export const ERROR_TESTS: ReadonlySet<string> = new Set(['IS_ERR', 'IS_ERR_VALUE', 'IS_ERR_OR_NULL']);

/** A mask by the number of its bit (include/vdso/bits.h, include/linux/bits.h, include/uapi/linux/const.h). */
export const BITS: ReadonlySet<string> = new Set(['BIT', 'BIT_ULL', '_BITUL', '_BITULL']);

/** Operations on one bit, by its number and a pointer to the word (include/linux/bitops.h). */
export const BIT_OPERATIONS: ReadonlyMap<string, 'test' | 'or' | 'andnot'> = new Map([
  ['test_bit', 'test'],
  ['set_bit', 'or'],
  ['__set_bit', 'or'],
  ['clear_bit', 'andnot'],
  ['__clear_bit', 'andnot'],
]);

/** Declarers of a guard with a name (include/linux/cleanup.h; ACQUIRE in later kernels). */
export const NAMED_GUARDS: ReadonlySet<string> = new Set(['CLASS', 'ACQUIRE']);
