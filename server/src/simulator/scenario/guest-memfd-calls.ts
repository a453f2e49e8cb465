/**
 * Actions as calls of upstream's interface: KVM_CREATE_GUEST_MEMFD, KVM_SET_USER_MEMORY_REGION2, KVM_SET_MEMORY_ATTRIBUTES,
 * fallocate(2) (Documentation/virt/kvm/api.rst); and accesses to the machine.
 */
import { ENTRY_FILE, FALLOCATE_FUNCTION } from '../kernel-api/entry.js';
import { newFile } from '../kernel-api/file-functions.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { userPage } from '../kernel-api/memory-functions.js';
import { errnoName } from '../kernel-api/table-entry.js';
import type { SlotBounds } from '../machine/slots.js';
import { ORDER_OF, PAGE_SIZE } from '../machine/units.js';
import type { ActorState } from './actor-state.js';
import { discard } from './discard.js';
import type { Doing } from './doing.js';
import type { Guest } from './guest.js';
import { checkAccepted } from './invariants.js';
import type { ActionTurn, CallContext, KernelCalls, NextCall } from './kernel-calls.js';
import {
  type AttributeAction,
  answerProblem,
  attributeCall,
  attributesIn,
  attributesOf,
} from './memory-attributes.js';
import type { Action, FileRange, ScenarioSlot, Target } from './model.js';

/** Where the VMM has the shared side of its guest's memory. */
export const USER_MEMORY = 0x7f0000000000;

export class GuestMemfdCalls implements KernelCalls {
  constructor(protected readonly context: CallContext) {
    context.kernel.slotOf = (gfn) => slotAround(context.state.slots, gfn);
  }

  protected get kernel(): Kernel {
    return this.context.kernel;
  }

  protected get guest(): Guest {
    return this.context.guest;
  }

  protected get state(): ActorState {
    return this.context.state;
  }

  /** What the action made is known from now on. */
  done(action: Doing, result: number, actor: string): void {
    if (result < 0) return;
    if (action.do === 'create-file') this.nameFile(action.name, result);
    if (action.do === 'create-vm') {
      this.state.vm = result;
      this.state.kvm = this.fileObject(result).get('private_data');
    }
    if (action.do === 'create-slot') this.state.slots.set(action.id, action);
    if (action.do === 'delete-slot') this.state.slots.delete(action.slot);
    if (action.do === 'create-vcpu') this.state.vcpus.push(result);
    if (action.do === 'set-attributes')
      checkAccepted(this.kernel, Math.floor(action.gpa / PAGE_SIZE), action.size / PAGE_SIZE, actor);
  }

  answer(action: Doing, turn: ActionTurn): string | undefined {
    if (action.do !== 'get-attributes' && action.do !== 'supported-attributes') return undefined;
    return answerProblem(this.kernel, action, BigInt(turn.argument));
  }

  protected nameFile(name: string, fd: number): void {
    const inode = this.fileObject(fd).get('f_inode');
    this.state.files.set(name, fd);
    this.state.inodes.set(name, inode);
    this.kernel.state.fileNames.set(inode, name);
  }

  protected fileObject(fd: number) {
    return this.kernel.object(this.kernel.state.files.get(fd) ?? 0n, 'struct file');
  }

  next(action: Doing, turn: ActionTurn, actor: string): NextCall {
    switch (action.do) {
      case 'boot':
        return this.once(turn, () => ({ target: { name: action.function, file: action.file }, args: [] }));
      case 'create-vm':
        return this.once(turn, () => this.createVm());
      case 'create-vcpu':
        return this.once(turn, () =>
          this.ioctl(this.state.vm, 'KVM_CREATE_VCPU', BigInt(this.state.vcpus.length)),
        );
      case 'create-file':
        return this.once(turn, () => {
          const argument = this.argument('struct kvm_create_guest_memfd', { size: BigInt(action.size) });
          return this.ioctl(this.state.vm, 'KVM_CREATE_GUEST_MEMFD', argument);
        });
      case 'create-slot':
        return this.once(turn, () => this.setSlot(action));
      case 'delete-slot':
        return this.once(turn, () => this.setRegion({ slot: BigInt(action.slot) }));
      case 'set-attributes':
      case 'get-attributes':
      case 'supported-attributes':
        return this.once(turn, () => this.attributes(action as AttributeAction, turn));
      case 'fallocate':
      case 'punch-hole':
        return this.fallocate(action as Parameters<GuestMemfdCalls['fallocate']>[0], turn);
      case 'close-file':
        return this.once(turn, () => this.close(this.state.files.get(action.file) ?? -1));
      case 'destroy-vm':
        return this.destroyVm(turn);
      case 'discard':
        return discard(this.kernel, USER_MEMORY + action.gpa, action.size, turn);
      case 'write':
      case 'read':
      case 'execute':
      case 'accept':
        return this.runGuest(action, turn, actor);
      default:
        return { result: this.onMachine(action as Action, actor) };
    }
  }

