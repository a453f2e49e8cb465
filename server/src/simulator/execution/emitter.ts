/**
 * JavaScript for one function, line by line. Scalars are int32 halves in JavaScript variables (`l`, and `h` for 64 bits),
 * each with the number of the unknown value it was made from (`p`, empty where there can't be one).
 *
 * Names in the code: V machine, T thread, F frame, fp the frame's start, M memory with its views m8 … s32 and dirty pages
 * D, Z results of slow accesses, R results of calls, A arguments, X and H 64-bit arithmetic, E constants, C coverage.
 */
import type { CompileHost } from './compile-host.js';
import { KNOWN_16, KNOWN_32, SPACE } from './memory.js';
import type { Loc } from './tokens.js';
import { type CType, enumInt, type IntType, ULONG } from './types.js';

export interface Operand {
  t: CType;
  /** Lower half, or all of 32 bits and less, sign- or zero-extended to int32. */
  l: string;
  /** Upper half; empty below 64 bits. */
  h: string;
  /** Origin of an unknown value; empty: known. */
  p: string;
}

export type Place = { t: CType; bit?: { at: number; width: number } } & (
  | { k: 'frame'; offset: number }
  | { k: 'own'; at: number }
  | { k: 'pointer'; l: string; h: string; p: string }
);

const ROOT: Loc = { file: '', line: 0, column: 0 };

/** The integer type that a scalar is calculated with. */
export const intOf = (t: CType): IntType => (t.k === 'int' ? t : t.k === 'enum' ? enumInt(t, ROOT) : ULONG);
export const isWide = (t: CType): boolean => intOf(t).size === 8;

export const literal = (value: number): string => (value < 0 ? `(${value})` : `${value}`);
export const isLiteral = (text: string): boolean => /^(\d+|\(-\d+\))$/.test(text);

export class Emitter {
  protected lines: string[] = [];
  /** Source place of each `case`, by its number. */
  readonly places: Loc[] = [];
  /** Numbers of the cases in the order of the code. */
  readonly order: number[] = [];
  /** Cases at which a step begins. */
  readonly boundaries = new Set<number>();
  private variables = 0;
  protected frameSize = 0;

  constructor(protected readonly host: CompileHost) {}

  emit(line: string): void {
    this.lines.push(line);
  }

  fresh(): string {
    return `v${this.variables++}`;
  }

  /** A variable with the value of an expression. */
  hold(expression: string): string {
    if (/^\w+$/.test(expression) || isLiteral(expression)) return expression;
    const name = this.fresh();
    this.emit(`const ${name}=${expression};`);
    return name;
  }

  newCase(loc: Loc): number {
    return this.places.push(loc) - 1;
  }

  startCase(pc: number): void {
    this.emit(`}case ${pc}:{`);
    this.order.push(pc);
  }

  jump(pc: number): void {
    this.emit(`pc=${pc};continue L;`);
  }

  /** Room in the frame; offsets are from its start. */
  allocate(size: number, align: number): number {
    const offset = Math.ceil(this.frameSize / align) * align;
    this.frameSize = offset + size;
    return offset;
  }

  // ---- unknown values

  /** Origin of a value made of two. */
  either(a: string, b: string): string {
    if (a === '' || a === b) return b;
    if (b === '') return a;
    return this.hold(`(${a}||${b})`);
  }

  /** What goes on depends on a value. */
  decide(p: string): void {
    if (p !== '') this.emit(`if(${p})M.unknownUsed(${p},'a decision');`);
  }

  // ---- operands

  constant(value: bigint, t: CType): Operand {
    const low = Number(BigInt.asIntN(32, value));
    const type = intOf(t);
    if (type.size === 8)
      return { t, l: literal(low), h: literal(Number(BigInt.asIntN(32, value >> 32n))), p: '' };
    return { t, l: literal(low), h: '', p: '' };
  }

  /** An operand whose parts are variables or literals, so that naming them twice costs nothing. */
  held(operand: Operand): Operand {
    return { ...operand, l: this.hold(operand.l), h: operand.h === '' ? '' : this.hold(operand.h) };
  }

