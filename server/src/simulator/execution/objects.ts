/** C objects by the names of their members, for what is written in TypeScript beside the C. */
import type { Machine } from './machine.js';
import { CodeError, type Loc } from './tokens.js';
import { asInt, type CType, sizeOf, typeName } from './types.js';

/** A type as a file sees it: `struct kvm_memory_slot`, `union x`, `enum pg_level`, or a typedef's name. */
export function typeNamed(machine: Machine, name: string, file: string): CType {
  const unit = machine.world.unit({ file });
  const [kind, tag] = name.split(' ');
  const found =
    tag === undefined ? unit.typedefNamed(name) : unit.tagged(kind as 'struct' | 'union' | 'enum', tag);
  if (!found) throw new CodeError({ file, line: 1, column: 1 }, `unknown type ${name}`);
  return found;
}

interface Place {
  address: bigint;
  type: CType;
  bit?: { at: number; width: number };
}

/** An object in memory. Paths are members with dots and indices: `gmem.pgoff`, `memslots[2]`. */
export class CObject {
  private readonly loc: Loc;

  constructor(
    private readonly machine: Machine,
    readonly address: bigint,
    readonly type: CType,
    file: string,
  ) {
    this.loc = { file, line: 1, column: 1 };
  }

  private place(path: string): Place {
    let place: Place = { address: this.address, type: this.type };
    for (const [, member, index] of path.matchAll(/\.?([A-Za-z_]\w*)|\[(\d+)\]/g)) {
      const { type, address } = place;
      if (member !== undefined) {
        const field = type.k === 'agg' ? type.aggregate.field(member, this.loc) : undefined;
        if (!field) throw new CodeError(this.loc, `${typeName(type)} has no member ${member}`);
        place = {
          address: address + BigInt(field.offset),
          type: field.type,
          ...(field.bit && { bit: field.bit }),
        };
      } else {
        if (type.k !== 'array') throw new CodeError(this.loc, `an index into ${typeName(type)}`);
        place = { address: address + BigInt(Number(index) * sizeOf(type.of, this.loc)), type: type.of };
      }
    }
    return place;
  }

  /** Whether its type has such a member. */
  has(member: string): boolean {
    const { type } = this;
    return type.k === 'agg' && type.aggregate.field(member, this.loc) !== undefined;
  }

  addressOf(path: string): bigint {
    return this.place(path).address;
  }

  /** The value of a scalar member. @throws Hazard where it has none that is known */
  get(path: string): bigint {
    const { address, type, bit } = this.place(path);
    const int = asInt(type, this.loc);
    const signed = int?.signed ?? false;
    if (bit) return this.machine.loadBits(address, bit.at, bit.width, signed);
    const size = (int?.size ?? 8) as 1 | 2 | 4 | 8;
    const value = this.machine.loadUnsigned(address, size);
    return signed ? BigInt.asIntN(size * 8, value) : value;
  }

  set(path: string, value: bigint | number): void {
    const { address, type, bit } = this.place(path);
    if (bit) this.machine.storeBits(address, bit.at, bit.width, BigInt(value));
    else this.machine.storeValue(address, (asInt(type, this.loc)?.size ?? 8) as 1 | 2 | 4 | 8, BigInt(value));
  }

  /** What a pointer member points to; undefined where it is NULL. */
  follow(path: string): CObject | undefined {
    const { type } = this.place(path);
    if (type.k !== 'ptr') throw new CodeError(this.loc, `${path} is ${typeName(type)}, no pointer`);
    const address = this.get(path);
    return address === 0n ? undefined : new CObject(this.machine, address, type.to, this.loc.file);
  }

  /** A member that is an object itself. */
  part(path: string): CObject {
    const { address, type } = this.place(path);
    return new CObject(this.machine, address, type, this.loc.file);
  }
}
