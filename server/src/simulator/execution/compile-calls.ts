/** Calls, with their arguments, and builtins → JavaScript. A call ends a case: the value comes back in the next one. */
import { isAssembly, unmodelledAssembly } from './assembly.js';
import type { Expr, ExprOf } from './ast.js';
import { BIT_BUILTINS } from './builtins.js';
import { ArithmeticEmitter } from './emit-arithmetic.js';
import { intOf, literal, type Operand, type Place } from './emitter.js';
import { SPACE } from './memory.js';
import { Purity } from './purity.js';
import type { FunctionSymbol } from './symbols.js';
import { CodeError, type Loc } from './tokens.js';
import { type CType, type FunctionType, INT, sizeOf, ULONG, VOID_POINTER } from './types.js';

/** A call as the machine sees it. */
export interface CallSite {
  loc: Loc;
  type: FunctionType;
  /** Bytes of an argument that is a struct, 0 for a scalar, with its type. */
  args: { size: number; type: CType }[];
}

export const NOTHING: Operand = { t: INT, l: '0', h: '', p: '' };

export abstract class CallCompiler extends ArithmeticEmitter {
  /** What the code names as E[n]. */
  readonly constants: unknown[] = [];
  protected readonly purity: Purity = new Purity((call) => {
    const fn = calledFunction(call);
    return fn !== undefined && this.host.isIntrinsic(fn);
  });

  /** A scalar's value. */
  abstract value(e: Expr): Operand;
  /** Where an object is. */
  abstract place(e: Expr): Place;

  protected constantIndex(value: unknown): number {
    return this.constants.push(value) - 1;
  }

  protected fail(error: CodeError): void {
    this.emit(`V.fail(E[${this.constantIndex(error)}]);`);
  }

  protected call(e: ExprOf<'call'>): Operand {
    if (e.t.k === 'agg') {
      this.callForAggregate(e);
      return NOTHING;
    }
    const fn = calledFunction(e);
    if (fn && this.host.isIntrinsic(fn)) return this.intrinsic(e, fn);
    if (fn && isAssembly(fn.name) && !this.host.isModelled(fn.name)) {
      this.fail(unmodelledAssembly(e.loc, fn.name));
      return NOTHING;
    }
    this.callInto(e, undefined);
    if (e.t.k === 'void') return NOTHING;
    const [l, p] = [this.fresh(), this.fresh()];
    const h = intOf(e.t).size === 8 ? this.fresh() : '';
    this.emit(`const ${l}=R[0],${p}=R[2]${h === '' ? '' : `,${h}=R[1]`};`);
    return { t: e.t, l, h, p };
  }

  protected callForAggregate(e: ExprOf<'call'>): Place {
    const size = sizeOf(e.t, e.loc);
    const place: Place = { k: 'frame', offset: this.allocate(Math.max(size, 1), 16), t: e.t };
    this.callInto(e, place);
    return place;
  }

  private argument(e: Expr): Operand {
    return e.t.k === 'agg' ? this.addressOf(this.place(e), VOID_POINTER) : this.value(e);
  }

  /** Arguments in their order; those before a cut are kept in the frame. */
  private argumentsOf(args: readonly Expr[]): Operand[] {
    const lastCut = args.findLastIndex((arg) => !this.purity.expr(arg));
    const kept = args.map((arg, index) => {
      const operand = this.argument(arg);
      if (index >= lastCut || isSettled(operand)) return operand;
      return this.spill(operand);
    });
    return kept.map((one) => ('k' in one ? this.load(one) : one));
  }

  private callInto(e: ExprOf<'call'>, result: Place | undefined): void {
    const fn = calledFunction(e);
    const target = fn ? undefined : this.value(e.f);
    const isCut = e.args.some((arg) => !this.purity.expr(arg));
    const keptTarget = target && isCut ? this.spill(target) : undefined;
    const args = this.argumentsOf(e.args);
    args.forEach(({ l, h, p, t }, index) => {
      const upper = h !== '' ? h : intOf(t).signed ? `${l}>>31` : '0';
      this.emit(`A[${index * 3}]=${l};A[${index * 3 + 1}]=${upper};A[${index * 3 + 2}]=${p || '0'};`);
    });
    const site: CallSite = {
      loc: e.loc,
      type: e.type,
      args: e.args.map((arg) => ({ size: arg.t.k === 'agg' ? sizeOf(arg.t, arg.loc) : 0, type: arg.t })),
    };
    const behind = this.newCase(e.loc);
    const into = result?.k === 'frame' ? `fp+${result.offset}` : '0';
    const index = this.constantIndex(site);
    this.emit(`F.pc=${behind};`);
    if (fn) this.emit(`V.call(T,F,E[${index}],${this.host.indexOf(fn)},${into});return 1;`);
    else {
      const pointer = keptTarget ? this.load(keptTarget) : target!;
      this.emit(
        `V.callPointer(T,F,E[${index}],${pointer.l},${pointer.h},${pointer.p || '0'},${into});return 1;`,
      );
    }
    this.startCase(behind);
  }

