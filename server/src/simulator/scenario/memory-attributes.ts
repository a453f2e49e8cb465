/**
 * Attributes of guest memory: the ioctls that set and ask for them (mail rows D1 to D6) as calls, and what the executed
 * kernel has in its own array and slots.
 */
import type { Kernel } from '../kernel-api/kernel.js';
import type { Action, Attribute } from './model.js';

export type AttributeAction = Extract<
  Action,
  { do: 'set-attributes' | 'get-attributes' | 'supported-attributes' }
>;

/** Constants of the kernel's headers. */
const BITS: Readonly<Record<Attribute, string>> = {
  private: 'KVM_MEMORY_ATTRIBUTE_PRIVATE',
  'no-read': 'KVM_MEMORY_ATTRIBUTE_NO_READ',
  'no-write': 'KVM_MEMORY_ATTRIBUTE_NO_WRITE',
  'no-exec': 'KVM_MEMORY_ATTRIBUTE_NO_EXEC',
};

export const ALL_ATTRIBUTES = Object.keys(BITS) as Attribute[];

const OPERATIONS = {
  write: 'KVM_MEMORY_ATTRIBUTES_WRITE',
  or: 'KVM_MEMORY_ATTRIBUTES_OR',
  and: 'KVM_MEMORY_ATTRIBUTES_AND',
} as const;

const REQUESTS = {
  'set-attributes': 'KVM_SET_MEMORY_ATTRIBUTES',
  'get-attributes': 'KVM_GET_MEMORY_ATTRIBUTES',
  'supported-attributes': 'KVM_GET_SUPPORTED_MEMORY_ATTRIBUTES',
} as const;

const STRUCT = 'struct kvm_memory_attributes';

const maskOf = (kernel: Kernel, attributes: readonly Attribute[]): bigint =>
  attributes.reduce((mask, attribute) => mask | kernel.constant(BITS[attribute]), 0n);

/** As a scenario writes them, in one order. */
export const attributesIn = (kernel: Kernel, mask: bigint): Attribute[] =>
  ALL_ATTRIBUTES.filter((attribute) => (mask & kernel.constant(BITS[attribute])) !== 0n);

/** The ioctl of an action: its request and argument, in the VMM's memory. */
export function attributeCall(
  kernel: Kernel,
  action: AttributeAction,
): { request: string; argument: bigint } {
  const request = REQUESTS[action.do];
  if (action.do === 'supported-attributes')
    return { request, argument: kernel.c.allocateZeroed(8, 8, "the VMM's mask") };
  const argument = kernel.allocate(STRUCT, `the VMM's ${STRUCT}`);
  argument.set('address', BigInt(action.gpa));
  argument.set('size', BigInt(action.size));
  if (action.do === 'set-attributes') {
    argument.set('attributes', maskOf(kernel, action.attributes));
    argument.set('flags', BigInt(action.flags));
    if (action.operation !== undefined)
      argument.set('operation', kernel.constant(OPERATIONS[action.operation]));
  }
  return { request, argument: argument.address };
}

/** What the kernel answered, where the scenario says what it must be and it isn't that. */
export function answerProblem(kernel: Kernel, action: AttributeAction, argument: bigint): string | undefined {
  if (action.do === 'supported-attributes') {
    const missing = maskOf(kernel, action.include) & ~kernel.c.loadUnsigned(argument, 8);
    return missing === 0n ? undefined : `without ${attributesIn(kernel, missing).join(', ')}`;
  }
  if (action.do !== 'get-attributes' || action.is === undefined) return undefined;
  const answer = kernel.object(argument, STRUCT);
  const found = answer.get('attributes');
  const size = Number(answer.get('size'));
  if (found === maskOf(kernel, action.is) && size === (action.alike ?? action.size)) return undefined;
  return `${attributesIn(kernel, found).join(', ') || 'shared'} for 0x${size.toString(16)} bytes`;
}

/** The attribute array's bits for a gfn; 0 without a VM. */
export function attributesOf(kernel: Kernel, kvm: bigint, gfn: number): bigint {
  if (kvm === 0n) return 0n;
  const array = kernel.object(kvm, 'struct kvm').addressOf('mem_attr_array');
  // An xarray keeps an integer as a value entry, shifted by one: include/linux/xarray.h, xa_mk_value.
  return (kernel.find(array, BigInt(gfn), BigInt(gfn))?.value ?? 0n) >> 1n;
}

export interface Protection {
  read: boolean;
  write: boolean;
  execute: boolean;
}

/** The running VM's struct kvm; 0 where there is none, or none that keeps attributes and slots as the reference kernels do. */
export function kvmOf(kernel: Kernel): bigint {
  const kvm = kernel.state.named.find(({ type }) => type === 'struct kvm')?.address ?? 0n;
  if (kvm === 0n || kernel.c.memory.objectAt(kvm)?.freedAt !== undefined) return 0n;
  const object = kernel.object(kvm, 'struct kvm');
  return object.has('mem_attr_array') && object.has('memslots') ? kvm : 0n;
}

/** Whether the slot around a gfn is read-only. */
function isReadOnly(kernel: Kernel, kvm: bigint, gfn: number): boolean {
  const slots = Number(kernel.constant('KVM_MEM_SLOTS_NUM'));
  for (let i = 0; i < slots; i++) {
    const slot = kernel.object(kvm, 'struct kvm').follow(`memslots[${i}]`);
    // A real tree keeps sets of slots there; it doesn't give out what they don't allow.
    if (slot && !slot.has('base_gfn')) return false;
    const base = Number(slot?.get('base_gfn') ?? 0n);
    if (!slot || gfn < base || gfn >= base + Number(slot.get('npages'))) continue;
    return (slot.get('flags') & kernel.constant('KVM_MEM_READONLY')) !== 0n;
  }
  return false;
}

/** `rwx`, `r-x`, `---`. */
export const protectionText = ({ read, write, execute }: Protection): string =>
  `${read ? 'r' : '-'}${write ? 'w' : '-'}${execute ? 'x' : '-'}`;

/** What a gfn may be used for at most: its slot's flags and its attributes together (mail row D4). */
export function protectionOf(kernel: Kernel, kvm: bigint, gfn: number): Protection {
  const bits = attributesIn(kernel, attributesOf(kernel, kvm, gfn));
  return {
    read: !bits.includes('no-read'),
    write: !bits.includes('no-write') && !isReadOnly(kernel, kvm, gfn),
    execute: !bits.includes('no-exec'),
  };
}
