/** Memory of a real tree's kernel: pages, slab objects, user memory, addresses. */
import { Hazard } from '../execution/hazard.js';
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { mightSleep } from '../kernel-api/locks.js';
import { freeFrames, MEMORY_FUNCTIONS, userPage } from '../kernel-api/memory-functions.js';
import { entriesOf, type ModelEntry, type ModelTable } from '../kernel-api/table-entry.js';
import { PAGE_SIZE } from '../machine/units.js';

const WORD = 8;
const SLAB = 'Documentation/core-api/memory-allocation.rst; include/linux/slab.h';
const GFP = 'Documentation/core-api/memory-allocation.rst; include/linux/gfp.h';
const PAGES = 'include/asm-generic/memory_model.h; arch/x86/include/asm/page.h';
const USER = 'include/linux/uaccess.h';

/** An allocation that may reclaim may sleep (mail row A7). */
function reclaims(kernel: Kernel, call: ModelledCall, gfp: bigint): void {
  if (gfp & kernel.constant('__GFP_DIRECT_RECLAIM')) mightSleep(kernel, call, 'A7');
}

const wantsZero = (kernel: Kernel, gfp: bigint): boolean => (gfp & kernel.constant('__GFP_ZERO')) !== 0n;

function object(kernel: Kernel, call: ModelledCall, size: number, gfp: bigint): Outcome {
  reclaims(kernel, call, gfp);
  if (kernel.injected(call.name, call) !== undefined) return 0;
  const origin = `${call.name} ${call.place}`;
  return wantsZero(kernel, gfp)
    ? kernel.c.allocateZeroed(size, 16, origin)
    : kernel.c.memory.allocate(size, 16, origin);
}

/** The frame behind a new page; `undefined` where there is none. */
function frames(kernel: Kernel, call: ModelledCall, gfp: bigint, order: number): number | undefined {
  reclaims(kernel, call, gfp);
  if (kernel.injected(call.name, call) !== undefined) return undefined;
  if (order > 0)
    throw new Hazard('unsupported', `${call.name} of order ${order}: pages are modelled one by one`);
  const pfn = kernel.allocatePages(call.stack[0]?.function ?? 'kernel', 0);
  if (pfn === undefined) return undefined;
  // Nobody maps it.
  kernel.object(kernel.pageOf(pfn), 'struct page').set('_mapcount.counter', -1);
  if (wantsZero(kernel, gfp)) kernel.hostWrite(pfn, { pattern: 'zero' });
  return pfn;
}

function allocPages(kernel: Kernel, call: ModelledCall): Outcome {
  const pfn = frames(kernel, call, call.unsigned(0), call.int(1));
  return pfn === undefined ? 0 : kernel.pageOf(pfn);
}

function getFreePages(kernel: Kernel, call: ModelledCall): Outcome {
  const pfn = frames(kernel, call, call.unsigned(0), call.int(1));
  return pfn === undefined ? 0 : kernel.directmapOf(pfn);
}

function pfnAt(kernel: Kernel, address: bigint): number {
  const frame = kernel.frameAt(address);
  if (!frame) throw new Hazard('bad-address', `0x${address.toString(16)} is not in the directmap`);
  return frame.pfn;
}

function free(kernel: Kernel, call: ModelledCall, pfn: number): Outcome {
  freeFrames(kernel, call, pfn, 0);
  return undefined;
}

/** sizeof of a cache's objects is what its own few bytes hold. */
function newCache(kernel: Kernel, call: ModelledCall): Outcome {
  const cache = kernel.c.allocateZeroed(8, 16, `kmem_cache ${call.text(0)}`);
  kernel.c.storeValue(cache, 8, call.unsigned(1));
  return cache;
}

function copy(kernel: Kernel, call: ModelledCall): Outcome {
  mightSleep(kernel, call);
  const [to, from, size] = [call.address(0), call.address(1), call.unsigned(2)];
  if (kernel.injected(call.name, call) !== undefined) return size;
  // A system call with a null pointer for its argument.
  if ((call.name === 'copy_from_user' ? from : to) === 0n) return size;
  for (let i = 0n; i < size; i++) kernel.c.storeValue(to + i, 1, kernel.c.loadUnsigned(from + i, 1));
  return 0;
}

/** The VMM's anonymous memory: a page is there once it was touched. */
function userPageInto(kernel: Kernel, address: bigint, into: bigint, mayAllocate: boolean): boolean {
  const number = address / BigInt(PAGE_SIZE);
  const pfn = mayAllocate ? userPage(kernel, number) : kernel.state.userPages.get(number);
  if (pfn === undefined) return false;
  const page = kernel.object(kernel.pageOf(pfn), 'struct page');
  page.set('_refcount.counter', page.get('_refcount.counter') + 1n);
  kernel.c.storeValue(into, 8, page.address);
  return true;
}

