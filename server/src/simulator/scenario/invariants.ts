/**
 * What holds in every design, whatever its C says: a guest never does more with a page than slot and attributes allow
 * together (mail row D4), never reaches the private page of a shared gfn or the other way round, and changing attributes
 * maps nothing (mail row A9). Looked at from outside, where the guest is and where the machine changes.
 */
import type { Thread } from '../execution/thread.js';
import type { Kernel } from '../kernel-api/kernel.js';
import type { KernelHazard } from '../kernel-api/state.js';
import type { MachineEvent } from '../machine/events.js';
import {
  attributesIn,
  attributesOf,
  kvmOf,
  type Protection,
  protectionOf,
  protectionText,
} from './memory-attributes.js';

/** The ioctl's own function: what is mapped below it is mapped by a change of attributes. */
const ATTRIBUTE_CHANGE = 'kvm_vm_set_mem_attributes';

const hex = (value: number): string => `0x${value.toString(16)}`;

function report(
  kernel: Kernel,
  hazard: Pick<KernelHazard, 'kind' | 'message' | 'row' | 'gfn' | 'actor'>,
): void {
  kernel.state.hazards.push({ ...hazard, at: undefined, function: undefined, stack: [] });
}

/** A guest's access went through to `pfn`. */
export function checkGuestAccess(
  kernel: Kernel,
  { vcpu, gfn, kind, pfn }: { vcpu: number; gfn: number; kind: keyof Protection; pfn: number },
): void {
  const kvm = kvmOf(kernel);
  if (kvm === 0n) return;
  const actor = `vcpu${vcpu}`;
  const allowed = protectionOf(kernel, kvm, gfn);
  if (!allowed[kind])
    report(kernel, {
      kind: 'protection-exceeded',
      row: 'D4',
      message: `${actor} can ${kind} gfn ${hex(gfn)}, which is ${protectionText(allowed)} by its slot and its attributes together`,
      gfn,
      actor,
    });
  const wanted = attributesIn(kernel, attributesOf(kernel, kvm, gfn)).includes('private');
  const file = kernel.hardware.pages.at(pfn)?.file;
  const has = file !== undefined && file === kernel.slotOf(gfn)?.file;
  // A page that was freed is told as such.
  if (wanted === has || kernel.hardware.pages.isFree(pfn)) return;
  report(kernel, {
    kind: 'attribute-ignored',
    row: 'A9',
    message: `${actor} uses pfn ${hex(pfn)} for gfn ${hex(gfn)}, a ${has ? 'private' : 'shared'} page, though the gfn is ${wanted ? 'private' : 'shared'} now`,
    gfn,
    actor,
  });
}

/** The machine changed while a thread was running. */
export function checkMapping(kernel: Kernel, event: MachineEvent, thread: Thread | undefined): void {
  if (event.kind !== 'npt' || !event.after || !thread) return;
  if (!kernel.c.stackOf(thread).some(({ function: name }) => name === ATTRIBUTE_CHANGE)) return;
  report(kernel, {
    kind: 'attribute-change-maps',
    row: 'A9',
    message: `a change of attributes maps gfn ${hex(event.gfn)}: it may unmap, and leave the rest to the next fault`,
    gfn: event.gfn,
    actor: event.actor,
  });
}

/** The kernel accepted attributes: of these pages none may be left with what no page table can say (mail row D5). */
export function checkAccepted(kernel: Kernel, gfn: number, pages: number, actor: string): void {
  const kvm = kvmOf(kernel);
  if (kvm === 0n || kernel.constant('KVM_MEMORY_ATTRIBUTE_NO_WRITE') === 0n) return;
  for (let page = gfn; page < gfn + pages; page++) {
    const left = protectionOf(kernel, kvm, page);
    const text = protectionText(left);
    if (!((left.write && !left.read) || text === '--x')) continue;
    report(kernel, {
      kind: 'refused-attributes',
      row: 'D5',
      message: `gfn ${hex(page)} is ${text} by its slot and its attributes together, which can't be mapped and should have been refused`,
      gfn: page,
      actor,
    });
    return;
  }
}
