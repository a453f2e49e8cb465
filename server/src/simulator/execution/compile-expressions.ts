/** Expressions → JavaScript. What calls functions is cut into cases, with the values needed later kept in the frame. */
import type { Expr, ExprOf, Initialiser, Local, Stmt } from './ast.js';
import { CallCompiler, isSettled, NOTHING } from './compile-calls.js';
import { CODE_SPACE, CODE_START, CODE_STEP } from './compile-host.js';
import { intOf, literal, type Operand, type Place } from './emitter.js';
import type { FunctionSymbol } from './symbols.js';
import { CodeError, type Loc } from './tokens.js';
import { alignOf, type CType, INT, LONG, sizeOf, VOID_POINTER } from './types.js';

export abstract class ExpressionCompiler extends CallCompiler {
  abstract structured(statement: Stmt): void;
  abstract sequence(body: readonly Stmt[], last: Expr | null): Operand | Place | undefined;

  // ---- values kept over a cut

  /** Calls `first`, then `second`; what the first gave is kept in the frame if the second is cut. */
  private both(l: Expr, r: Expr): [Operand, Operand] {
    const left = this.value(l);
    const isCut = !this.purity.expr(r);
    const kept = isCut && !isSettled(left) ? this.spill(left) : undefined;
    const right = this.value(r);
    return [kept ? this.load(kept) : left, right];
  }

  private keepPlace(place: Place, isCut: boolean): () => Place {
    if (!isCut || place.k !== 'pointer') return () => place;
    const kept = this.spill({ t: VOID_POINTER, l: place.l, h: place.h, p: place.p });
    return () => {
      const { l, h, p } = this.load(kept);
      return { ...place, l, h, p };
    };
  }

  // ---- values

  /** A scalar's value. */
  value(e: Expr): Operand {
    switch (e.k) {
      case 'const':
        return this.constant(e.v, e.t);
      case 'local':
      case 'global':
      case 'deref':
      case 'member':
        return this.load(this.place(e));
      case 'addr':
        return this.address(e.e, e.t);
      case 'offset': {
        const base = this.held(this.value(e.e));
        const [l, h] = this.plusConstant(base.l, base.h, e.by);
        return { t: e.t, l, h, p: base.p };
      }
      case 'neg':
      case 'not':
        return this.negate(e.k, this.value(e.e));
      case 'bin': {
        const [l, r] = this.both(e.l, e.r);
        return this.arithmetic(e.op, l, r, e.t);
      }
      case 'lnot':
      case 'cmp':
        return this.decided(e);
      case 'and':
      case 'or':
        return this.purity.expr(e) ? this.decided(e) : this.cutLogical(e);
      case 'cond':
        return this.conditional(e);
      case 'ptradd': {
        const [pointer, index] = this.both(e.p, e.i);
        return this.pointerPlus(this.held(pointer), this.held(index), e.scale);
      }
      case 'ptrdiff':
        return this.pointerDifference(e);
      case 'assign':
        return this.assign(e);
      case 'opassign':
        return this.assignWith(e);
      case 'incdec':
        return this.increment(e);
      case 'cast':
        if (e.t.k === 'void') {
          this.effect(e.e);
          return NOTHING;
        }
        return e.e.t.k === 'void' ? this.value(e.e) : { ...this.convert(this.value(e.e), e.t), t: e.t };
      case 'comma':
        this.effect(e.l);
        return this.value(e.r);
      case 'call':
        return this.call(e);
      case 'stmts': {
        const result = this.statements(e);
        return result && 'l' in result && !('k' in result) ? result : NOTHING;
      }
      case 'literal':
        return this.load(this.place(e));
      case 'builtin':
        return this.builtin(e);
      case 'error':
        this.fail(e.error);
        return e.t.k === 'int' || e.t.k === 'ptr' || e.t.k === 'enum' ? this.constant(0n, e.t) : NOTHING;
      default:
        throw new CodeError(e.loc, 'a value that is none');
    }
  }

  /** Runs an expression for what it does. */
  effect(e: Expr): void {
    if (e.t.k === 'agg') {
      if (!(e.k === 'local' || e.k === 'global')) this.place(e);
    } else if (e.k === 'cond' && e.t.k === 'void') this.conditional(e);
    else this.value(e);
  }

