/**
 * The functions that `SYSCALL_DEFINEn(name, …)` makes besides the one that a person means: on x86 the entry code calls
 * `__x64_sys_name()`, that `__se_sys_name()`, and that `__do_sys_name()`, whose body is the one in the text
 * (arch/x86/include/asm/syscall_wrapper.h, include/linux/syscalls.h). Where all is listed they are listed, too.
 */
import type { FunctionNode } from './model.js';

export interface SystemCall {
  /** Name of the function that has the body. */
  body: string;
  /** The others: each calls the next, the last one the body. */
  chains: readonly (readonly string[])[];
}

/** The functions behind a system call's definition; undefined for other functions, and where the architecture has no wrappers of its own. */
export function systemCallOf(node: FunctionNode, architecture: string): SystemCall | undefined {
  const by = node.facts.generatedBy ?? '';
  const name = /^(?:compat_)?sys_(\w+)$/.exec(node.name)?.[1];
  if (architecture !== 'x86' || name === undefined || !/^(COMPAT_)?SYSCALL_DEFINE\d$/.test(by))
    return undefined;
  if (by.startsWith('COMPAT_')) {
    const inner = `__se_compat_sys_${name}`;
    return { body: `__do_compat_sys_${name}`, chains: [[`__ia32_compat_sys_${name}`, inner]] };
  }
  const body = `__do_sys_${name}`;
  // Without arguments there is nothing to be unpacked.
  if (by.endsWith('0')) return { body, chains: [[`__x64_sys_${name}`]] };
  const inner = `__se_sys_${name}`;
  return {
    body,
    chains: [
      [`__x64_sys_${name}`, inner],
      [`__ia32_sys_${name}`, inner],
    ],
  };
}
