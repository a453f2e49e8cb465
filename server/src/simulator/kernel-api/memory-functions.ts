/** Objects, pages, folios, the directmap's addresses, user memory. */
import { Hazard } from '../execution/hazard.js';
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { MachineError } from '../machine/errors.js';
import { spaceOf } from '../machine/guest-walk.js';
import { PAGE_SIZE } from '../machine/units.js';
import { DIRECTMAP, type Kernel } from './kernel.js';
import { callerOf, mightSleep } from './locks.js';
import type { ModelTable } from './table-entry.js';

const SLAB = 'Documentation/core-api/memory-allocation.rst; include/linux/slab.h';
const GFP = 'Documentation/core-api/memory-allocation.rst; include/linux/gfp.h';
const PAGES = 'include/asm-generic/memory_model.h; arch/x86/include/asm/page_64.h';
const FOLIO = 'include/linux/page-flags.h';
const FREE = 'mm/page_alloc.c, free_pages_prepare';
const PG_UPTODATE = 8n;

/** An allocation that may reclaim may sleep (mail row A7). */
function reclaims(kernel: Kernel, call: ModelledCall, gfp: bigint): void {
  if (gfp & kernel.constant('GFP_KERNEL')) mightSleep(kernel, call, 'A7');
}

function kzalloc(kernel: Kernel, call: ModelledCall): Outcome {
  reclaims(kernel, call, call.unsigned(1));
  if (kernel.injected(call.name, call) !== undefined) return 0;
  return kernel.c.allocateZeroed(call.int(0), 16, `${call.name} ${call.place}`);
}

function allocPages(kernel: Kernel, call: ModelledCall, order: number): Outcome {
  const gfp = call.unsigned(0);
  reclaims(kernel, call, gfp);
  if (kernel.injected(call.name, call) !== undefined) return 0;
  const pfn = kernel.allocatePages(call.stack[0]?.function ?? 'kernel', order);
  if (pfn === undefined) return 0;
  if (gfp & kernel.constant('__GFP_ZERO')) kernel.hostFill(pfn, 2 ** order, 'zero');
  return kernel.pageOf(pfn);
}

function freePages(kernel: Kernel, call: ModelledCall, order: number): Outcome {
  freeFrames(kernel, call, kernel.pfnOf(call.address(0)), order);
  return undefined;
}

export function freeFrames(kernel: Kernel, call: ModelledCall, pfn: number, order: number): void {
  kernel.mirror.freed(pfn);
  reportMapped(kernel, call, pfn, 2 ** order);
  kernel.freePages(pfn, order);
}

/** Pages are freed that the guest can still reach (mail rows A8, A11): a mapping that wasn't zapped, or not flushed. */
function reportMapped(kernel: Kernel, call: ModelledCall, first: number, pages: number): void {
  const { hardware, vm, state } = kernel;
  const npt = hardware.npt(vm);
  const spaces = [...new Set([false, true].map((isPrivate) => spaceOf(hardware.platform, isPrivate)))];
  const tables = spaces.flatMap((space) => [
    { name: 'its nested page table', table: npt.table(space) },
    ...hardware.vms
      .get(vm)
      .vcpus.map(({ id }) => ({ name: `the TLB of vcpu${id}`, table: npt.tlb(id, space) })),
  ]);
  for (const { name, table } of tables)
    for (const { start, count, value } of table.map.extents()) {
      const gfn = Math.max(first - value.pfnDelta, start);
      if (gfn >= Math.min(first + pages - value.pfnDelta, start + count)) continue;
      const pfn = gfn + value.pfnDelta;
      state.hazards.push({
        kind: 'stale-guest-mapping',
        message: `pfn 0x${pfn.toString(16)} is freed while gfn 0x${gfn.toString(16)} of ${vm} is still mapped to it in ${name}`,
        pfn,
        gfn,
        actor: call.thread.name,
        at: call.loc,
        function: callerOf(call),
        stack: call.stack.map(({ function: at, loc }) => ({ function: at, file: loc.file, line: loc.line })),
      });
      return;
    }
}

const inDirectmap = (kernel: Kernel, address: bigint): { pfn: number; offset: number } => {
  const frame = kernel.frameAt(address);
  if (!frame) throw new Hazard('bad-address', `0x${address.toString(16)} is not in the directmap`);
  return frame;
};

/** The VMM's anonymous memory: a page is there once it was touched. */
function getUserPages(kernel: Kernel, call: ModelledCall): Outcome {
  mightSleep(kernel, call);
  const first = call.unsigned(0) / BigInt(PAGE_SIZE);
  for (let i = 0; i < call.int(1); i++) {
    const pfn = userPage(kernel, first + BigInt(i));
    if (pfn === undefined) return i;
    const page = kernel.pageOf(pfn);
    const count = kernel.object(page, 'struct page');
    count.set('_refcount.counter', count.get('_refcount.counter') + 1n);
    kernel.c.storeValue(call.address(3) + BigInt(i * 8), 8, page);
  }
  return call.int(1);
}

