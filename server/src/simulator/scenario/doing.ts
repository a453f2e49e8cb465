/** What actors do: the scenario's actions and those that set it up, and how they are told. */
import type { Action, Target } from './model.js';
import { formatSize } from './sizes.js';

/** What comes before the scenario's own actions. */
export type SetupAction =
  | { do: 'boot'; function: string; file: string }
  | { do: 'create-vm' }
  | { do: 'create-vcpu' };

export type Doing = (
  | Action
  | (SetupAction & { expect: string; after: string[]; label?: string; at?: Action['at'] })
) & {
  setup?: boolean;
};

const CALLS = { 'read-file': 'read', 'write-file': 'write', 'map-file': 'mmap' } as const;

/** An action in a few words. */
export function describe(action: Doing): string {
  switch (action.do) {
    case 'boot':
      return `${action.function}()`;
    case 'create-vm':
      return 'ioctl(KVM_CREATE_VM)';
    case 'create-vcpu':
      return 'ioctl(KVM_CREATE_VCPU)';
    case 'create-file':
      return `ioctl(KVM_CREATE_GUEST_MEMFD): ${action.name}, ${formatSize(action.size)}`;
    case 'create-slot':
      return `ioctl(KVM_SET_USER_MEMORY_REGION2): slot ${action.id}, gpa ${hex(action.gpa)}, ${formatSize(action.size)}${action.readOnly ? ', read-only' : ''}${action.file === undefined ? '' : `, ${action.file} at ${hex(action.offset)}`}`;
    case 'delete-slot':
      return `ioctl(KVM_SET_USER_MEMORY_REGION2): delete slot ${action.slot}`;
    case 'set-attributes':
      return `ioctl(KVM_SET_MEMORY_ATTRIBUTES): gpa ${hex(action.gpa)}, ${formatSize(action.size)} ${action.operation?.toUpperCase() ?? '→'} ${action.attributes.join(', ') || 'shared'}`;
    case 'get-attributes':
      return `ioctl(KVM_GET_MEMORY_ATTRIBUTES): gpa ${hex(action.gpa)}, ${formatSize(action.size)}`;
    case 'supported-attributes':
      return 'ioctl(KVM_GET_SUPPORTED_MEMORY_ATTRIBUTES)';
    case 'punch-hole':
    case 'fallocate':
      return `fallocate(${action.do === 'punch-hole' ? 'punch hole' : 'allocate'}): ${action.file} at ${hex(action.offset)}, ${action.size === undefined ? 'to its end' : formatSize(action.size)}`;
    case 'close-file':
      return `close(${action.file})`;
    case 'destroy-vm':
      return 'close() of the vCPUs and of the VM';
    case 'write':
    case 'read':
    case 'execute':
    case 'accept':
      return `guest ${action.do}: gpa ${hex(action.gpa)}, ${formatSize(action.size)}${action.do !== 'accept' && !action.private ? ', shared' : ''}`;
    case 'allocate':
      return `allocates ${formatSize(action.size)} for ${action.owner}`;
    case 'host-read':
    case 'host-write':
      return `host ${action.do === 'host-read' ? 'reads' : 'writes'} ${targetText(action.target)}${action.via === 'directmap' ? '' : ` through a ${action.via} mapping`}`;
    case 'encrypt-region':
    case 'unencrypt-region':
      return `ioctl(KVM_MEMORY_ENCRYPT_${action.do === 'encrypt-region' ? '' : 'UN'}REG_REGION): gpa ${hex(action.gpa)}, ${formatSize(action.size)}`;
    case 'enlarge-pages':
      return `remounts what ${action.file} is on: its pages are ${action.backing} from now on`;
    case 'unregister':
      return `deletes the slots of ${action.file}`;
    case 'discard':
      return `madvise(MADV_DONTNEED): the shared memory of gpa ${hex(action.gpa)}, ${formatSize(action.size)}`;
    case 'read-file':
    case 'write-file':
    case 'map-file':
      return `${CALLS[action.do]}(${action.file}) at ${hex(action.offset)}`;
    case 'reclaim':
      return `memory is short: reclaims ${action.size === undefined ? 'what it can' : formatSize(action.size)}`;
    case 'signal':
      return `kill(${action.to})`;
    case 'migrate':
      return `moves ${targetText(action.target)}`;
    default:
      return action.do;
  }
}

const hex = (value: number): string => `0x${value.toString(16)}`;

function targetText(target: Target): string {
  if (target.kind === 'own') return 'its own page';
  return target.kind === 'gpa'
    ? `the shared page of gpa ${hex(target.gpa)}`
    : `${target.file} at ${hex(target.offset)}`;
}
