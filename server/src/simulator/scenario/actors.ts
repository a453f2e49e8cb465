/**
 * Actors as threads: each is in one modelled function that carries out its actions one after the other, by calls into the
 * kernel's C (system calls, ioctls) or by accesses to the machine.
 */
import type { ModelledCall, Outcome } from '../execution/modelled.js';
import { ENTRY_FILE, FALLOCATE_FUNCTION } from '../kernel-api/entry.js';
import { newFile } from '../kernel-api/file-functions.js';
import type { Kernel } from '../kernel-api/kernel.js';
import { returnsToUser } from '../kernel-api/locks.js';
import { userPage } from '../kernel-api/memory-functions.js';
import { errnoName } from '../kernel-api/table-entry.js';
import { ORDER_OF, PAGE_SIZE } from '../machine/units.js';
import { type Doing, describe } from './doing.js';
import type { Guest } from './guest.js';
import type { Action, Attribute, FileRange, ScenarioSlot, Target } from './model.js';

/** Where the VMM has the shared side of its guest's memory. */
const USER_MEMORY = 0x7f0000000000;

/** An action's state over its turns; saved with the thread. */
interface Turn {
  [key: string]: number | boolean | string;
  index: number;
  /** Calls of this action that were made. */
  calls: number;
  inCall: boolean;
  inWork: boolean;
  /** What the action's call returned. */
  result: number;
}

/** What the next call of an action is; a number is its result. */
type Next = { target: bigint | { name: string; file: string }; args: bigint[] } | { result: number };

const ATTRIBUTE_BITS: Readonly<Record<Exclude<Attribute, 'private'>, bigint>> = {
  'no-read': 1n,
  'no-write': 2n,
  'no-exec': 4n,
};

export interface ActorListener {
  began(actor: string, action: Doing, text: string): void;
  ended(actor: string, action: Doing, result: string): void;
}

/** Descriptors and labels of a run. */
export class Actors {
  readonly labels = new Set<string>();
  readonly files = new Map<string, number>();
  private readonly inodes = new Map<string, bigint>();
  private readonly vcpus: number[] = [];
  private vm = -1;
  kvm = 0n;
  private readonly own = new Map<string, number>();
  readonly actions: Doing[][] = [];
  hostIsDown = false;

  constructor(
    private readonly kernel: Kernel,
    private readonly guest: Guest,
    private readonly vmType: string,
    private readonly listener: ActorListener,
  ) {}

  /** The model of the actors' function: its argument is the number of the list of actions. */
  run(call: ModelledCall): Outcome {
    const turn: Turn = (call.state as Turn | undefined) ?? {
      index: 0,
      calls: 0,
      inCall: false,
      inWork: false,
      result: 0,
    };
    call.state = turn;
    const actions = this.actions[call.int(0)]!;
    const actor = call.thread.name;
    if (turn.inCall) {
      turn.result = Number(BigInt.asIntN(32, call.returned));
      turn.inCall = false;
    }
    for (;;) {
      const action = actions[turn.index];
      if (!action) return 0;
      if (turn.calls > 0) {
        const work = this.nextWork(call);
        if (work) return work;
        returnsToUser(this.kernel, call);
      } else {
        const waited = action.after.find((label) => !this.labels.has(label));
        if (waited !== undefined) return call.block(`${actor} waits for ${waited}`);
        this.listener.began(actor, action, describe(action));
      }
      const next = this.next(action, turn, actor);
      if ('result' in next) {
        turn.index++;
        turn.calls = 0;
        this.finish(actor, action, next.result);
        if (this.hostIsDown) return 0;
        continue;
      }
      turn.calls++;
      turn.inCall = true;
      const { target } = next;
      return call.into(
        typeof target === 'bigint' ? target : this.kernel.c.addressOfFunction(target.name, target.file),
        next.args,
      );
    }
  }

  /** Work that waits for the way to user mode: the release of a file. */
  private nextWork(call: ModelledCall): Outcome {
    const { state } = this.kernel;
    const [work, ...rest] = state.taskWork.get(call.thread.id) ?? [];
    if (work === undefined) return undefined;
    state.taskWork.set(call.thread.id, rest);
    return call.into(this.kernel.object(work, 'struct callback_head').get('func'), [work]);
  }

  private finish(actor: string, action: Doing, result: number): void {
    if (action.do === 'create-file' && result >= 0) this.nameFile(action.name, result);
    if (action.do === 'create-vm' && result >= 0) {
      this.vm = result;
      this.kvm = this.fileObject(result).get('private_data');
    }
    if (action.do === 'create-vcpu' && result >= 0) this.vcpus.push(result);
    if (action.label !== undefined) this.labels.add(`${actor}.${action.label}`);
    this.listener.ended(actor, action, errnoName(BigInt(result)) ?? 'ok');
  }

