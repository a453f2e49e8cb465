/**
 * madvise(MADV_DONTNEED) on a range of the VMM's memory: whoever has it mapped is told before and after, and anonymous pages
 * are given back (mm/madvise.c, madvise_dontneed_single_vma; Documentation/mm/mmu_notifier.rst).
 */
import type { Kernel } from '../kernel-api/kernel.js';
import { PAGE_SIZE } from '../machine/units.js';
import type { ActionTurn, NextCall } from './kernel-calls.js';

export function discard(kernel: Kernel, address: number, size: number, turn: ActionTurn): NextCall {
  const notifiers = kernel.state.notifiers.map((one) => kernel.object(one, 'struct mmu_notifier'));
  if (turn.calls === notifiers.length) dropPages(kernel, address, size);
  const notifier = notifiers[turn.calls % Math.max(1, notifiers.length)];
  if (!notifier || turn.calls >= 2 * notifiers.length) return { result: 0 };
  const range = kernel.allocate('struct mmu_notifier_range', "the VMM's range");
  range.set('start', BigInt(address));
  range.set('end', BigInt(address + size));
  const callback = turn.calls < notifiers.length ? 'invalidate_range_start' : 'invalidate_range_end';
  return { target: notifier.follow('ops')!.get(callback), args: [notifier.address, range.address] };
}

function dropPages(kernel: Kernel, address: number, size: number): void {
  for (let at = address; at < address + size; at += PAGE_SIZE) {
    const number = BigInt(at / PAGE_SIZE);
    const pfn = kernel.state.userPages.get(number);
    if (pfn === undefined) continue;
    kernel.state.userPages.delete(number);
    const page = kernel.object(kernel.pageOf(pfn), 'struct page');
    const left = page.get('_refcount.counter') - 1n;
    page.set('_refcount.counter', left);
    if (left === 0n) kernel.freePages(pfn, 0);
  }
}