  protected once(turn: ActionTurn, first: () => NextCall): NextCall {
    return turn.calls === 0 ? first() : { result: turn.result };
  }

  protected ioctl(fd: number, request: string, argument: bigint): NextCall {
    const file = this.fileObject(fd);
    const target = file.follow('f_op')!.get('unlocked_ioctl');
    return { target, args: [file.address, this.kernel.constant(request), argument] };
  }

  /** A struct in the VMM's memory. */
  protected argument(type: string, members: Record<string, bigint>): bigint {
    const object = this.kernel.allocate(type, `the VMM's ${type}`);
    for (const [name, value] of Object.entries(members)) object.set(name, value);
    return object.address;
  }

  protected createVm(): NextCall {
    const { kernel } = this;
    const operations = kernel.c.addressOfGlobal('kvm_chardev_ops', 'virt/kvm/kvm_main.c').address;
    const file = kernel.object(this.newDeviceFile(operations), 'struct file');
    const target = file.follow('f_op')!.get('unlocked_ioctl');
    return {
      target,
      args: [file.address, kernel.constant('KVM_CREATE_VM'), kernel.constant(this.context.vmType)],
    };
  }

  /** The VMM's open /dev/kvm. */
  protected newDeviceFile(operations: bigint): bigint {
    return newFile(this.kernel, operations, 0n, '/dev/kvm');
  }

  protected setSlot(slot: ScenarioSlot): NextCall {
    const fd = slot.file === undefined ? undefined : this.state.files.get(slot.file);
    return this.setRegion({
      slot: BigInt(slot.id),
      guest_phys_addr: BigInt(slot.gpa),
      memory_size: BigInt(slot.size),
      userspace_addr: BigInt(USER_MEMORY + slot.gpa),
      flags:
        (slot.file !== undefined ? this.kernel.constant('KVM_MEM_GUEST_MEMFD') : 0n) |
        (slot.readOnly ? this.kernel.constant('KVM_MEM_READONLY') : 0n),
      ...(slot.file !== undefined && {
        guest_memfd: BigInt(fd ?? 0xffff),
        guest_memfd_offset: BigInt(slot.offset),
      }),
    });
  }

  protected setRegion(members: Record<string, bigint>): NextCall {
    const argument = this.argument('struct kvm_userspace_memory_region2', members);
    return this.ioctl(this.state.vm, 'KVM_SET_USER_MEMORY_REGION2', argument);
  }

  protected attributes(action: AttributeAction, turn: ActionTurn): NextCall {
    const { request, argument } = attributeCall(this.kernel, action);
    turn.argument = argument.toString();
    return this.ioctl(this.state.vm, request, argument);
  }

  protected fallocate(
    action: FileRange & ({ do: 'fallocate'; retryOnEintr: boolean } | { do: 'punch-hole' }),
    turn: ActionTurn,
  ): NextCall {
    const repeats = action.do === 'fallocate' && action.retryOnEintr;
    if (turn.calls > 0 && !(repeats && errnoName(BigInt(turn.result)) === 'EINTR'))
      return { result: turn.result };
    const { kernel } = this;
    const fd = this.state.files.get(action.file) ?? -1;
    const inode = this.state.inodes.get(action.file);
    const fileSize = inode === undefined ? 0 : Number(kernel.object(inode, 'struct inode').get('i_size'));
    const keep = kernel.constant('FALLOC_FL_KEEP_SIZE');
    const mode = action.do === 'punch-hole' ? keep | kernel.constant('FALLOC_FL_PUNCH_HOLE') : keep;
    const length = action.size ?? fileSize - action.offset;
    return {
      target: { name: FALLOCATE_FUNCTION, file: ENTRY_FILE },
      args: [BigInt(fd), mode, BigInt(action.offset), BigInt(length)],
    };
  }

