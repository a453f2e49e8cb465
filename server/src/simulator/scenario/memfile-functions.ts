/** Modelled for the kernel memfile-notifier alone: faults on what the VMM has mapped, signals, marks on folios, the VMM's C library. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { ENTRY_FILE, FALLOCATE_FUNCTION } from '../kernel-api/entry.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { mightSleep } from '../kernel-api/locks.js';
import { userPage } from '../kernel-api/memory-functions.js';
import type { ModelTable } from '../kernel-api/table-entry.js';
import { PAGE_SIZE } from '../machine/units.js';

const EINTR = 4n;

/** One page at a time, by the kernel's own page fault. */
function getUserPages(kernel: Kernel, call: ModelledCall): Outcome {
  if (call.state === undefined) {
    mightSleep(kernel, call);
    call.state = { faulted: true };
    const fault = kernel.c.addressOfFunction('handle_mm_fault', 'mm/mmap.c');
    return call.into(fault, [call.unsigned(0), call.address(3)]);
  }
  return BigInt.asIntN(32, call.returned) === 0n ? 1 : 0;
}

function allocAnonPage(kernel: Kernel, call: ModelledCall): Outcome {
  const pfn = userPage(kernel, call.unsigned(0) / BigInt(PAGE_SIZE));
  if (pfn === undefined) return 0;
  const page = kernel.object(kernel.pageOf(pfn), 'struct page');
  page.set('_refcount.counter', page.get('_refcount.counter') + 1n);
  return page.address;
}

/** The library's wrapper: -1 and errno instead of a negative number. A signal is delivered on the way. */
function fallocate(kernel: Kernel, call: ModelledCall): Outcome {
  const errno = kernel.c.addressOfGlobal('errno', 'tools/vmm/hostmem.c').address;
  const fail = (error: bigint): number => {
    kernel.c.storeValue(errno, 4, error);
    return -1;
  };
  if (call.state === undefined) {
    call.state = { entered: true };
    const injected = kernel.injected(call.name, call);
    if (injected !== undefined) return fail(BigInt(injected));
    const args = [call.unsigned(0), call.unsigned(1), call.unsigned(2), call.unsigned(3)];
    return call.into(kernel.c.addressOfFunction(FALLOCATE_FUNCTION, ENTRY_FILE), args);
  }
  const result = BigInt.asIntN(32, call.returned);
  if (result === -EINTR) kernel.state.signals.delete(call.thread.name);
  return result < 0n ? fail(-result) : 0;
}

export const MEMFILE_FUNCTIONS: ModelTable = {
  get_user_pages_fast: {
    source: 'mm/gup.c, get_user_pages_fast: faults in what is missing',
    run: getUserPages,
  },
  alloc_anon_page: { source: 'mm/memory.c, do_anonymous_page', run: allocAnonPage },
  folio_set_unmovable: {
    source: 'include/linux/pagemap.h, mapping_set_unmovable; mm/migrate.c',
    run: (kernel, call) => {
      kernel.hardware.pages.setUnmovable(kernel.pfnOf(call.address(0)));
      return undefined;
    },
  },
  folio_test_unmovable: {
    source: 'include/linux/pagemap.h, mapping_unmovable',
    run: (kernel, call) => kernel.hardware.pages.at(kernel.pfnOf(call.address(0)))?.unmovable ?? false,
  },
  signal_pending: {
    source: 'include/linux/sched/signal.h',
    preemption: true,
    run: (kernel, call) => kernel.state.signals.has(call.thread.name),
  },
  fallocate: { source: 'fallocate(2)', run: fallocate },
};