  convert(operand: Operand, t: CType): Operand {
    const from = intOf(operand.t);
    const to = intOf(t);
    const { l, p } = operand;
    if (to.bool) return { t, l: this.hold(`(${this.nonZero(operand)}?1:0)`), h: '', p };
    if (to.size === 8) {
      if (from.size === 8) return { ...operand, t };
      if (isLiteral(l)) return { t, l, h: from.signed && l.startsWith('(') ? '(-1)' : '0', p };
      return { t, l, h: from.signed ? this.hold(`${l}>>31`) : '0', p };
    }
    if (to.size === 4) return { t, l, h: '', p };
    const fits =
      from.size < 4 &&
      (from.signed === to.signed ? from.size <= to.size : !from.signed && from.size < to.size);
    if (fits) return { t, l, h: '', p };
    const bits = 32 - to.size * 8;
    const text = to.signed ? `${l}<<${bits}>>${bits}` : `${l}&${to.size === 1 ? 255 : 65535}`;
    return { t, l: this.hold(`(${text})`), h: '', p };
  }

  /** A JavaScript condition: is the operand not zero? */
  nonZero({ l, h }: Operand): string {
    return h === '' ? `${l}!==0` : `(${l}|${h})!==0`;
  }

  // ---- memory

  /** The address of a place. */
  addressOf(place: Place, t: CType): Operand {
    if (place.k === 'pointer') return { t, l: place.l, h: place.h, p: place.p };
    const l = place.k === 'frame' ? this.hold(`fp+${place.offset}`) : literal(place.at);
    return { t, l, h: literal(SPACE), p: '' };
  }

  placeAt(pointer: Operand, t: CType): Place {
    const { l, h, p } = this.held(pointer);
    return { k: 'pointer', t, l, h, p };
  }

  /** A place some bytes further on. */
  moved(place: Place, by: number, t: CType, bit?: { at: number; width: number }): Place {
    const also = bit ? { bit } : {};
    if (place.k === 'frame') return { k: 'frame', offset: place.offset + by, t, ...also };
    if (place.k === 'own') return { k: 'own', at: place.at + by, t, ...also };
    if (by === 0) return { k: 'pointer', l: place.l, h: place.h, p: place.p, t, ...also };
    const [l, h] = this.plusConstant(place.l, place.h, by);
    return { k: 'pointer', l, h, p: place.p, t, ...also };
  }

  plusConstant(l: string, h: string, by: number): [string, string] {
    const sum = this.hold(`(${l}+${literal(by)})|0`);
    const carry = by >= 0 ? `(${sum}>>>0<${l}>>>0?1:0)` : `-(${sum}>>>0>${l}>>>0?1:0)`;
    return [sum, this.hold(`(${h}+${carry})|0`)];
  }

  /** Address, alignment and checks of a place, as JavaScript. */
  private access(
    place: Place,
    size: number,
  ): { at: string; hi: string; p: string; index: string; fits: string } {
    const shift = size === 1 ? 0 : size === 2 ? 1 : 2;
    const states = size === 1 ? 's8' : size === 2 ? 's16' : 's32';
    const known = size === 1 ? 3 : size === 2 ? KNOWN_16 : KNOWN_32;
    const check = (index: string) =>
      size === 8 ? `s32[${index}]===${known}&&s32[${index}+1]===${known}` : `${states}[${index}]===${known}`;
    if (place.k === 'pointer') {
      const { l, h, p } = place;
      const index = size === 1 ? `(${l}>>>0)` : this.hold(`${l}>>>${shift}`);
      const aligned = size === 1 ? '' : `&&(${l}&${size === 2 ? 1 : 3})===0`;
      const own = h === literal(SPACE) ? '' : `&&${h}===${SPACE}`;
      return { at: l, hi: h, p: p || '0', index, fits: `${check(index)}${own}${aligned}` };
    }
    const isFrame = place.k === 'frame';
    const offset = place.k === 'frame' ? place.offset : place.at;
    const at = isFrame ? `fp+${offset}` : literal(offset);
    const aligned = offset % Math.min(size, 4) === 0;
    const index = isFrame ? this.hold(shift === 0 ? at : `${at}>>${shift}`) : literal(offset >> shift);
    return { at, hi: literal(SPACE), p: '0', index, fits: aligned ? check(index) : 'false' };
  }

