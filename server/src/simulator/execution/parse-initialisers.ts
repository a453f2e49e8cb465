/** Initialisers: designators, ranges, elided braces, strings → values at offsets. */
import type { Expr, Initialiser, InitialValue } from './ast.js';
import { constant, convert, value } from './build.js';
import { stringLiteral } from './literals.js';
import { AggregateParser } from './parse-aggregates.js';
import { CodeError, type Token } from './tokens.js';
import { CHAR, type CType, type Field, sameType, sizeOf } from './types.js';

interface Part {
  type: CType;
  offset: number;
  bit?: { at: number; width: number };
}

export abstract class InitialiserParser extends AggregateParser {
  private values: InitialValue[] = [];
  /** An expression that was read and found to belong to a part of what is being initialised. */
  private pending: Expr | undefined;

  /** @returns the values, and the type with the length that `[]` gets */
  protected initialiser(type: CType): { init: Initialiser; type: CType } {
    const saved = this.values;
    this.values = [];
    try {
      const whole = !this.is('{') && !(this.peek().kind === 'str' && type.k === 'array');
      let length = 0;
      if (this.is('{') && !this.isStringInBraces(type)) length = this.list({ type, offset: 0 });
      else length = this.element({ type, offset: 0 });
      const isOpen = type.k === 'array' && type.length === undefined;
      return {
        init: { values: this.values, whole },
        type: isOpen ? { ...type, length } : type,
      };
    } finally {
      this.values = saved;
    }
  }

  /** `char s[] = { "x" }` */
  private isStringInBraces(type: CType): boolean {
    return (
      type.k === 'array' &&
      sizeOfChar(type.of) &&
      this.peek(1).kind === 'str' &&
      (this.is('}', 2) || this.is(',', 2))
    );
  }

  private expressionOfElement(): Expr {
    const { pending } = this;
    this.pending = undefined;
    return pending ?? this.orError(() => this.assignmentExpression(), ',', '}', ';', ')');
  }

  /** Reads what initialises a part; gives an array's number of elements. */
  private element(part: Part): number {
    const { type } = part;
    if (!this.pending && this.is('{')) {
      if (this.isStringInBraces(type)) {
        this.next();
        const length = this.element(part);
        this.accept(',');
        this.expect('}');
        return length;
      }
      return this.list(part);
    }
    if (type.k === 'array' && sizeOfChar(type.of) && !this.pending && this.peek().kind === 'str')
      return this.string(part);
    const e = this.expressionOfElement();
    if (e.k === 'error') {
      this.values.push({ ...part, value: e });
      return 0;
    }
    if ((type.k === 'agg' && !(e.t.k === 'agg' && sameType(e.t, type))) || type.k === 'array') {
      // A compound literal of the same array type initialises an array as a whole.
      if (type.k === 'array' && e.k === 'literal' && e.t.k === 'array' && sameType(type, e.t)) {
        this.values.push({ ...part, type: e.t, value: e });
        return e.t.length ?? 0;
      }
      this.pending = e;
      return this.elided(part);
    }
    const converted = type.k === 'agg' ? value(e) : convert(e, type);
    this.values.push({ ...part, value: converted });
    return 0;
  }

  private string(part: Part): number {
    const tokens: Token[] = [];
    while (this.peek().kind === 'str') tokens.push(this.next());
    const { bytes, loc } = stringLiteral(tokens);
    const { type } = part;
    if (type.k !== 'array') throw new CodeError(loc, 'a string for something that is no array');
    const length = type.length ?? bytes.length;
    // The bytes behind the string are zero already.
    bytes.slice(0, length).forEach((byte, index) => {
      this.values.push({
        offset: part.offset + index,
        type: type.of,
        value: constant(BigInt.asIntN(8, BigInt(byte)), CHAR, loc),
      });
    });
    return length;
  }

  /** The parts of an object in order. */
  private partsOf({ type, offset }: Part): { count: number; part(index: number): Part } {
    if (type.k === 'array') {
      const size = sizeOf(type.of, this.loc);
      return {
        count: type.length ?? Number.POSITIVE_INFINITY,
        part: (index) => ({ type: type.of, offset: offset + index * size }),
      };
    }
    if (type.k !== 'agg') return { count: 1, part: () => ({ type, offset }) };
    const { fields, kind } = type.aggregate.complete(this.loc);
    const count = kind === 'union' ? Math.min(1, fields.length) : fields.length;
    return { count, part: (index) => partOf(fields[index]!, offset) };
  }

