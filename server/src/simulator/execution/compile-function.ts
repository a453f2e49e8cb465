/** A function's statements → a JavaScript function with one `case` for each place where a thread can stop or go on. */
import type { Expr, Local, Stmt } from './ast.js';
import { constantValue } from './build.js';
import { ExpressionCompiler } from './compile-expressions.js';
import type { CompileHost } from './compile-host.js';
import { intOf, type Operand, type Place } from './emitter.js';
import { SPACE } from './memory.js';
import { hasLabel } from './purity.js';
import type { FunctionBody, FunctionSymbol } from './symbols.js';
import { CodeError, type Loc } from './tokens.js';
import { type CType, pointerTo, sizeOf, VOID } from './types.js';

export interface CompiledParameter {
  offset: number;
  size: number;
  isAggregate: boolean;
  type: CType;
}

export interface VisibleLocal {
  local: Local;
  /** Positions in `order` from which and up to which it is in scope. */
  from: number;
  to: number;
}

export interface CompiledFunction {
  symbol: FunctionSymbol;
  /** Body of a JavaScript function of V: gives `run(T, F)`, which returns 0 at the end of its steps, 1 after a call or return. */
  code: string;
  constants: unknown[];
  /** Bytes. */
  frameSize: number;
  parameters: CompiledParameter[];
  /** State of each byte of a new frame, by fours. */
  states: Int32Array;
  locals: VisibleLocal[];
  /** Place of each case; where steps begin. */
  places: Loc[];
  boundaries: ReadonlySet<number>;
  /** Case → its position in the code. */
  position: Int32Array;
  variadic: boolean;
  returns: CType;
}

const sameLoc = (a: Loc | undefined, b: Loc): boolean =>
  a !== undefined && a.line === b.line && a.column === b.column && a.file === b.file;

interface Jumps {
  /** `break` and `continue`, with the cleanups in force there. */
  break?: number;
  continue?: number;
  depth: number;
}

export class FunctionCompiler extends ExpressionCompiler {
  private lastLoc: Loc | undefined;
  private readonly locals: VisibleLocal[] = [];
  private readonly extents: { offset: number; size: number; spill: boolean }[] = [];
  /** Variables in scope that have a cleanup, outermost first. */
  private cleanups: Local[] = [];
  private readonly jumps: Jumps[] = [];
  private readonly labels = new Map<string, { pc: number; cleanups: readonly Local[] }>();
  private readonly caseOf = new Map<Stmt, number>();

  constructor(
    host: CompileHost,
    private readonly symbol: FunctionSymbol,
  ) {
    super(host);
  }

  compile({ parameters, body, end }: FunctionBody): CompiledFunction {
    const { symbol } = this;
    this.newCase(symbol.loc);
    this.emit('switch(pc){case -1:{');
    this.startCase(0);
    const passed = parameters.map((local): CompiledParameter => {
      const offset = this.localOffset(local);
      const { type } = local;
      const size = sizeOf(type, local.loc);
      return { offset, size, isAggregate: type.k === 'agg', type };
    });
    this.findLabels(body, []);
    this.block(body, end);
    this.boundary(end);
    this.leave();
    this.emit('}}');
    const frameSize = Math.ceil((this.frameSize + 8) / 16) * 16;
    const position = new Int32Array(this.places.length).fill(-1);
    this.order.forEach((pc, index) => {
      position[pc] = index;
    });
    return {
      symbol,
      code: this.wrapped(),
      constants: this.constants,
      frameSize,
      parameters: passed,
      states: this.states(frameSize),
      locals: this.locals,
      places: this.places,
      boundaries: this.boundaries,
      position,
      variadic: symbol.type.variadic,
      returns: symbol.type.returns,
    };
  }

  private wrapped(): string {
    return [
      'const M=V.memory,m8=M.m8,i8=M.i8,m16=M.m16,i16=M.i16,m32=M.m32,s8=M.s8,s16=M.s16,s32=M.s32,D=M.dirty,Z=M.result;',
      'const R=V.returned,A=V.passed,X=V.arithmetic,H=X.high;',
      'return function run(T,F){const fp=F.fp;let pc=F.pc;L:for(;;){',
      ...this.lines,
      '}};',
    ].join('\n');
  }