/** Frame of a page of user memory, by the number of the page; allocated if need be. */
export function userPage(kernel: Kernel, number: bigint): number | undefined {
  const known = kernel.state.userPages.get(number);
  if (known !== undefined) return known;
  const pfn = kernel.allocatePages('vmm', 0);
  if (pfn === undefined) return undefined;
  kernel.hostWrite(pfn, { pattern: 'zero' });
  kernel.state.userPages.set(number, pfn);
  return pfn;
}

/** copy_from_user and copy_to_user: user memory is C memory here, and only the null pointer isn't mapped. */
function copyUser(kernel: Kernel, call: ModelledCall): Outcome {
  mightSleep(kernel, call);
  if (kernel.injected(call.name, call) !== undefined) return call.unsigned(2);
  const [to, from] = [call.address(0), call.address(1)];
  if (from === 0n || to === 0n) return call.unsigned(2);
  for (let i = 0n; i < call.unsigned(2); i++)
    kernel.c.storeValue(to + i, 1, kernel.c.loadUnsigned(from + i, 1));
  return 0;
}

const flag = (kernel: Kernel, call: ModelledCall) => kernel.object(call.address(0), 'struct page');

export const MEMORY_FUNCTIONS: ModelTable = {
  kzalloc: { source: SLAB, run: kzalloc },
  kfree: {
    source: SLAB,
    run: (kernel, call) => {
      if (call.address(0) !== 0n) kernel.c.memory.free(call.address(0), call.place);
      return undefined;
    },
  },
  alloc_page: { source: GFP, run: (kernel, call) => allocPages(kernel, call, 0) },
  alloc_pages: { source: GFP, run: (kernel, call) => allocPages(kernel, call, call.int(1)) },
  __free_page: { source: FREE, run: (kernel, call) => freePages(kernel, call, 0) },
  __free_pages: { source: FREE, run: (kernel, call) => freePages(kernel, call, call.int(1)) },
  split_page_owner: {
    source: 'mm/huge_memory.c, __split_huge_page; mm/page_owner.c',
    run: (kernel, call) => {
      kernel.splitPages(kernel.pfnOf(call.address(0)), call.int(1));
      return undefined;
    },
  },
  page_to_pfn: { source: PAGES, run: (kernel, call) => kernel.pfnOf(call.address(0)) },
  pfn_to_page: {
    source: PAGES,
    run: (kernel, call) => {
      try {
        return kernel.pageOf(Number(call.unsigned(0)));
      } catch (error) {
        if (error instanceof MachineError) throw new Hazard('bad-address', error.message);
        throw error;
      }
    },
  },
  page_address: {
    source: PAGES,
    run: (kernel, call) => kernel.directmapOf(kernel.pfnOf(call.address(0))),
  },
  pfn_to_kaddr: { source: PAGES, run: (_, call) => DIRECTMAP + (call.unsigned(0) << 12n) },
  __pa: {
    source: PAGES,
    run: (kernel, call) => {
      inDirectmap(kernel, call.address(0));
      return call.address(0) - DIRECTMAP;
    },
  },
  __va: { source: PAGES, run: (_, call) => call.unsigned(0) + DIRECTMAP },
  clear_highpage: {
    source: 'include/linux/highmem.h',
    run: (kernel, call) => {
      kernel.hostWrite(kernel.pfnOf(call.address(0)), { pattern: 'zero' });
      return undefined;
    },
  },
  folio_zero_range: {
    source: 'include/linux/highmem.h; whole pages only here',
    run: (kernel, call) => {
      const [from, length] = [call.int(1), call.int(2)];
      kernel.hostFill(kernel.pfnOf(call.address(0)) + from / PAGE_SIZE, length / PAGE_SIZE, 'zero');
      return undefined;
    },
  },
  folio_mark_uptodate: {
    source: FOLIO,
    run: (kernel, call) => {
      flag(kernel, call).set('flags', flag(kernel, call).get('flags') | PG_UPTODATE);
      return undefined;
    },
  },
  folio_test_uptodate: {
    source: FOLIO,
    run: (kernel, call) => (flag(kernel, call).get('flags') & PG_UPTODATE) !== 0n,
  },
  get_user_pages_fast: { source: 'mm/gup.c, get_user_pages_fast', run: getUserPages },
  copy_from_user: { source: 'include/linux/uaccess.h', run: copyUser },
  copy_to_user: { source: 'include/linux/uaccess.h', run: copyUser },
  vm_unmap_aliases: {
    source: 'mm/vmalloc.c, vm_unmap_aliases: takes vmap_purge_lock, a mutex',
    run: (kernel, call) => {
      mightSleep(kernel, call);
      return undefined;
    },
  },
};