  private statements(e: ExprOf<'stmts'>): Operand | Place | undefined {
    if (!this.purity.expr(e)) return this.sequence(e.body, e.last);
    for (const statement of e.body) this.structured(statement);
    if (!e.last) return undefined;
    if (e.last.t.k === 'agg') return this.place(e.last);
    return this.value(e.last);
  }

  // ---- decisions

  /** A comparison or logical expression without a cut, as 0 or 1. */
  private decided(e: Expr): Operand {
    const { text, p } = this.test(e);
    return { t: INT, l: this.hold(`(${text}?1:0)`), h: '', p };
  }

  /** A JavaScript condition for an expression; `&&` and `||` must be without a cut. */
  protected test(e: Expr): { text: string; p: string } {
    if (e.k === 'cmp') {
      const [l, r] = this.both(e.l, e.r);
      return { text: this.comparison(e.op, l, r), p: this.either(l.p, r.p) };
    }
    if (e.k === 'lnot') {
      const { text, p } = this.test(e.e);
      return { text: `!(${text})`, p };
    }
    if ((e.k === 'and' || e.k === 'or') && this.purity.expr(e)) return this.pureLogical(e);
    const operand = this.value(e);
    return { text: this.nonZero(operand), p: operand.p };
  }

  private pureLogical(e: ExprOf<'and' | 'or'>): { text: string; p: string } {
    const left = this.test(e.l);
    this.decide(left.p);
    const result = this.fresh();
    const p = this.fresh();
    this.emit(`let ${result}=${left.text},${p}=0;if(${e.k === 'and' ? '' : '!'}${result}){`);
    const right = this.test(e.r);
    this.emit(`${result}=${right.text};${right.p === '' ? '' : `${p}=${right.p};`}}`);
    return { text: result, p };
  }

  private cutLogical(e: ExprOf<'and' | 'or'>): Operand {
    const result: Place = { k: 'frame', offset: this.allocate(4, 4), t: INT };
    const end = this.newCase(e.loc);
    const decides = this.newCase(e.loc);
    this.jumpOn(e, decides, e.k === 'or');
    this.store(result, this.constant(e.k === 'and' ? 1n : 0n, INT));
    this.jump(end);
    this.startCase(decides);
    this.store(result, this.constant(e.k === 'and' ? 0n : 1n, INT));
    this.startCase(end);
    return this.load(result);
  }

  /** Jumps if an expression is true, or false; goes on otherwise. */
  protected jumpOn(e: Expr, target: number, when: boolean): void {
    if (e.k === 'lnot') return this.jumpOn(e.e, target, !when);
    if ((e.k === 'and' || e.k === 'or') && !this.purity.expr(e)) {
      const decidesWhen = e.k === 'or';
      if (decidesWhen === when) {
        this.jumpOn(e.l, target, when);
        this.jumpOn(e.r, target, when);
        return;
      }
      const behind = this.newCase(e.loc);
      this.jumpOn(e.l, behind, !when);
      this.jumpOn(e.r, target, when);
      this.startCase(behind);
      return;
    }
    const { text, p } = this.test(e);
    this.decide(p);
    this.emit(`if(${when ? text : `!(${text})`}){pc=${target};continue L;}`);
  }

  private conditional(e: ExprOf<'cond'>): Operand {
    const isVoid = e.t.k === 'void';
    if (this.purity.expr(e)) return this.pureConditional(e, isVoid);
    const no = this.newCase(e.loc);
    const end = this.newCase(e.loc);
    const t = isVoid ? INT : e.t;
    const result: Place = { k: 'frame', offset: this.allocate(8, 8), t };
    if (e.a === null) {
      const c = this.value(e.c);
      this.decide(c.p);
      const converted = this.convert(c, t);
      this.store(result, converted);
      this.emit(`if(!(${this.nonZero(c)})){pc=${no};continue L;}`);
    } else {
      this.jumpOn(e.c, no, false);
      if (isVoid) this.effect(e.a);
      else this.store(result, this.value(e.a));
    }
    this.jump(end);
    this.startCase(no);
    if (isVoid) this.effect(e.b);
    else this.store(result, this.value(e.b));
    this.startCase(end);
    return isVoid ? NOTHING : this.load(result);
  }