  /** What isn't a variable or a spilled value is nothing: running over an array's end is noticed. */
  private states(frameSize: number): Int32Array {
    const states = new Uint8Array(frameSize);
    for (const { offset, size } of this.extents) states.fill(1, offset, offset + size);
    return new Int32Array(states.buffer);
  }

  override allocate(size: number, align: number): number {
    const offset = super.allocate(size, align);
    // Gaps are allocated with alignment 1.
    if (align > 1) this.extents.push({ offset, size, spill: true });
    return offset;
  }

  protected override onLocal(local: Local, size: number): void {
    if (local.type.k === 'agg' || local.type.k === 'array')
      this.extents.push({ offset: local.offset, size, spill: false });
    this.locals.push({ local, from: this.order.length - 1, to: Number.POSITIVE_INFINITY });
  }

  // ---- steps

  /** A thread can stop here: a step begins. */
  private boundary(loc: Loc, force = false): void {
    if (!force && sameLoc(this.lastLoc, loc)) return;
    const pc = this.newCase(loc);
    this.startCase(pc);
    this.lastLoc = loc;
    this.boundaries.add(pc);
    this.emit(`F.pc=${pc};if(V.budget--<=0){V.budget=0;return 0}C[${pc}]=1;`);
  }

  private leave(): void {
    this.emit('V.leave(T,F);return 1;');
  }

  // ---- scopes

  private block(body: readonly Stmt[], end: Loc): void {
    const cleanups = this.cleanups;
    const first = this.locals.length;
    for (const statement of body) this.statement(statement);
    this.cleanUp(cleanups.length, end);
    this.cleanups = cleanups;
    const to = this.order.length;
    for (const visible of this.locals.slice(first)) visible.to = Math.min(visible.to, to);
  }

  /** Calls the cleanups of the variables declared since there were `depth` of them. */
  private cleanUp(depth: number, loc: Loc): void {
    for (let i = this.cleanups.length - 1; i >= depth; i--) this.cleanUpOne(this.cleanups[i]!, loc);
  }

  private cleanUpOne(local: Local, loc: Loc): void {
    const f = local.cleanup!;
    const fn = f.t.k === 'fn' ? f.t : undefined;
    if (!fn) throw new CodeError(local.loc, 'a cleanup that is no function');
    const t = pointerTo(local.type);
    const arg: Expr = { k: 'addr', e: { k: 'local', local, t: local.type, loc }, t, loc };
    this.effect({
      k: 'call',
      f: { k: 'addr', e: f, t: pointerTo(f.t), loc },
      args: [arg],
      type: fn,
      t: fn.returns,
      loc,
    });
    this.lastLoc = undefined;
  }

  /** Where each label is, and what is to be cleaned up there. */
  private findLabels(body: readonly Stmt[], around: readonly Local[]): void {
    let inForce = around;
    for (const s of body) {
      switch (s.k) {
        case 'decl':
          if (s.local.cleanup) inForce = [...inForce, s.local];
          break;
        case 'label':
          this.labels.set(s.name, { pc: this.newCase(s.loc), cleanups: inForce });
          break;
        case 'block':
          this.findLabels(s.body, inForce);
          break;
        case 'if':
          this.findLabels(s.e ? [s.t, s.e] : [s.t], inForce);
          break;
        case 'while':
        case 'do':
        case 'switch':
          this.findLabels([s.body], inForce);
          break;
        case 'for':
          this.findLabels([...s.init, s.body], inForce);
          break;
        default:
      }
    }
  }

  // ---- statements

