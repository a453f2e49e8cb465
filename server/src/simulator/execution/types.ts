/** C's types as gcc lays them out on x86-64. Sizes and offsets are bytes. */
import { CodeError, type Loc } from './tokens.js';

export interface IntType {
  k: 'int';
  size: 1 | 2 | 4 | 8;
  signed: boolean;
  /** Conversion rank: char 1, short 2, int 3, long 4, long long 5; _Bool 0. */
  rank: number;
  name: string;
  bool?: true;
}

export interface PointerType {
  k: 'ptr';
  to: CType;
}

export interface ArrayType {
  k: 'array';
  of: CType;
  /** `undefined`: `[]`. */
  length: number | undefined;
}

export interface FunctionType {
  k: 'fn';
  returns: CType;
  parameters: { name: string; type: CType }[];
  variadic: boolean;
  /** `()`: nothing is known of its parameters. */
  unknown?: true;
}

export interface AggregateType {
  k: 'agg';
  aggregate: Aggregate;
}

export interface EnumType {
  k: 'enum';
  tag: string;
  /** Set when its list is known. */
  underlying: IntType | undefined;
  complete?: () => void;
}

export interface VoidType {
  k: 'void';
}

/** Parsed, but no value of it can be used. */
export interface FloatType {
  k: 'float';
  size: 4 | 8 | 16;
}

export type CType =
  | IntType
  | PointerType
  | ArrayType
  | FunctionType
  | AggregateType
  | EnumType
  | VoidType
  | FloatType;

export interface Field {
  /** Empty: an anonymous struct or union, whose members are also its owner's. */
  name: string;
  type: CType;
  offset: number;
  /** Of a bit-field: where it begins, counted from `offset` * 8, and its width. */
  bit?: { at: number; width: number };
}

export interface Member {
  name: string;
  type: CType;
  /** Width of a bit-field. */
  width?: number;
  /** From `aligned(n)`. */
  align?: number;
  packed?: boolean;
}

/** A struct or union; laid out when someone needs to know. */
export class Aggregate {
  fields: Field[] = [];
  size = 0;
  align = 1;
  private state: 'declared' | 'defining' | 'done' = 'declared';
  private byName = new Map<string, Field>();

  constructor(
    readonly kind: 'struct' | 'union',
    readonly tag: string,
    /** Reads the members; `undefined` where the definition is nowhere to be found. */
    private define: (() => { members: Member[]; packed: boolean; align?: number } | undefined) | undefined,
    readonly loc: Loc,
  ) {}

  get name(): string {
    return `${this.kind} ${this.tag || '(unnamed)'}`;
  }

  /** Its definition has been read. */
  setDefinition(define: () => { members: Member[]; packed: boolean; align?: number } | undefined): void {
    if (this.state === 'declared') this.define = define;
  }

  /** @throws CodeError where it has no definition, or contains itself */
  complete(loc: Loc): this {
    if (this.state === 'done') return this;
    if (this.state === 'defining')
      throw new CodeError(loc, `${this.name} is used inside of its own definition`);
    this.state = 'defining';
    try {
      const definition = this.define?.();
      if (!definition) throw new CodeError(loc, `${this.name} is defined nowhere`);
      this.layOut(definition.members, definition.packed, definition.align, loc);
      this.state = 'done';
    } finally {
      if (this.state === 'defining') this.state = 'declared';
    }
    return this;
  }

  private layOut(members: readonly Member[], packed: boolean, given: number | undefined, loc: Loc): void {
    this.fields = [];
    this.byName = new Map();
    let bits = 0;
    let align = 1;
    let size = 0;
    for (const member of members) {
      if (this.kind === 'union') bits = 0;
      const natural = alignOf(member.type, loc);
      const isPacked = packed || member.packed === true;
      const own = Math.max(isPacked ? 1 : natural, member.align ?? 1);
      if (member.width !== undefined) {
        const unit = sizeOf(member.type, loc) * 8;
        if (member.width === 0) {
          bits = roundUp(bits, unit);
          size = Math.max(size, bits / 8);
          continue;
        }
        if (member.align) bits = roundUp(bits, member.align * 8);
        if (!isPacked && Math.floor(bits / unit) !== Math.floor((bits + member.width - 1) / unit))
          bits = roundUp(bits, unit);
        const offset = Math.floor(bits / 8);
        if (member.name !== '') {
          this.add({
            name: member.name,
            type: member.type,
            offset,
            bit: { at: bits % 8, width: member.width },
          });
          align = Math.max(align, own);
        }
        bits += member.width;
      } else {
        bits = roundUp(bits, own * 8);
        const isFlexible = member.type.k === 'array' && member.type.length === undefined;
        this.add({ name: member.name, type: member.type, offset: bits / 8 });
        bits += isFlexible ? 0 : sizeOf(member.type, loc) * 8;
        align = Math.max(align, own);
      }
      size = Math.max(size, Math.ceil(bits / 8));
    }
    this.align = Math.max(align, given ?? 1);
    this.size = roundUp(size, this.align);
  }

  private add(field: Field): void {
    this.fields.push(field);
    if (field.name !== '') this.byName.set(field.name, field);
    else if (field.type.k === 'agg')
      for (const [name, inner] of field.type.aggregate.byName)
        this.byName.set(name, { ...inner, offset: inner.offset + field.offset });
  }

  /** A member, also one of an anonymous struct inside, with its offset from here. */
  field(name: string, loc: Loc): Field | undefined {
    this.complete(loc);
    return this.byName.get(name);
  }
}

export const roundUp = (value: number, to: number): number => Math.ceil(value / to) * to;

const int = (name: string, size: IntType['size'], signed: boolean, rank: number): IntType => ({
  k: 'int',
  size,
  signed,
  rank,
  name,
});