  private pureConditional(e: ExprOf<'cond'>, isVoid: boolean): Operand {
    const t = isVoid ? INT : e.t;
    const wide = intOf(t).size === 8;
    const [l, h, p] = [this.fresh(), this.fresh(), this.fresh()];
    this.emit(`let ${l}=0,${h}=0,${p}=0;`);
    const set = (operand: Operand) =>
      this.emit(
        `${l}=${operand.l};${wide ? `${h}=${operand.h};` : ''}${operand.p === '' ? '' : `${p}=${operand.p};`}`,
      );
    const branch = (chosen: Expr) => {
      if (isVoid) this.effect(chosen);
      else set(this.value(chosen));
    };
    if (e.a === null) {
      const c = this.value(e.c);
      this.decide(c.p);
      this.emit(`if(${this.nonZero(c)}){`);
      set(this.convert(c, t));
    } else {
      const c = this.test(e.c);
      this.decide(c.p);
      this.emit(`if(${c.text}){`);
      branch(e.a);
    }
    this.emit('}else{');
    branch(e.b);
    this.emit('}');
    return { t, l, h: wide ? h : '', p };
  }

  private pointerDifference(e: ExprOf<'ptrdiff'>): Operand {
    const [l, r] = this.both(e.l, e.r);
    const bytes = this.arithmetic('-', { ...l, t: LONG }, { ...r, t: LONG }, LONG);
    if (e.scale <= 1) return bytes;
    return this.arithmetic('/', bytes, this.constant(BigInt(e.scale), LONG), LONG);
  }

  // ---- places

  /** Where an object is. Of a struct that is no object (a call's result) the place of its copy. */
  place(e: Expr): Place {
    switch (e.k) {
      case 'local':
        return { k: 'frame', offset: this.localOffset(e.local), t: e.t };
      case 'global':
        return { k: 'own', at: this.host.placeOf(e.global), t: e.t };
      case 'str':
        return { k: 'own', at: this.host.placeOfString(e.bytes), t: e.t };
      case 'deref':
        return this.placeAt(this.value(e.e), e.t);
      case 'member':
        return this.moved(this.place(e.e), e.offset, e.t, e.bit);
      case 'literal': {
        const place: Place = { k: 'frame', offset: this.localOffset(e.local), t: e.t };
        this.initialise(place, e.init, e.t, e.loc);
        return place;
      }
      case 'assign':
        return this.assignAggregate(e);
      case 'call':
        return this.callForAggregate(e);
      case 'comma':
        this.effect(e.l);
        return this.place(e.r);
      case 'cast':
        return this.place(e.e);
      case 'stmts': {
        const result = this.statements(e);
        if (!result || !('k' in result)) throw new CodeError(e.loc, 'a statement expression without a value');
        return result;
      }
      case 'cond': {
        // One of two objects: its address is chosen.
        const address = (of: Expr): Expr => ({ k: 'addr', e: of, t: VOID_POINTER, loc: of.loc });
        const a = e.a ?? e.b;
        const chosen = this.conditional({ ...e, a: address(a), b: address(e.b), t: VOID_POINTER });
        return this.placeAt(chosen, e.t);
      }
      case 'builtin':
        if (e.name === 'va_arg') return this.placeAt(this.nextVariadic(e), e.t);
        throw new CodeError(e.loc, `__builtin_${e.name} as an object`);
      case 'error':
        this.fail(e.error);
        return { k: 'pointer', l: '0', h: '0', p: '', t: e.t };
      default:
        throw new CodeError(e.loc, 'an object that is none');
    }
  }

  protected localOffset(local: Local): number {
    if (local.offset < 0) {
      const size = sizeOf(local.type, local.loc);
      const align = Math.max(alignOf(local.type, local.loc), local.align ?? 1, 4);
      const isAggregate = local.type.k === 'agg' || local.type.k === 'array';
      local.offset = this.allocate(size, Math.min(align, 16));
      // Something to run into behind an array.
      if (isAggregate) this.allocate(8, 1);
      this.onLocal(local, size);
    }
    return local.offset;
  }

  protected abstract onLocal(local: Local, size: number): void;

  private address(of: Expr, t: CType): Operand {
    if (of.k === 'fn') return this.functionAddress(of.fn, t);
    return { ...this.addressOf(this.place(of), t), t };
  }

  private functionAddress(fn: FunctionSymbol, t: CType): Operand {
    const low = (CODE_START + this.host.indexOf(fn) * CODE_STEP) | 0;
    return { t, l: literal(low), h: literal(CODE_SPACE), p: '' };
  }

