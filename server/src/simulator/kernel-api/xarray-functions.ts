/** The xarray: an array of pointers by index. Documentation/core-api/xarray.rst. */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from './kernel.js';
import { mightSleep } from './locks.js';
import type { ModelTable } from './table-entry.js';

const SOURCE = 'Documentation/core-api/xarray.rst; include/linux/xarray.h';

function store(kernel: Kernel, call: ModelledCall): Outcome {
  const [array, index, value] = [call.address(0), call.unsigned(1), call.address(2)];
  noteInCache(kernel, array, index, value);
  return kernel.storeRange(array, index, index, value);
}

/** A folio gets into a file's page cache or leaves it: the machine says whose the page is. */
function noteInCache(kernel: Kernel, array: bigint, index: bigint, value: bigint): void {
  for (const [inode, name] of kernel.state.fileNames) {
    if (kernel.object(inode, 'struct inode').addressOf('i_data.i_pages') !== array) continue;
    const page = value !== 0n ? value : kernel.find(array, index, index)?.value;
    const pfn = page === undefined ? undefined : kernel.state.pfnOfPage.get(page);
    if (pfn === undefined) return;
    if (value !== 0n) kernel.hardware.pages.setOwner(pfn, name, { name, index: Number(index) });
    else kernel.hardware.pages.setOwner(pfn, name);
  }
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
  __xa_erase: {
    source: SOURCE,
    run: (kernel, call) => {
      const [array, index] = [call.address(0), call.unsigned(1)];
      noteInCache(kernel, array, index, 0n);
      return kernel.storeRange(array, index, index, 0n);
    },
  },
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