  private statement(s: Stmt): void {
    switch (s.k) {
      case 'expr':
        this.boundary(s.loc);
        this.effect(s.e);
        return;
      case 'decl':
        return this.declaration(s);
      case 'block':
        return this.block(s.body, s.end);
      case 'if':
        return this.ifElse(s);
      case 'while':
        return this.whileLoop(s);
      case 'do':
        return this.doLoop(s);
      case 'for':
        return this.forLoop(s);
      case 'switch':
        return this.switched(s);
      case 'case':
      case 'default': {
        const pc = this.caseOf.get(s);
        if (pc === undefined) throw new CodeError(s.loc, `${s.k} outside of a switch`);
        this.startCase(pc);
        this.lastLoc = undefined;
        return;
      }
      case 'label':
        this.startCase(this.labels.get(s.name)!.pc);
        this.lastLoc = undefined;
        return;
      case 'goto': {
        const label = this.labels.get(s.name);
        if (!label) throw new CodeError(s.loc, `no label ${s.name}`);
        this.boundary(s.loc, true);
        const kept = this.cleanups.findIndex((local) => !label.cleanups.includes(local));
        this.cleanUp(kept < 0 ? this.cleanups.length : kept, s.loc);
        this.jump(label.pc);
        this.lastLoc = undefined;
        return;
      }
      case 'break':
      case 'continue': {
        const { k } = s;
        const jumps = this.jumps.findLast((one) => one[k] !== undefined);
        if (!jumps) throw new CodeError(s.loc, `${k} outside of a loop`);
        this.boundary(s.loc);
        this.cleanUp(jumps.depth, s.loc);
        this.jump(jumps[k]!);
        this.lastLoc = undefined;
        return;
      }
      case 'return':
        return this.returned(s);
      case 'empty':
        return;
    }
  }

  private declaration(s: Stmt & { k: 'decl' }): void {
    const { local, init } = s;
    if (init || local.cleanup) this.boundary(s.loc);
    const offset = this.localOffset(local);
    const place: Place = { k: 'frame', offset, t: local.type };
    if (!init) this.uninitialised(place, s.loc);
    else this.initialise(place, init, local.type, s.loc);
    if (local.cleanup) this.cleanups = [...this.cleanups, local];
  }

  /** A variable of a loop's body has no value again each time. */
  private uninitialised(place: Place, loc: Loc): void {
    if (place.k !== 'frame') return;
    const size = sizeOf(place.t, loc);
    if (size === 4) this.emit(`s32[fp+${place.offset}>>2]=0x01010101;`);
    else if (size === 8)
      this.emit(`s32[fp+${place.offset}>>2]=0x01010101;s32[fp+${place.offset + 4}>>2]=0x01010101;`);
    else this.emit(`s8.fill(1,fp+${place.offset},fp+${place.offset + size});`);
  }

  private returned(s: Stmt & { k: 'return' }): void {
    this.boundary(s.loc);
    const { returns } = this.symbol.type;
    if (!s.e || returns.k === 'void') {
      if (s.e) this.effect(s.e);
      this.cleanUp(0, s.loc);
      this.leave();
    } else if (returns.k === 'agg') {
      const place = this.place(s.e);
      this.emit(`M.copy(F.into,${SPACE},${this.addressText(place)},${sizeOf(returns, s.loc)});`);
      this.cleanUp(0, s.loc);
      this.leave();
    } else {
      let operand = this.value(s.e);
      if (this.cleanups.length > 0) {
        const kept = this.spill(operand);
        this.cleanUp(0, s.loc);
        operand = this.load(kept);
      }
      const { l, h, p, t } = operand;
      this.emit(`R[0]=${l};R[1]=${h !== '' ? h : intOf(t).signed ? `${l}>>31` : '0'};R[2]=${p || '0'};`);
      this.leave();
    }
    this.lastLoc = undefined;
  }

  private addressText(place: Place): string {
    const { l, h } = this.addressOf(place, VOID);
    return `${l},${h}`;
  }

  private ifElse(s: Stmt & { k: 'if' }): void {
    const fixed = constantValue(s.c);
    if (fixed !== undefined) {
      // Only what can be reached is compiled: the other branch may name what this configuration hasn't got.
      if (fixed !== 0n && (!s.e || !hasLabel(s.e))) return this.statement(s.t);
      if (fixed === 0n && !hasLabel(s.t)) {
        if (s.e) this.statement(s.e);
        return;
      }
    }
    this.boundary(s.loc);
    const no = this.newCase(s.loc);
    this.jumpOn(s.c, no, false);
    this.statement(s.t);
    if (!s.e) {
      this.startCase(no);
      return;
    }
    const end = this.newCase(s.loc);
    this.jump(end);
    this.startCase(no);
    this.lastLoc = undefined;
    this.statement(s.e);
    this.startCase(end);
  }