  protected close(fd: number): NextCall {
    const address = this.kernel.state.files.get(fd);
    if (!address) return { result: -9 };
    this.kernel.state.files.delete(fd);
    return { target: { name: 'fput', file: 'fs/file_table.c' }, args: [address] };
  }

  /** As the end of a VMM does it: vCPUs first, then the VM. */
  protected destroyVm(turn: ActionTurn): NextCall {
    const fds = [...this.state.vcpus, this.state.vm];
    const fd = fds[turn.calls];
    return fd === undefined ? { result: 0 } : this.close(fd);
  }

  protected runGuest(
    action: Extract<Action, { do: 'write' | 'read' | 'execute' | 'accept' }>,
    turn: ActionTurn,
    actor: string,
  ): NextCall {
    const vcpu = Number(/\d+$/.exec(actor)?.[0] ?? 0);
    // KVM_RUN ends with EINTR when the guest has done what it was to do.
    if (turn.calls > 0) return { result: this.guest.isDone(vcpu) ? 0 : turn.result };
    this.guest.load(vcpu, action);
    const fd = this.state.vcpus[vcpu];
    return fd === undefined ? { result: -9 } : this.ioctl(fd, 'KVM_RUN', 0n);
  }

  // ---- actions on the machine

  protected onMachine(action: Action, actor: string): number {
    const { hardware } = this.kernel;
    hardware.actAs(actor);
    if (action.do === 'allocate') {
      const order = Math.min(Math.max(0, Math.ceil(Math.log2(action.size / PAGE_SIZE))), ORDER_OF['1G']);
      const pfn = hardware.pages.allocate({ order, owner: action.owner });
      if (pfn === undefined) return -12;
      this.state.own.set(actor, pfn);
      return 0;
    }
    if (action.do === 'host-read' || action.do === 'host-write') return this.hostAccess(action, actor);
    if (action.do === 'migrate') {
      const pfn = this.pfnOf(action.target, actor);
      if (pfn === undefined) return -2;
      return hardware.pages.mayMove(pfn).ok ? 0 : -16;
    }
    throw new Error(`${action.do} can't be run`);
  }

  protected hostAccess(action: Extract<Action, { do: 'host-read' | 'host-write' }>, actor: string): number {
    const pfn = this.pfnOf(action.target, actor);
    if (pfn === undefined) return -14;
    const { via } = action;
    const write = action.do === 'host-write' ? { write: { pattern: action.pattern ?? 'host' } } : {};
    const { outcome } = this.kernel.hardware.host({ pfn, via, ...write });
    if (outcome === 'ok') return 0;
    // A page fault in the kernel that nothing can mend.
    if (via === 'directmap') this.state.hostIsDown = true;
    return -14;
  }

  /** The host's page behind a target; `undefined` where there is none. */
  protected pfnOf(target: Target, actor: string): number | undefined {
    if (target.kind === 'own') return this.state.own.get(actor);
    if (target.kind === 'gpa') return userPage(this.kernel, BigInt((USER_MEMORY + target.gpa) / PAGE_SIZE));
    return this.pageInFile(target.file, target.offset);
  }

  /** pfn in a file's page cache. */
  pageInFile(file: string, offset: number): number | undefined {
    const inode = this.state.inodes.get(file);
    if (inode === undefined) return undefined;
    const object = this.kernel.state.named.find(({ address }) => address === inode);
    if (!object) return undefined;
    const array = this.kernel.object(inode, 'struct inode').addressOf('i_data.i_pages');
    const index = BigInt(offset / PAGE_SIZE);
    const entry = this.kernel.find(array, index, index);
    const pfn = entry && this.kernel.state.pfnOfPage.get(entry.value);
    return pfn === undefined ? undefined : pfn + Number(index - entry!.first);
  }

  attributeOf(gpa: number): string {
    const { kvm } = this.state;
    if (kvm === 0n) return 'no VM';
    const bits = attributesOf(this.kernel, kvm, gpa / PAGE_SIZE);
    return attributesIn(this.kernel, bits).includes('private') ? 'private' : 'shared';
  }
}

function slotAround(slots: ReadonlyMap<number, ScenarioSlot>, gfn: number): SlotBounds | undefined {
  for (const { id, gpa, size, file, offset } of slots.values()) {
    const [baseGfn, pages] = [gpa / PAGE_SIZE, size / PAGE_SIZE];
    if (gfn < baseGfn || gfn >= baseGfn + pages || file === undefined) continue;
    return { id, baseGfn, pages, file, index: offset / PAGE_SIZE };
  }
  return undefined;
}