export const VOID: VoidType = { k: 'void' };
export const BOOL: IntType = { ...int('_Bool', 1, false, 0), bool: true };
export const CHAR = int('char', 1, true, 1);
export const SCHAR = int('signed char', 1, true, 1);
export const UCHAR = int('unsigned char', 1, false, 1);
export const SHORT = int('short', 2, true, 2);
export const USHORT = int('unsigned short', 2, false, 2);
export const INT = int('int', 4, true, 3);
export const UINT = int('unsigned int', 4, false, 3);
export const LONG = int('long', 8, true, 4);
export const ULONG = int('unsigned long', 8, false, 4);
export const LLONG = int('long long', 8, true, 5);
export const ULLONG = int('unsigned long long', 8, false, 5);

export const pointerTo = (to: CType): PointerType => ({ k: 'ptr', to });
export const VOID_POINTER = pointerTo(VOID);

export function sizeOf(type: CType, loc: Loc): number {
  switch (type.k) {
    case 'int':
    case 'float':
      return type.size;
    case 'enum':
      return enumInt(type, loc).size;
    case 'ptr':
      return 8;
    case 'array':
      if (type.length === undefined) throw new CodeError(loc, 'the size of an array without a length');
      return type.length * sizeOf(type.of, loc);
    case 'agg':
      return type.aggregate.complete(loc).size;
    // GNU: so that arithmetic on `void *` counts bytes.
    case 'void':
    case 'fn':
      return 1;
  }
}

export function alignOf(type: CType, loc: Loc): number {
  switch (type.k) {
    case 'array':
      return alignOf(type.of, loc);
    case 'agg':
      return type.aggregate.complete(loc).align;
    default:
      return sizeOf(type, loc);
  }
}

export function enumInt(type: EnumType, loc: Loc): IntType {
  if (!type.underlying) type.complete?.();
  if (!type.underlying) throw new CodeError(loc, `enum ${type.tag} is defined nowhere`);
  return type.underlying;
}

/** The integer type behind an integer or enum type; pointers count as `unsigned long`. */
export function asInt(type: CType, loc: Loc): IntType | undefined {
  if (type.k === 'int') return type;
  if (type.k === 'enum') return enumInt(type, loc);
  return undefined;
}

export const isScalar = (type: CType): boolean => type.k === 'int' || type.k === 'enum' || type.k === 'ptr';

/** Integer promotion. */
export function promoted(type: IntType): IntType {
  return type.rank < INT.rank ? INT : type;
}

export const unsignedOf = (type: IntType): IntType =>
  type.signed ? (type.rank === 5 ? ULLONG : type.rank === 4 ? ULONG : UINT) : type;

/** The usual arithmetic conversions. */
export function commonType(a: IntType, b: IntType): IntType {
  const left = promoted(a);
  const right = promoted(b);
  if (left.signed === right.signed) return left.rank >= right.rank ? left : right;
  const unsigned = left.signed ? right : left;
  const signed = left.signed ? left : right;
  if (unsigned.rank >= signed.rank) return unsigned;
  if (signed.size > unsigned.size) return signed;
  return unsignedOf(signed);
}

/** Are two types compatible? Qualifiers are not kept, so they are not compared. */
export function sameType(a: CType, b: CType): boolean {
  if (a === b) return true;
  if (a.k !== b.k) {
    const [x, y] = a.k === 'enum' ? [a, b] : [b, a];
    return x.k === 'enum' && y.k === 'int' && x.underlying === y;
  }
  switch (a.k) {
    case 'int':
      return a.name === (b as IntType).name;
    case 'void':
      return true;
    case 'float':
      return a.size === (b as FloatType).size;
    case 'ptr':
      return sameType(a.to, (b as PointerType).to);
    case 'array': {
      const other = b as ArrayType;
      const sameLength = a.length === undefined || other.length === undefined || a.length === other.length;
      return sameLength && sameType(a.of, other.of);
    }
    case 'agg':
      return a.aggregate === (b as AggregateType).aggregate;
    case 'enum':
      return false;
    case 'fn': {
      const other = b as FunctionType;
      return (
        sameType(a.returns, other.returns) &&
        a.variadic === other.variadic &&
        a.parameters.length === other.parameters.length &&
        a.parameters.every(({ type }, index) => sameType(type, other.parameters[index]!.type))
      );
    }
  }
}

/** A type as C writes it, without a declared name. */
export function typeName(type: CType, inner = ''): string {
  switch (type.k) {
    case 'int':
      return join(type.name, inner);
    case 'void':
      return join('void', inner);
    case 'float':
      return join(type.size === 4 ? 'float' : type.size === 8 ? 'double' : 'long double', inner);
    case 'enum':
      return join(`enum ${type.tag || '(unnamed)'}`, inner);
    case 'agg':
      return join(type.aggregate.name, inner);
    case 'ptr':
      return typeName(type.to, type.to.k === 'array' || type.to.k === 'fn' ? `(*${inner})` : `*${inner}`);
    case 'array':
      return typeName(type.of, `${inner}[${type.length ?? ''}]`);
    case 'fn': {
      const parameters = type.parameters.map((parameter) => typeName(parameter.type));
      if (type.variadic) parameters.push('...');
      return typeName(type.returns, `${inner}(${parameters.join(', ') || 'void'})`);
    }
  }
}

const join = (base: string, inner: string): string => (inner === '' ? base : `${base} ${inner}`);

/** A value brought into a type's range, as a conversion does. */
export function wrap(type: IntType, value: bigint): bigint {
  if (type.bool) return value === 0n ? 0n : 1n;
  return type.signed ? BigInt.asIntN(type.size * 8, value) : BigInt.asUintN(type.size * 8, value);
}