  private body(s: Stmt, jumps: Omit<Jumps, 'depth'>): void {
    this.jumps.push({ ...jumps, depth: this.cleanups.length });
    this.statement(s);
    this.jumps.pop();
  }

  private whileLoop(s: Stmt & { k: 'while' }): void {
    const head = this.newCase(s.loc);
    const end = this.newCase(s.loc);
    this.startCase(head);
    this.boundary(s.loc, true);
    if (constantValue(s.c) === undefined) this.jumpOn(s.c, end, false);
    else if (constantValue(s.c) === 0n) {
      if (!hasLabel(s.body)) {
        this.startCase(end);
        return;
      }
      this.jump(end);
      this.startCase(this.newCase(s.loc));
    }
    this.body(s.body, { break: end, continue: head });
    this.jump(head);
    this.startCase(end);
    this.lastLoc = undefined;
  }

  private doLoop(s: Stmt & { k: 'do' }): void {
    const fixed = constantValue(s.c);
    const head = this.newCase(s.loc);
    const test = this.newCase(s.loc);
    const end = this.newCase(s.loc);
    this.startCase(head);
    this.body(s.body, { break: end, continue: test });
    this.startCase(test);
    if (fixed === undefined || fixed !== 0n) {
      this.boundary(s.c.loc, true);
      if (fixed === undefined) this.jumpOn(s.c, head, true);
      else this.jump(head);
      this.lastLoc = undefined;
    }
    this.startCase(end);
  }

  private forLoop(s: Stmt & { k: 'for' }): void {
    const cleanups = this.cleanups;
    const first = this.locals.length;
    const head = this.newCase(s.loc);
    const step = this.newCase(s.loc);
    const end = this.newCase(s.loc);
    this.boundary(s.loc, true);
    for (const statement of s.init) {
      if (statement.k === 'expr') this.effect(statement.e);
      else {
        this.lastLoc = statement.loc;
        this.statement(statement);
      }
    }
    this.startCase(head);
    const isBounded = s.c !== null && constantValue(s.c) === undefined;
    if (isBounded) this.jumpOn(s.c!, end, false);
    else if (s.c && constantValue(s.c) === 0n) this.jump(end);
    this.lastLoc = undefined;
    this.body(s.body, { break: end, continue: step });
    this.startCase(step);
    this.boundary(s.loc, true);
    if (s.step) this.effect(s.step);
    this.jump(head);
    this.startCase(end);
    this.lastLoc = undefined;
    this.cleanUp(cleanups.length, s.loc);
    this.cleanups = cleanups;
    for (const visible of this.locals.slice(first)) visible.to = Math.min(visible.to, this.order.length);
  }

  private switched(s: Stmt & { k: 'switch' }): void {
    this.boundary(s.loc);
    const operand = this.held(this.value(s.e));
    this.decide(operand.p);
    const cases: Extract<Stmt, { k: 'case' }>[] = [];
    let fallback: Stmt | undefined;
    const collect = (inner: Stmt): void => {
      if (inner.k === 'case' || inner.k === 'default') {
        this.caseOf.set(inner, this.newCase(inner.loc));
        if (inner.k === 'case') cases.push(inner);
        else fallback = inner;
      } else if (inner.k === 'block') inner.body.forEach(collect);
      else if (inner.k === 'if') {
        collect(inner.t);
        if (inner.e) collect(inner.e);
      } else if (inner.k === 'while' || inner.k === 'do' || inner.k === 'for') collect(inner.body);
    };
    collect(s.body);
    const end = this.newCase(s.loc);
    for (const one of cases) {
      const target = this.caseOf.get(one)!;
      const { t } = operand;
      const lo = this.constant(one.lo, t);
      const text =
        one.lo === one.hi
          ? this.comparison('==', operand, lo)
          : `(${this.comparison('>=', operand, lo)})&&(${this.comparison('<=', operand, this.constant(one.hi, t))})`;
      this.emit(`if(${text}){pc=${target};continue L;}`);
    }
    this.jump(fallback ? this.caseOf.get(fallback)! : end);
    this.lastLoc = undefined;
    this.startCase(this.newCase(s.loc));
    this.body(s.body, { break: end });
    this.startCase(end);
    this.lastLoc = undefined;
  }

