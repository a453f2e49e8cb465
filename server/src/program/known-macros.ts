/** Macros of the kernel whose meaning is known here rather than read from their definitions. */

/** `static_call(key)` and its kin (include/linux/static_call.h): the call's callee is itself a call. */
export const STATIC_CALLS: ReadonlySet<string> = new Set([
  'static_call',
  'static_call_cond',
  'static_call_mod',
]);

/** Macros of include/linux/static_call.h that put a function behind a key: which argument is the function. */
export const STATIC_CALL_SETTERS: ReadonlyMap<string, number> = new Map([
  ['static_call_update', 1],
  ['__static_call_update', 2],
  ['DEFINE_STATIC_CALL', 1],
  ['DEFINE_STATIC_CALL_NULL', 1],
  ['DEFINE_STATIC_CALL_RET0', 1],
]);

/** Calls of a constructor and, at the scope's end, of a destructor (include/linux/cleanup.h; ACQUIRE in later kernels). */
export const GUARDS: ReadonlySet<string> = new Set(['guard', 'CLASS', 'ACQUIRE']);

/** include/linux/module.h: the address of another module's function, if it is loaded. */
export const FUNCTION_OF_MODULE: ReadonlySet<string> = new Set(['symbol_get', 'symbol_request']);

/** Names that stay as they are though headers define macros for them: their meaning is known here. */
export const OPAQUE_MACROS: ReadonlySet<string> = new Set([...STATIC_CALLS, ...STATIC_CALL_SETTERS.keys()]);

/** include/linux/workqueue.h: `DECLARE_WORK(work, function)`. */
export const WORK_DECLARATION = /^(DECLARE|DEFINE)_(DELAYED_|DEFERRABLE_)?WORK$/;
