/** All modelled functions by name. What is neither here nor in the C is unmodelled, and a run says so. */
import type { Modelled } from '../execution/modelled.js';
import type { Thread } from '../execution/thread.js';
import { BASIC_FUNCTIONS } from './basic-functions.js';
import { FILE_FUNCTIONS } from './file-functions.js';
import { HARDWARE_FUNCTIONS } from './hardware-functions.js';
import type { Kernel } from './kernel.js';
import { LOCK_FUNCTIONS } from './lock-functions.js';
import { MEMORY_FUNCTIONS } from './memory-functions.js';
import type { ModelEntry, ModelTable } from './table-entry.js';
import { TDX_FUNCTIONS } from './tdx-functions.js';
import { XARRAY_FUNCTIONS } from './xarray-functions.js';

export const MODELLED: ModelTable = {
  ...BASIC_FUNCTIONS,
  ...LOCK_FUNCTIONS,
  ...MEMORY_FUNCTIONS,
  ...XARRAY_FUNCTIONS,
  ...FILE_FUNCTIONS,
  ...HARDWARE_FUNCTIONS,
  ...TDX_FUNCTIONS,
};

type Used = (name: string, thread: Thread) => void;

/** A table as the execution wants it; `used` is told every function that was called, before it returns. */
export function modelledFor(kernel: Kernel, table: ModelTable, used: Used): Record<string, Modelled> {
  return Object.fromEntries(
    Object.entries(table).map(([name, entry]) => [name, modelledFrom(kernel, name, entry, used)]),
  );
}

export const modelledFrom = (
  kernel: Kernel,
  name: string,
  { run, preemption }: ModelEntry,
  used: Used,
): Modelled => ({
  preemption: preemption ?? false,
  run: (call) => {
    kernel.hardware.actAs(call.thread.name, {
      file: call.loc.file,
      line: call.loc.line,
      ...(call.stack[0] && { function: call.stack[0].function }),
    });
    try {
      return run(kernel, call);
    } finally {
      used(name, call.thread);
    }
  },
});