  // ---- statement expressions

  /** One that calls or jumps: its statements are cases like any other. */
  sequence(body: readonly Stmt[], last: Expr | null): Operand | Place | undefined {
    const { cleanups } = this;
    const first = this.locals.length;
    for (const statement of body) this.statement(statement);
    let result: Operand | Place | undefined;
    if (last) {
      if (last.t.k === 'agg') result = this.place(last);
      else if (last.t.k === 'void') this.effect(last);
      else result = this.value(last);
      if (this.cleanups.length > cleanups.length && result) {
        const kept: Place = 'k' in result ? result : this.spill(result);
        this.cleanUp(cleanups.length, last.loc);
        this.cleanups = cleanups;
        result = 'k' in result ? kept : this.load(kept);
      }
    }
    this.cleanUp(cleanups.length, last?.loc ?? this.symbol.loc);
    this.cleanups = cleanups;
    for (const visible of this.locals.slice(first)) visible.to = Math.min(visible.to, this.order.length);
    return result;
  }

  /** A statement without a call, jump or step of its own, inside of an expression. */
  structured(s: Stmt): void {
    switch (s.k) {
      case 'expr':
        this.effect(s.e);
        return;
      case 'decl': {
        const place: Place = { k: 'frame', offset: this.localOffset(s.local), t: s.local.type };
        if (s.init) this.initialise(place, s.init, s.local.type, s.loc);
        else this.uninitialised(place, s.loc);
        return;
      }
      case 'block':
        for (const inner of s.body) this.structured(inner);
        return;
      case 'do':
        this.structured(s.body);
        return;
      case 'if': {
        const fixed = constantValue(s.c);
        if (fixed !== undefined) {
          const taken = fixed !== 0n ? s.t : s.e;
          if (taken) this.structured(taken);
          return;
        }
        const { text, p } = this.test(s.c);
        this.decide(p);
        this.emit(`if(${text}){`);
        this.structured(s.t);
        if (s.e) {
          this.emit('}else{');
          this.structured(s.e);
        }
        this.emit('}');
        return;
      }
      default:
    }
  }

  // ---- watches

  /** Code that evaluates an expression in a frame of a compiled function: `run(F)` leaves the value in R. */
  compileWatch(e: Expr): { code: string; constants: unknown[] } {
    if (!this.purity.expr(e)) throw new CodeError(e.loc, 'an expression that calls functions');
    if (e.t.k === 'agg' || e.t.k === 'array') {
      const { l, h, p } = this.addressOf(this.place(e), VOID);
      this.emit(`R[0]=${l};R[1]=${h};R[2]=${p || '0'};`);
    } else if (e.t.k === 'fn') {
      const { l, h, p } = this.value({ k: 'addr', e, t: pointerTo(e.t), loc: e.loc });
      this.emit(`R[0]=${l};R[1]=${h};R[2]=${p || '0'};`);
    } else {
      const { l, h, p, t } = this.value(e);
      if (e.t.k !== 'void')
        this.emit(`R[0]=${l};R[1]=${h !== '' ? h : intOf(t).signed ? `${l}>>31` : '0'};R[2]=${p || '0'};`);
    }
    const code = [
      'const M=V.memory,m8=M.m8,i8=M.i8,m16=M.m16,i16=M.i16,m32=M.m32,s8=M.s8,s16=M.s16,s32=M.s32,D=M.dirty,Z=M.result;',
      'const R=V.returned,A=V.passed,X=V.arithmetic,H=X.high;',
      'return function run(F){const fp=F.fp;',
      ...this.lines,
      '};',
    ].join('\n');
    return { code, constants: this.constants };
  }
}