/** A page's words at once: one by one they would be a page's worth of writes for the machine. */
function memset64(kernel: Kernel, call: ModelledCall): Outcome {
  const [to, value, words] = [call.address(0), call.unsigned(1), call.int(2)];
  const frame = kernel.frameAt(to);
  if (!frame || frame.offset + words * WORD > PAGE_SIZE || kernel.state.tables.has(frame.pfn)) {
    for (let i = 0; i < words; i++) kernel.c.storeValue(to + BigInt(i * WORD), WORD, value);
    return to;
  }
  const bytes = new Uint8Array(words * WORD);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < words; i++) view.setBigUint64(i * WORD, value, true);
  kernel.hostWrite(frame.pfn, bytes, frame.offset);
  return to;
}

const nothing = (source: string): ModelEntry => ({ source, run: () => undefined });

export const TREE_MEMORY: ModelTable = {
  ...entriesOf(
    MEMORY_FUNCTIONS,
    ...[
      'kfree',
      'page_to_pfn',
      'pfn_to_page',
      'page_address',
      'pfn_to_kaddr',
      '__pa',
      '__va',
      'clear_highpage',
    ],
  ),
  kmalloc: { source: SLAB, run: (kernel, call) => object(kernel, call, call.int(0), call.unsigned(1)) },
  __lens_kmem_cache: { source: SLAB, run: newCache },
  kmem_cache_alloc: {
    source: SLAB,
    run: (kernel, call) =>
      object(kernel, call, Number(kernel.c.loadUnsigned(call.address(0), 8)), call.unsigned(1)),
  },
  kmem_cache_free: {
    source: SLAB,
    run: (kernel, call) => {
      kernel.c.memory.free(call.address(1), call.place);
      return undefined;
    },
  },
  kmem_cache_destroy: {
    source: SLAB,
    run: (kernel, call) => {
      if (call.address(0) !== 0n) kernel.c.memory.free(call.address(0), call.place);
      return undefined;
    },
  },
  alloc_pages: { source: GFP, run: allocPages },
  filemap_alloc_folio: { source: 'include/linux/pagemap.h, filemap_alloc_folio', run: allocPages },
  get_free_pages: { source: GFP, run: getFreePages },
  __free_pages: {
    source: 'mm/page_alloc.c, free_pages_prepare',
    run: (kernel, call) => free(kernel, call, kernel.pfnOf(call.address(0))),
  },
  __folio_put: {
    source: 'mm/swap.c, __folio_put: the last reference to a folio is gone',
    run: (kernel, call) => free(kernel, call, kernel.pfnOf(call.address(0))),
  },
  free_pages: {
    source: GFP,
    run: (kernel, call) =>
      call.address(0) === 0n ? undefined : free(kernel, call, pfnAt(kernel, call.address(0))),
  },
  pfn_valid: {
    source: PAGES,
    run: (kernel, call) => kernel.hardware.pages.contains(Number(call.unsigned(0))),
  },
  virt_to_page: {
    source: PAGES,
    run: (kernel, call) => kernel.pageOf(pfnAt(kernel, call.address(0))),
  },
  virt_addr_valid: { source: PAGES, run: (kernel, call) => kernel.frameAt(call.unsigned(0)) !== undefined },
  clear_page: {
    source: 'arch/x86/include/asm/page_64.h, clear_page',
    run: (kernel, call) => {
      kernel.hostWrite(pfnAt(kernel, call.address(0)), { pattern: 'zero' });
      return undefined;
    },
  },
  copy_from_user: { source: USER, run: copy },
  copy_to_user: { source: USER, run: copy },
  get_user_page_fast_only: {
    source: 'mm/gup.c, get_user_pages_fast_only',
    run: (kernel, call) => userPageInto(kernel, call.unsigned(0), call.address(2), false),
  },
  get_user_pages_unlocked: {
    source: 'mm/gup.c, get_user_pages_unlocked',
    run: (kernel, call) => {
      mightSleep(kernel, call);
      return userPageInto(kernel, call.unsigned(0), call.address(2), true) ? 1 : -14;
    },
  },
  host_pfn_mapping_level: {
    source: 'arch/x86/kvm/mmu/mmu.c: the VMM maps its memory by 4K',
    run: (kernel) => kernel.constant('PG_LEVEL_4K'),
  },
  memset64: { source: 'include/linux/string.h, memset64', run: memset64 },
  put_devmap_managed_folio_refs: {
    source: 'include/linux/mm.h: no page is a device’s',
    run: () => false,
  },
  __folio_cancel_dirty: nothing('mm/page-writeback.c: nothing is written back'),
  mark_page_accessed: nothing('mm/swap.c: there is no memory pressure'),
  __lruvec_stat_mod_folio: nothing('mm/memcontrol.c: statistics'),
  folio_add_lru: nothing('mm/swap.c: there is no memory pressure'),
  folio_mark_accessed: nothing('mm/swap.c: there is no memory pressure'),
  filemap_unaccount_folio: nothing('mm/filemap.c: statistics'),
  truncate_folio_batch_exceptionals: nothing('mm/truncate.c: no shadow entries'),
  access_ok: { source: USER, run: () => true },
};