  /** Parts without braces of their own, up to the end of the object or of the list around. */
  private elided(whole: Part): number {
    const { count, part } = this.partsOf(whole);
    if (count === 0) throw new CodeError(this.loc, 'an initialiser for an empty object');
    for (let index = 0; index < count; index++) {
      this.element(part(index));
      const goesOn = this.is(',') && !this.is('}', 1) && !this.is('.', 1) && !this.is('[', 1);
      if (index + 1 >= count || !goesOn) return index + 1;
      this.next();
    }
    return count;
  }

  /** `{ … }`; gives the number of elements that an array gets by it. */
  private list(whole: Part): number {
    this.expect('{');
    const { count, part } = this.partsOf(whole);
    let index = 0;
    let most = 0;
    while (!this.accept('}')) {
      if (
        this.is('[') ||
        (this.is('.') && this.peek(1).kind === 'id') ||
        (this.peek().kind === 'id' && this.is(':', 1) && whole.type.k === 'agg')
      )
        index = this.designated(whole) + 1;
      else if (index < count) this.element(part(index++));
      else throw new CodeError(this.loc, 'more initialisers than members');
      most = Math.max(most, index);
      if (!this.accept(',')) {
        this.expect('}');
        break;
      }
    }
    return most;
  }

  /** `.a.b[2] = value`; gives the index of the part of `whole` that was last. */
  private designated(whole: Part): number {
    const first = this.at;
    let last = 0;
    const range = this.rangeHere();
    const from = range?.from ?? 0;
    const to = range?.to ?? 0;
    for (let index = from; index <= to; index++) {
      this.at = first;
      let current = whole;
      let level = 0;
      while (this.is('.') || this.is('[') || (level === 0 && this.is(':', 1))) {
        if (this.accept('[')) {
          const low = Number(this.constant('an array index'));
          const high = this.accept('...') ? Number(this.constant('an array index')) : low;
          this.expect(']');
          if (current.type.k !== 'array')
            throw new CodeError(this.loc, 'an index into something that is no array');
          if (level > 0 && high !== low) throw new CodeError(this.loc, 'a nested range of indices');
          const at = level === 0 ? index : low;
          if (level === 0) last = at;
          current = {
            type: current.type.of,
            offset: current.offset + at * sizeOf(current.type.of, this.loc),
          };
        } else {
          this.accept('.');
          const { text, loc } = this.name();
          if (current.type.k !== 'agg') throw new CodeError(loc, `member ${text} of something that has none`);
          const { aggregate } = current.type;
          const field = aggregate.field(text, loc);
          if (!field) throw new CodeError(loc, `${aggregate.name} has no member ${text}`);
          if (level === 0) last = indexOf(aggregate.fields, field);
          current = partOf(field, current.offset);
          if (this.is(':')) break;
        }
        level++;
      }
      if (!this.accept('=')) this.accept(':');
      this.element(current);
    }
    return last;
  }

  private rangeHere(): { from: number; to: number } | undefined {
    if (!this.is('[')) return undefined;
    this.next();
    const from = Number(this.constant('an array index'));
    const to = this.accept('...') ? Number(this.constant('an array index')) : from;
    return { from, to };
  }
}

const sizeOfChar = (type: CType): boolean => type.k === 'int' && type.size === 1 && !type.bool;

const partOf = ({ type, offset, bit }: Field, base: number): Part => ({
  type,
  offset: base + offset,
  ...(bit && { bit }),
});

/** The field itself, or the anonymous one that holds it. */
function indexOf(fields: readonly Field[], field: Field): number {
  const own = fields.findIndex(({ name }) => name === field.name);
  if (own >= 0) return own;
  return fields.findIndex(({ type, offset, name }) => {
    if (name !== '' || type.k !== 'agg') return false;
    return offset <= field.offset && field.offset < offset + Math.max(1, type.aggregate.size);
  });
}