  load(place: Place): Operand {
    const { t, bit } = place;
    const type = intOf(t);
    const v = this.fresh();
    const p = this.fresh();
    const wide = type.size === 8;
    const h = wide ? this.fresh() : '';
    if (bit) {
      const { l, h: hi, p: pointer } = this.addressOf(place, t);
      this.emit(
        `const ${v}=M.loadBits(${l},${hi},${pointer || '0'},${bit.at},${bit.width},${type.signed}),${p}=Z[2];`,
      );
      if (wide) this.emit(`const ${h}=Z[1];`);
      return { t, l: v, h, p };
    }
    const { at, hi, p: pointer, index, fits } = this.access(place, type.size);
    this.watch(place, at, hi, type.size, false);
    const view = type.size >= 4 ? 'm32' : `${type.signed ? 'i' : 'm'}${type.size * 8}`;
    const quick = wide ? `${v}=m32[${index}];${h}=m32[${index}+1]` : `${v}=${view}[${index}]`;
    const slow = `${v}=M.load(${at},${hi},${type.size},${type.signed},${pointer});${wide ? `${h}=Z[1];` : ''}${p}=Z[2]`;
    this.emit(`let ${v}${wide ? `,${h}` : ''},${p}=0;if(${fits}){${quick}}else{${slow}}`);
    return { t, l: v, h, p };
  }

  store(place: Place, value: Operand): void {
    const { t, bit } = place;
    const type = intOf(t);
    const { l, h, p } = value;
    if (bit) {
      const address = this.addressOf(place, t);
      const to = `${address.l},${address.h},${address.p || '0'},${bit.at},${bit.width}`;
      this.emit(`M.storeBits(${to},${l},${h || `${l}>>31`},${p || '0'});`);
      return;
    }
    const { at, hi, p: pointer, index, fits } = this.access(place, type.size);
    this.watch(place, at, hi, type.size, true);
    const view = type.size >= 4 ? 'm32' : `m${type.size * 8}`;
    const quick = type.size === 8 ? `m32[${index}]=${l};m32[${index}+1]=${h}` : `${view}[${index}]=${l}`;
    // The frame's own pages are marked when its code is entered.
    const mark = place.k === 'frame' ? '' : this.mark(place, type.size);
    const isKnown = p === '' ? '' : `${p}===0&&`;
    const slow = `M.store(${at},${hi},${type.size},${l},${h || '0'},${p || '0'},${pointer})`;
    this.emit(`if(${isKnown}${fits}){${quick}${mark}}else ${slow};`);
  }

  private watch(place: Place, at: string, hi: string, size: number, write: boolean): void {
    if (this.host.watched && place.k !== 'frame') this.emit(`M.watched(${at},${hi},${size},${write});`);
  }

  /** Notes the pages of 1 to 8 bytes as written. */
  private mark(place: Place & { k: 'own' | 'pointer' }, size: number): string {
    if (place.k === 'own') return `;D[${place.at >> 12}]=1;D[${(place.at + size - 1) >> 12}]=1`;
    return `;D[${place.l}>>>12]=1${size === 8 ? `;D[${place.l}+4>>>12]=1` : ''}`;
  }

  /** Keeps a value in the frame while other code runs. */
  spill(operand: Operand): Place {
    const size = intOf(operand.t).size;
    const place: Place = { k: 'frame', offset: this.allocate(Math.max(size, 4), 8), t: operand.t };
    this.store(place, operand);
    return place;
  }

  copy(to: Place, from: Place, size: number): void {
    const a = this.addressOf(to, ULONG);
    const b = this.addressOf(from, ULONG);
    const p = this.either(a.p, b.p);
    if (p !== '') this.emit(`if(${p})M.unknownUsed(${p},'an address');`);
    this.emit(`M.copy(${a.l},${a.h},${b.l},${b.h},${size});`);
  }
}