  private intrinsic(e: ExprOf<'call'>, fn: FunctionSymbol): Operand {
    const args = this.argumentsOf(e.args).map((arg) => this.convert(arg, ULONG));
    const list = args.map(({ l, h, p }) => `${l},${h},${p || '0'}`).join(',');
    this.emit(`V.intrinsic(${JSON.stringify(fn.name)},[${list}]);`);
    const [l, h, p] = [this.fresh(), this.fresh(), this.fresh()];
    this.emit(`const ${l}=Z[0],${h}=Z[1],${p}=Z[2];`);
    if (e.t.k === 'void') return NOTHING;
    return { t: e.t, l, h: intOf(e.t).size === 8 ? h : '', p };
  }

  // ---- builtins

  protected builtin(e: ExprOf<'builtin'>): Operand {
    const { name } = e;
    if (BIT_BUILTINS[name]) {
      const operand = this.value(e.args[0]!);
      const l = this.fresh();
      this.emit(`const ${l}=V.bits(${JSON.stringify(name)},${operand.l},${operand.h || '0'}),${l}h=H[0];`);
      return { t: e.t, l, h: intOf(e.t).size === 8 ? `${l}h` : '', p: operand.p };
    }
    switch (name) {
      case 'add_overflow':
      case 'sub_overflow':
      case 'mul_overflow':
        return this.overflow(e);
      case 'unreachable':
      case 'trap':
        this.emit(`V.unreachable();`);
        return NOTHING;
      case 'va_start': {
        const list = this.place(e.args[0]!);
        this.store(list, { t: VOID_POINTER, l: this.hold('F.variadic'), h: literal(SPACE), p: '' });
        return NOTHING;
      }
      case 'va_end':
        return NOTHING;
      case 'va_copy':
        this.store(this.place(e.args[0]!), this.value(e.args[1]!));
        return NOTHING;
      case 'va_arg':
        return this.load(this.placeAt(this.nextVariadic(e), e.t));
      default:
        throw new CodeError(e.loc, `the builtin __builtin_${name} is not executed`);
    }
  }

  /** Address of the next variadic argument; the list is moved behind it. */
  protected nextVariadic(e: ExprOf<'builtin'>): Operand {
    const list = this.place(e.args[0]!);
    const at = this.held(this.load(list));
    const [l, h] = this.plusConstant(at.l, at.h, 8);
    this.store(list, { t: VOID_POINTER, l, h, p: at.p });
    return at;
  }

  private overflow(e: ExprOf<'builtin'>): Operand {
    const [a, b, target] = this.argumentsOf(e.args);
    const type = e.calculated!;
    const half = ({ l, h, t }: Operand) =>
      `${l},${h || (intOf(t).signed ? `${l}>>31` : '0')},${intOf(t).signed}`;
    const l = this.fresh();
    const call = `V.overflow(${JSON.stringify(e.name)},${half(a!)},${half(b!)},${type.size},${type.signed})`;
    this.emit(`const ${l}=${call},${l}v=Z[0],${l}h=Z[1];`);
    const p = this.either(a!.p, b!.p);
    this.store(this.placeAt(target!, type), { t: type, l: `${l}v`, h: type.size === 8 ? `${l}h` : '', p });
    return { t: INT, l, h: '', p };
  }
}

/** The function that a call names, where it names one. */
export function calledFunction(call: ExprOf<'call'>): FunctionSymbol | undefined {
  return call.f.k === 'addr' && call.f.e.k === 'fn' ? call.f.e.fn : undefined;
}

/** A literal: nothing changes it. */
export const isSettled = ({ l, h, p }: Operand): boolean =>
  p === '' && /^(\d+|\(-\d+\))$/.test(l) && /^(\d+|\(-\d+\))?$/.test(h);
