/** Global variables and strings: they get memory, and their first value, when code that names them is compiled. */
import type { Expr, Initialiser } from './ast.js';
import { type Memory, SPACE, SPACE_BASE } from './memory.js';
import type { FunctionSymbol, GlobalVariable } from './symbols.js';
import { CodeError, type Loc } from './tokens.js';
import { alignOf, asInt, type CType, sizeOf, ULONG, wrap } from './types.js';

interface Placed {
  at: number;
  bytes: Uint8Array;
  states: Uint8Array;
}

export class Globals {
  private readonly places = new Map<string, number>();
  private readonly strings = new Map<string, number>();
  /** In the order in which they got their memory. */
  private readonly placed: Placed[] = [];

  constructor(
    private readonly memory: Memory,
    private readonly functionAddress: (fn: FunctionSymbol) => bigint,
  ) {}

  get count(): number {
    return this.placed.length;
  }

  /** Gives those that were placed after a state was saved their first value: code names their addresses. */
  restoreFrom(count: number): void {
    for (const { at, bytes, states } of this.placed.slice(count)) {
      this.memory.m8.set(bytes, at);
      this.memory.s8.set(states, at);
      this.memory.touch(at, bytes.length);
    }
  }

  /**
   * 32 bits for the variables that no longer have their first value: when a variable got its memory makes no difference
   * to the program.
   */
  hash(): number {
    const { m8, s8 } = this.memory;
    let hash = 0;
    for (const { at, bytes, states } of this.placed) {
      const { length } = bytes;
      let i = 0;
      while (i < length && m8[at + i] === bytes[i] && s8[at + i] === states[i]) i++;
      for (; i < length; i++) {
        hash = Math.imul(
          hash ^ (m8[at + i]! | (s8[at + i]! << 8)) ^ Math.imul(at + i, 0x27d4eb2f),
          0x85ebca6b,
        );
        hash ^= hash >>> 13;
      }
    }
    return hash;
  }

  private remember(at: number, size: number): void {
    this.placed.push({
      at,
      bytes: this.memory.m8.slice(at, at + size),
      states: this.memory.s8.slice(at, at + size),
    });
  }

  placeOfString(bytes: Uint8Array): number {
    const key = bytes.join(' ');
    const known = this.strings.get(key);
    if (known !== undefined) return known;
    const at = this.memory.allocateGlobal(bytes.length, 1, 'a string');
    this.memory.fill(at, SPACE, 0, bytes.length);
    this.memory.m8.set(bytes, at);
    this.strings.set(key, at);
    this.remember(at, bytes.length);
    return at;
  }

  /** @throws CodeError where its initialiser is no constant */
  placeOf(global: GlobalVariable): number {
    // What is only declared is the same variable wherever it is declared.
    const key = global.extern ? global.name : global.key;
    const known = this.places.get(key);
    if (known !== undefined) return known;
    const init = global.initialiser();
    const { type, loc, name } = global;
    const isOpen = type.k === 'array' && type.length === undefined;
    const size = isOpen ? 8 : Math.max(1, sizeOf(type, loc));
    const align = Math.max(alignOf(type, loc), global.align ?? 1);
    const at = this.memory.allocateGlobal(size, align, `variable ${name} (${loc.file}:${loc.line})`);
    this.places.set(key, at);
    if (global.extern) {
      const origin = this.memory.unknownNumber(
        `variable ${name}, declared at ${loc.file}:${loc.line} and defined nowhere`,
      );
      this.memory.fillUnknown(at, size, origin);
    } else {
      this.memory.fill(at, SPACE, 0, size);
      if (init) this.initialise(at, init);
    }
    this.remember(at, size);
    return at;
  }

  private initialise(at: number, init: Initialiser): void {
    for (const { offset, type, bit, value } of init.values) {
      if (type.k === 'agg' || type.k === 'array') {
        this.aggregate(at + offset, type, value);
        continue;
      }
      const v = this.constant(value);
      const low = Number(BigInt.asIntN(32, v));
      const high = Number(BigInt.asIntN(32, v >> 32n));
      if (bit) this.memory.storeBits(at + offset, SPACE, 0, bit.at, bit.width, low, high, 0);
      else this.memory.store(at + offset, SPACE, sizeOf(type, value.loc), low, high, 0, 0);
    }
  }

  /** gcc takes a compound literal, or a constant variable, as a struct's first value. */
  private aggregate(at: number, type: CType, value: Expr): void {
    const size = sizeOf(type, value.loc);
    if (value.k === 'literal') {
      this.memory.fill(at, SPACE, 0, size);
      this.initialise(at, value.init);
    } else if (value.k === 'global') this.memory.copy(at, SPACE, this.placeOf(value.global), SPACE, size);
    else throw this.notConstant(value.loc);
  }

  private notConstant(loc: Loc): CodeError {
    return new CodeError(loc, "an initialiser of a global variable that isn't constant");
  }

  private constant(e: Expr): bigint {
    const wrapped = (v: bigint): bigint => wrap(asInt(e.t, e.loc) ?? ULONG, v);
    switch (e.k) {
      case 'const':
        return e.v;
      case 'cast':
        return wrapped(this.constant(e.e));
      case 'offset':
        return this.constant(e.e) + BigInt(e.by);
      case 'addr':
        return e.e.k === 'fn' ? this.functionAddress(e.e.fn) : this.address(e.e);
      case 'ptradd':
        return wrapped(this.constant(e.p) + this.constant(e.i) * BigInt(e.scale));
      case 'bin': {
        const [l, r] = [this.constant(e.l), this.constant(e.r)];
        if (e.op === '+') return wrapped(l + r);
        if (e.op === '-') return wrapped(l - r);
        if (e.op === '|') return wrapped(l | r);
        if (e.op === '&') return wrapped(l & r);
        throw this.notConstant(e.loc);
      }
      case 'ptrdiff':
        return (this.constant(e.l) - this.constant(e.r)) / BigInt(e.scale || 1);
      case 'error':
        throw e.error;
      default:
        throw this.notConstant(e.loc);
    }
  }

  private address(e: Expr): bigint {
    switch (e.k) {
      case 'global':
        return SPACE_BASE + BigInt(this.placeOf(e.global));
      case 'str':
        return SPACE_BASE + BigInt(this.placeOfString(e.bytes));
      case 'member':
        return this.address(e.e) + BigInt(e.offset);
      case 'deref':
        return this.constant(e.e);
      case 'literal': {
        // At file level a compound literal is a variable of its own.
        const size = sizeOf(e.t, e.loc);
        const at = this.memory.allocateGlobal(
          size,
          alignOf(e.t, e.loc),
          `a literal (${e.loc.file}:${e.loc.line})`,
        );
        this.memory.fill(at, SPACE, 0, size);
        this.initialise(at, e.init);
        this.remember(at, size);
        return SPACE_BASE + BigInt(at);
      }
      default:
        throw this.notConstant(e.loc);
    }
  }
}
