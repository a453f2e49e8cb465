/**
 * What the machine refuses because its caller is wrong: arguments that no hardware or allocator could be given.
 * What a kernel can do wrong on real hardware is no error but a result, a fault or a hazard.
 */
export type MachineErrorCode =
  | 'bad-frame'
  | 'bad-range'
  | 'bad-order'
  | 'misaligned'
  | 'outside-memory'
  | 'unknown-vm'
  | 'unknown-vcpu'
  | 'duplicate'
  | 'wrong-platform'
  | 'not-allocated'
  | 'not-mapped'
  | 'bad-offset'
  | 'bad-memory';

export class MachineError extends Error {
  constructor(
    readonly code: MachineErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'MachineError';
  }
}
