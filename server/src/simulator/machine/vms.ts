/** The machine's guests: which there are, their keys and vCPUs. */
import { MachineError } from './errors.js';
import type { Journal } from './journal.js';

export interface VmRecord {
  readonly id: string;
  /** SNP: its ASID; TDX: its private key id; without encryption 0. */
  readonly key: number;
  readonly vcpus: readonly VcpuRecord[];
  /** TDX: its TLB epoch, counted by TDH.MEM.TRACK. */
  readonly epoch: number;
  /** TDX: torn down (TDH.MNG.KEY.FREEID): its pages may be reclaimed. */
  readonly tornDown: boolean;
}

export interface VcpuRecord {
  readonly id: number;
  /** 0 (most privileged) to 3. */
  readonly vmpl: number;
  /** TDX: the epoch at its last flush. */
  readonly epoch: number;
}

export class Vms {
  private records: ReadonlyMap<string, VmRecord> = new Map();

  constructor(private readonly journal: Journal) {}

  /** Throws `duplicate` for a name, a key or a vCPU that is in use. */
  create(id: string, key: number, vcpus: number): VmRecord {
    if (this.records.has(id)) throw new MachineError('duplicate', `there is a VM ${id} already`);
    const other = [...this.records.values()].find((vm) => key !== 0 && vm.key === key);
    if (other) throw new MachineError('duplicate', `VM ${other.id} has key ${key} already`);
    const record = {
      id,
      key,
      epoch: 0,
      tornDown: false,
      vcpus: Array.from({ length: vcpus }, (_, vcpu) => ({ id: vcpu, vmpl: 0, epoch: 0 })),
    };
    this.put(record);
    this.journal.record({ kind: 'vm', vm: id, change: 'created' });
    return record;
  }

  /** Throws `unknown-vm`. */
  get(id: string): VmRecord {
    const vm = this.records.get(id);
    if (!vm) throw new MachineError('unknown-vm', `there is no VM ${id}`);
    return vm;
  }

  /** Throws `unknown-vm` or `unknown-vcpu`. */
  vcpu(id: string, vcpu: number): VcpuRecord {
    const found = this.get(id).vcpus.find((candidate) => candidate.id === vcpu);
    if (!found) throw new MachineError('unknown-vcpu', `VM ${id} has no vCPU ${vcpu}`);
    return found;
  }

  all(): VmRecord[] {
    return [...this.records.values()];
  }

  put(record: VmRecord): void {
    this.records = new Map([...this.records, [record.id, record]]);
  }

  putVcpu(vm: string, changed: VcpuRecord): void {
    const record = this.get(vm);
    const vcpus = record.vcpus.map((vcpu) => (vcpu.id === changed.id ? changed : vcpu));
    this.put({ ...record, vcpus });
  }

  remove(id: string): void {
    this.get(id);
    this.records = new Map([...this.records].filter(([name]) => name !== id));
    this.journal.record({ kind: 'vm', vm: id, change: 'destroyed' });
  }

  snapshot(): ReadonlyMap<string, VmRecord> {
    return this.records;
  }

  restore(records: ReadonlyMap<string, VmRecord>): void {
    this.records = records;
  }
}
