/** Operators on operands. */
import type { ArithmeticOperator, ComparisonOperator } from './ast.js';
import { Emitter, intOf, isLiteral, literal, type Operand } from './emitter.js';
import type { CType } from './types.js';

const literalValue = (text: string): number => Number(text.replace(/[()]/g, ''));

export class ArithmeticEmitter extends Emitter {
  /** `l op r`; both have type `t`, a shift's `r` has its own. */
  arithmetic(op: ArithmeticOperator, left: Operand, right: Operand, t: CType): Operand {
    const p = this.either(left.p, right.p);
    const type = intOf(t);
    if (op === '<<' || op === '>>') return this.shift(op, left, right, t, p);
    return type.size === 8 ? this.wide(op, left, right, t, p) : this.narrow(op, left, right, t, p);
  }

  private narrow(op: ArithmeticOperator, left: Operand, right: Operand, t: CType, p: string): Operand {
    const { l: a } = left;
    const { l: b } = right;
    const { signed } = intOf(t);
    let text: string;
    if (op === '*') text = `Math.imul(${a},${b})`;
    else if (op === '/' || op === '%') {
      text = `X.${op === '/' ? 'divide32' : 'remainder32'}(${a},${b},${signed})`;
      if (p !== '') text = `(${p}?0:${text})`;
    } else if (op === '+' || op === '-') text = `(${a}${op}${b})|0`;
    else text = `${a}${op}${b}`;
    return { t, l: this.hold(text), h: '', p };
  }

  private wide(op: ArithmeticOperator, left: Operand, right: Operand, t: CType, p: string): Operand {
    const a = this.held(left);
    const b = this.held(right);
    switch (op) {
      case '+': {
        const l = this.hold(`(${a.l}+${b.l})|0`);
        return { t, l, h: this.hold(`(${a.h}+${b.h}+(${l}>>>0<${a.l}>>>0?1:0))|0`), p };
      }
      case '-': {
        const l = this.hold(`(${a.l}-${b.l})|0`);
        return { t, l, h: this.hold(`(${a.h}-${b.h}-(${a.l}>>>0<${b.l}>>>0?1:0))|0`), p };
      }
      case '*':
        return this.helped(`X.multiply(${a.l},${a.h},${b.l},${b.h})`, t, p);
      case '/':
      case '%': {
        const call = `X.${op === '/' ? 'divide' : 'remainder'}(${a.l},${a.h},${b.l},${b.h},${intOf(t).signed})`;
        return this.helped(p === '' ? call : `(${p}?0:${call})`, t, p);
      }
      default:
        return { t, l: this.hold(`${a.l}${op}${b.l}`), h: this.hold(`${a.h}${op}${b.h}`), p };
    }
  }

  private helped(call: string, t: CType, p: string): Operand {
    const l = this.fresh();
    const h = this.fresh();
    this.emit(`const ${l}=${call},${h}=H[0];`);
    return { t, l, h, p };
  }

  private shift(op: '<<' | '>>', left: Operand, right: Operand, t: CType, p: string): Operand {
    const { size, signed } = intOf(t);
    const bits = size * 8;
    const isConstant = isLiteral(right.l) && (right.h === '' || right.h === '0');
    const n = literalValue(right.l);
    if (isConstant && n >= 0 && n < bits)
      return size === 8 ? this.wideBy(op, left, n, t, p) : this.narrowBy(op, left, `${n}`, t, p);
    const by = this.hold(
      `X.distance(${right.l},${right.h || (intOf(right.t).signed ? `${right.l}>>31` : '0')},${bits})`,
    );
    if (size < 8) return this.narrowBy(op, left, by, t, p);
    if (op === '<<') return this.helped(`X.shiftLeft(${left.l},${left.h},${by})`, t, p);
    return this.helped(`X.shiftRight(${left.l},${left.h},${by},${signed})`, t, p);
  }

  private narrowBy(op: '<<' | '>>', { l }: Operand, by: string, t: CType, p: string): Operand {
    const text = op === '<<' ? `${l}<<${by}` : intOf(t).signed ? `${l}>>${by}` : `(${l}>>>${by})|0`;
    return { t, l: this.hold(text), h: '', p };
  }

  private wideBy(op: '<<' | '>>', left: Operand, n: number, t: CType, p: string): Operand {
    const { l, h } = this.held(left);
    if (n === 0) return { t, l, h, p };
    if (op === '<<') {
      if (n >= 32) return { t, l: '0', h: this.hold(`${l}<<${n - 32}`), p };
      return { t, l: this.hold(`${l}<<${n}`), h: this.hold(`(${h}<<${n})|(${l}>>>${32 - n})`), p };
    }
    const { signed } = intOf(t);
    if (n >= 32)
      return {
        t,
        l: this.hold(signed ? `${h}>>${n - 32}` : `(${h}>>>${n - 32})|0`),
        h: signed ? this.hold(`${h}>>31`) : '0',
        p,
      };
    return {
      t,
      l: this.hold(`(${l}>>>${n})|(${h}<<${32 - n})`),
      h: this.hold(signed ? `${h}>>${n}` : `(${h}>>>${n})|0`),
      p,
    };
  }

  negate(k: 'neg' | 'not', operand: Operand): Operand {
    const { t, l, h, p } = this.held(operand);
    if (k === 'not') return { t, l: this.hold(`~${l}`), h: h === '' ? '' : this.hold(`~${h}`), p };
    if (h === '') return { t, l: this.hold(`(0-${l})|0`), h: '', p };
    return { t, l: this.hold(`(0-${l})|0`), h: this.hold(`(0-${h}-(${l}!==0?1:0))|0`), p };
  }

  /** A JavaScript condition; both operands have the same type. */
  comparison(op: ComparisonOperator, left: Operand, right: Operand): string {
    const { signed, size } = intOf(left.t);
    if (size < 8) {
      if (op === '==' || op === '!=') return `${left.l}${op}=${right.l}`;
      return signed ? `${left.l}${op}${right.l}` : `${left.l}>>>0${op}${right.l}>>>0`;
    }
    const a = this.held(left);
    const b = this.held(right);
    if (op === '==') return `(${a.l}===${b.l}&&${a.h}===${b.h})`;
    if (op === '!=') return `(${a.l}!==${b.l}||${a.h}!==${b.h})`;
    const strict = op[0]!;
    const upper = signed ? `${a.h}${strict}${b.h}` : `${a.h}>>>0${strict}${b.h}>>>0`;
    return `(${upper}||(${a.h}===${b.h}&&${a.l}>>>0${op}${b.l}>>>0))`;
  }

  /** A pointer and an index times a scale in bytes. */
  pointerPlus(pointer: Operand, index: Operand, scale: number): Operand {
    const p = this.either(pointer.p, index.p);
    const t = index.t;
    const power = Math.log2(Math.abs(scale));
    let by = Number.isInteger(power)
      ? this.wideBy('<<', index, power, t, '')
      : this.wide('*', index, { t, l: literal(Math.abs(scale)), h: '0', p: '' }, t, '');
    if (scale === 0) by = { t, l: '0', h: '0', p: '' };
    return this.wide(scale < 0 ? '-' : '+', pointer, by, pointer.t, p);
  }
}