  private nameFile(name: string, fd: number): void {
    const inode = this.fileObject(fd).get('f_inode');
    this.files.set(name, fd);
    this.inodes.set(name, inode);
    this.kernel.state.fileNames.set(inode, name);
  }

  private fileObject(fd: number) {
    return this.kernel.object(this.kernel.state.files.get(fd) ?? 0n, 'struct file');
  }

  // ---- actions as calls

  private next(action: Doing, turn: Turn, actor: string): Next {
    switch (action.do) {
      case 'boot':
        return this.once(turn, () => ({ target: { name: action.function, file: action.file }, args: [] }));
      case 'create-vm':
        return this.once(turn, () => this.createVm());
      case 'create-vcpu':
        return this.once(turn, () => this.ioctl(this.vm, 'KVM_CREATE_VCPU', 0n));
      case 'create-file':
        return this.once(turn, () => {
          const argument = this.argument('struct kvm_create_guest_memfd', { size: BigInt(action.size) });
          return this.ioctl(this.vm, 'KVM_CREATE_GUEST_MEMFD', argument);
        });
      case 'create-slot':
        return this.once(turn, () => this.setSlot(action));
      case 'delete-slot':
        return this.once(turn, () => this.setRegion({ slot: BigInt(action.slot) }));
      case 'set-attributes':
        return this.once(turn, () => this.setAttributes(action));
      case 'fallocate':
      case 'punch-hole':
        return this.fallocate(action as Parameters<Actors['fallocate']>[0], turn);
      case 'close-file':
        return this.once(turn, () => this.close(this.files.get(action.file) ?? -1));
      case 'destroy-vm':
        return this.destroyVm(turn);
      case 'write':
      case 'read':
      case 'execute':
      case 'accept':
        return this.runGuest(action, turn, actor);
      default:
        return { result: this.onMachine(action as Action, actor) };
    }
  }

  private once(turn: Turn, first: () => Next): Next {
    return turn.calls === 0 ? first() : { result: turn.result };
  }

  private ioctl(fd: number, request: string, argument: bigint): Next {
    const file = this.fileObject(fd);
    const target = file.follow('f_op')!.get('unlocked_ioctl');
    return { target, args: [file.address, this.kernel.constant(request), argument] };
  }

  /** A struct in the VMM's memory. */
  private argument(type: string, members: Record<string, bigint>): bigint {
    const object = this.kernel.allocate(type, `the VMM's ${type}`);
    for (const [name, value] of Object.entries(members)) object.set(name, value);
    return object.address;
  }

  private createVm(): Next {
    const { kernel } = this;
    const operations = kernel.c.addressOfGlobal('kvm_chardev_ops', 'virt/kvm/kvm_main.c').address;
    const file = kernel.object(newFile(kernel, operations, 0n, '/dev/kvm'), 'struct file');
    const target = file.follow('f_op')!.get('unlocked_ioctl');
    return { target, args: [file.address, kernel.constant('KVM_CREATE_VM'), kernel.constant(this.vmType)] };
  }

  private setSlot(slot: ScenarioSlot): Next {
    const fd = slot.file === undefined ? undefined : this.files.get(slot.file);
    return this.setRegion({
      slot: BigInt(slot.id),
      guest_phys_addr: BigInt(slot.gpa),
      memory_size: BigInt(slot.size),
      userspace_addr: BigInt(USER_MEMORY + slot.gpa),
      ...(slot.file !== undefined && {
        flags: this.kernel.constant('KVM_MEM_GUEST_MEMFD'),
        guest_memfd: BigInt(fd ?? 0xffff),
        guest_memfd_offset: BigInt(slot.offset),
      }),
    });
  }

  private setRegion(members: Record<string, bigint>): Next {
    const argument = this.argument('struct kvm_userspace_memory_region2', members);
    return this.ioctl(this.vm, 'KVM_SET_USER_MEMORY_REGION2', argument);
  }

  private setAttributes(action: Extract<Action, { do: 'set-attributes' }>): Next {
    const bits = action.attributes.map((attribute) =>
      attribute === 'private'
        ? this.kernel.constant('KVM_MEMORY_ATTRIBUTE_PRIVATE')
        : ATTRIBUTE_BITS[attribute],
    );
    const argument = this.argument('struct kvm_memory_attributes', {
      address: BigInt(action.gpa),
      size: BigInt(action.size),
      attributes: bits.reduce((all, bit) => all | bit, 0n),
      flags: BigInt(action.flags),
    });
    return this.ioctl(this.vm, 'KVM_SET_MEMORY_ATTRIBUTES', argument);
  }

