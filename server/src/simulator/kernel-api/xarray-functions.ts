/** The xarray: an array of pointers by index. Documentation/core-api/xarray.rst. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { alignDown } from '../machine/units.js';
import type { Kernel } from './kernel.js';
import { mightSleep } from './locks.js';
import type { ModelTable } from './table-entry.js';

const SOURCE = 'Documentation/core-api/xarray.rst; include/linux/xarray.h';

function store(kernel: Kernel, call: ModelledCall): Outcome {
  const [array, index, value] = [call.address(0), call.unsigned(1), call.address(2)];
  noteInCache(kernel, call, { array, index, value });
  return kernel.storeRange(array, index, index, value);
}

/** One entry for 2^order indices. */
function storeOrder(kernel: Kernel, call: ModelledCall): Outcome {
  const [array, index, order, value] = [call.address(0), call.unsigned(1), call.unsigned(2), call.address(3)];
  noteInCache(kernel, call, { array, index, value });
  return kernel.storeRange(array, index, index + (1n << order) - 1n, value);
}

/** An entry goes with all of its indices. */
function erase(kernel: Kernel, call: ModelledCall): Outcome {
  const [array, index] = [call.address(0), call.unsigned(1)];
  noteInCache(kernel, call, { array, index, value: 0n });
  const { first, last } = kernel.find(array, index, index) ?? { first: index, last: index };
  return kernel.storeRange(array, first, last, 0n);
}

/** A folio gets into a file's page cache or leaves it: the machine says whose the page is. */
function noteInCache(
  kernel: Kernel,
  call: ModelledCall,
  { array, index, value }: { array: bigint; index: bigint; value: bigint },
): void {
  for (const [inode, name] of kernel.state.fileNames) {
    if (kernel.object(inode, 'struct inode').addressOf('i_data.i_pages') !== array) continue;
    const page = value !== 0n ? value : kernel.find(array, index, index)?.value;
    const pfn = page === undefined ? undefined : kernel.state.pfnOfPage.get(page);
    if (pfn === undefined) return;
    const { pages } = kernel.hardware;
    if (value === 0n) {
      pages.setOwner(pfn, name);
      return;
    }
    // The index is the page's own; a block begins with its first one's.
    const head = alignDown(pfn, 2 ** (pages.at(pfn)?.order ?? 0));
    pages.setOwner(pfn, name, { name, index: Number(index) - (pfn - head) });
    reportRoundedDown(kernel, call, head);
  }
}

/**
 * A fault made its file allocate a block that begins before the slot's part of the file (mail row C2). A block that is
 * larger than all of the slot can't lie inside of it: the fault then maps less than the block (mail row C5).
 */
function reportRoundedDown(kernel: Kernel, call: ModelledCall, head: number): void {
  const gfn = kernel.state.faultOf.get(call.thread.id);
  const slot = gfn === undefined ? undefined : kernel.slotOf(gfn);
  const block = kernel.hardware.pages.at(head);
  if (gfn === undefined || !slot || block?.indexDelta === undefined) return;
  const [first, pages] = [head + block.indexDelta, 2 ** block.order];
  if (block.file !== slot.file || first >= slot.index || pages > slot.pages) return;
  const start = slot.baseGfn + first - slot.index;
  kernel.hardware.pages.reportOutsideSlot({ vm: kernel.vm, gfn: start, pfn: head, pages, slot });
}

/** The first entry after `from` (included) and not after the third argument; `*index` becomes its own. */
function find(kernel: Kernel, call: ModelledCall, after: boolean): Outcome {
  const [array, pointer, max] = [call.address(0), call.address(1), call.unsigned(2)];
  const index = kernel.c.loadUnsigned(pointer, 8);
  // A multi-index entry is one entry: the next one begins behind all of it.
  const here = after ? kernel.find(array, index, index) : undefined;
  const from = after ? (here?.last ?? index) + 1n : index;
  const entry = from > max ? undefined : kernel.find(array, from, max);
  if (!entry) return 0;
  kernel.c.storeValue(pointer, 8, entry.first > from ? entry.first : from);
  return entry.value;
}

function storing(kernel: Kernel, call: ModelledCall, gfp: bigint): void {
  if (gfp & kernel.constant('GFP_KERNEL')) mightSleep(kernel, call, 'A7');
}

export const XARRAY_FUNCTIONS: ModelTable = {
  xa_init: {
    source: SOURCE,
    run: (kernel, call) => {
      kernel.state.arrays.set(call.address(0), []);
      return undefined;
    },
  },
  xa_destroy: {
    source: SOURCE,
    run: (kernel, call) => {
      kernel.state.arrays.delete(call.address(0));
      return undefined;
    },
  },
  xa_load: {
    source: SOURCE,
    run: (kernel, call) => kernel.find(call.address(0), call.unsigned(1), call.unsigned(1))?.value ?? 0n,
  },
  xa_store: {
    source: SOURCE,
    run: (kernel, call) => {
      storing(kernel, call, call.unsigned(3));
      return store(kernel, call);
    },
  },
  __xa_store: { source: SOURCE, run: store },
  xa_reserve: {
    source: SOURCE,
    run: (kernel, call) => {
      storing(kernel, call, call.unsigned(2));
      return -BigInt(kernel.injected(call.name, call) ?? 0);
    },
  },
  __xa_store_order: { source: SOURCE, run: storeOrder },
  __xa_erase: { source: SOURCE, run: erase },
  xa_store_range: {
    source: SOURCE,
    run: (kernel, call) => {
      storing(kernel, call, call.unsigned(4));
      kernel.storeRange(call.address(0), call.unsigned(1), call.unsigned(2), call.address(3));
      return 0;
    },
  },
  xa_find: { source: SOURCE, run: (kernel, call) => find(kernel, call, false) },
  xa_find_after: { source: SOURCE, run: (kernel, call) => find(kernel, call, true) },
};