  /** Gives an object its first value. */
  initialise(place: Place, init: Initialiser, t: CType, loc: Loc): void {
    if (!init.whole) {
      const address = this.addressOf(place, VOID_POINTER);
      this.emit(`M.fill(${address.l},${address.h},0,${sizeOf(t, loc)});`);
    }
    for (const { offset, type, bit, value } of init.values) {
      // Everything is zero already.
      if (
        !init.whole &&
        value.k === 'const' &&
        value.v === 0n &&
        init.values.length > 4 &&
        isOnlyOne(init, offset)
      )
        continue;
      const to = this.keepPlace(place, !this.purity.expr(value));
      if (value.k === 'error') {
        this.fail(value.error);
        continue;
      }
      if (type.k === 'agg' || type.k === 'array') {
        const from = this.place(value);
        this.copy(this.moved(to(), offset, type), from, sizeOf(type, loc));
      } else {
        const operand = this.value(value);
        this.store(this.moved(to(), offset, type, bit), operand);
      }
    }
  }

  // ---- assignments

  private assign(e: ExprOf<'assign'>): Operand {
    if (e.t.k === 'agg') {
      this.assignAggregate(e);
      return NOTHING;
    }
    let operand: Operand;
    let place: Place;
    if (this.purity.expr(e.l)) {
      operand = this.value(e.r);
      place = this.place(e.l);
    } else {
      const to = this.keepPlace(this.place(e.l), !this.purity.expr(e.r));
      operand = this.value(e.r);
      place = to();
    }
    operand = this.held(operand);
    this.store(place, operand);
    return this.stored(place, { ...operand, t: e.t });
  }

  /** What an object holds after a value went into it: a bit-field keeps its width only. */
  private stored(place: Place, operand: Operand): Operand {
    if (!place.bit) return operand;
    const type = intOf(place.t);
    const left = type.size * 8 - place.bit.width;
    if (left <= 0 || type.bool) return operand;
    const n = this.constant(BigInt(type.size === 8 ? left : 32 - place.bit.width), INT);
    const t = type.size === 8 ? place.t : type.signed ? INT : { ...INT, signed: false };
    const shifted = this.arithmetic('>>', this.arithmetic('<<', { ...operand, t }, n, t), n, t);
    return { ...shifted, t: place.t };
  }

  private assignAggregate(e: ExprOf<'assign'>): Place {
    const size = sizeOf(e.t, e.loc);
    const from = this.keepPlace(this.place(e.r), !this.purity.expr(e.l));
    const to = this.place(e.l);
    this.copy(to, from(), size);
    return to;
  }

  private assignWith(e: ExprOf<'opassign'>): Operand {
    const right = this.value(e.r);
    const isCut = !this.purity.expr(e.l);
    const kept = isCut && !isSettled(right) ? this.spill(right) : undefined;
    const place = this.place(e.l);
    const r = kept ? this.load(kept) : right;
    const before = this.load(place);
    let after: Operand;
    if (e.scale !== 0) after = this.pointerPlus(this.held(before), this.held(r), e.scale);
    else
      after = this.convert(
        this.arithmetic(e.op, this.convert(this.promotedField(before, place), e.calculated), r, e.calculated),
        e.t,
      );
    after = this.held({ ...after, t: e.t });
    this.store(place, after);
    return this.stored(place, after);
  }

  /** The value is the same whatever the field's own type is. */
  private promotedField(operand: Operand, _place: Place): Operand {
    return operand;
  }

  private increment(e: ExprOf<'incdec'>): Operand {
    const place = this.place(e.e);
    const before = this.held(this.load(place));
    const type = intOf(e.t);
    let after: Operand;
    if (type.bool) after = { t: e.t, l: e.by > 0 ? '1' : this.hold(`${before.l}^1`), h: '', p: before.p };
    else if (type.size === 8) {
      const [l, h] = this.plusConstant(before.l, before.h, e.by);
      after = { t: e.t, l, h, p: before.p };
    } else
      after = this.convert(
        { t: INT, l: this.hold(`(${before.l}+${literal(e.by)})|0`), h: '', p: before.p },
        e.t,
      );
    this.store(place, after);
    return e.post ? before : this.stored(place, after);
  }
}

/** Is a place named by one value only? An earlier one would have to be overwritten. */
const isOnlyOne = (init: Initialiser, offset: number): boolean =>
  init.values.length < 512 && init.values.filter((value) => value.offset === offset).length === 1;