  private fallocate(
    action: FileRange & ({ do: 'fallocate'; retryOnEintr: boolean } | { do: 'punch-hole' }),
    turn: Turn,
  ): Next {
    const repeats = action.do === 'fallocate' && action.retryOnEintr;
    if (turn.calls > 0 && !(repeats && errnoName(BigInt(turn.result)) === 'EINTR'))
      return { result: turn.result };
    const { kernel } = this;
    const fd = this.files.get(action.file) ?? -1;
    const inode = this.inodes.get(action.file);
    const fileSize = inode === undefined ? 0 : Number(kernel.object(inode, 'struct inode').get('i_size'));
    const keep = kernel.constant('FALLOC_FL_KEEP_SIZE');
    const mode = action.do === 'punch-hole' ? keep | kernel.constant('FALLOC_FL_PUNCH_HOLE') : keep;
    const length = action.size ?? fileSize - action.offset;
    return {
      target: { name: FALLOCATE_FUNCTION, file: ENTRY_FILE },
      args: [BigInt(fd), mode, BigInt(action.offset), BigInt(length)],
    };
  }

  private close(fd: number): Next {
    const address = this.kernel.state.files.get(fd);
    if (!address) return { result: -9 };
    this.kernel.state.files.delete(fd);
    return { target: { name: 'fput', file: 'fs/file_table.c' }, args: [address] };
  }

  /** As the end of a VMM does it: vCPUs first, then the VM. */
  private destroyVm(turn: Turn): Next {
    const fds = [...this.vcpus, this.vm];
    const fd = fds[turn.calls];
    return fd === undefined ? { result: 0 } : this.close(fd);
  }

  private runGuest(
    action: Extract<Action, { do: 'write' | 'read' | 'execute' | 'accept' }>,
    turn: Turn,
    actor: string,
  ): Next {
    const vcpu = Number(/\d+$/.exec(actor)?.[0] ?? 0);
    // KVM_RUN ends with EINTR when the guest has done what it was to do.
    if (turn.calls > 0) return { result: this.guest.isDone(vcpu) ? 0 : turn.result };
    this.guest.load(vcpu, action);
    const fd = this.vcpus[vcpu];
    return fd === undefined ? { result: -9 } : this.ioctl(fd, 'KVM_RUN', 0n);
  }

  // ---- actions on the machine

  private onMachine(action: Action, actor: string): number {
    const { hardware } = this.kernel;
    hardware.actAs(actor);
    if (action.do === 'allocate') {
      const order = Math.min(Math.max(0, Math.ceil(Math.log2(action.size / PAGE_SIZE))), ORDER_OF['1G']);
      const pfn = hardware.pages.allocate({ order, owner: action.owner });
      if (pfn === undefined) return -12;
      this.own.set(actor, pfn);
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

  private hostAccess(action: Extract<Action, { do: 'host-read' | 'host-write' }>, actor: string): number {
    const pfn = this.pfnOf(action.target, actor);
    if (pfn === undefined) return -14;
    const { via } = action;
    const write = action.do === 'host-write' ? { write: { pattern: action.pattern ?? 'host' } } : {};
    const { outcome } = this.kernel.hardware.host({ pfn, via, ...write });
    if (outcome === 'ok') return 0;
    // A page fault in the kernel that nothing can mend.
    if (via === 'directmap') this.hostIsDown = true;
    return -14;
  }

  /** The host's page behind a target; `undefined` where there is none. */
  private pfnOf(target: Target, actor: string): number | undefined {
    if (target.kind === 'own') return this.own.get(actor);
    if (target.kind === 'gpa') return userPage(this.kernel, BigInt((USER_MEMORY + target.gpa) / PAGE_SIZE));
    return this.pageInFile(target.file, target.offset);
  }

  /** pfn in a file's page cache. */
  pageInFile(file: string, offset: number): number | undefined {
    const inode = this.inodes.get(file);
    if (inode === undefined) return undefined;
    const object = this.kernel.state.named.find(({ address }) => address === inode);
    if (!object) return undefined;
    const array = this.kernel.object(inode, 'struct inode').addressOf('i_data.i_pages');
    const index = BigInt(offset / PAGE_SIZE);
    const page = this.kernel.find(array, index, index)?.value;
    return page === undefined ? undefined : this.kernel.state.pfnOfPage.get(page);
  }
}
