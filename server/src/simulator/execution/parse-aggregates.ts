/** Structs, unions and enums. */
import { type Attributes, TypeParser } from './parse-types.js';
import { CodeError, type Loc } from './tokens.js';
import {
  Aggregate,
  type AggregateType,
  type CType,
  type EnumType,
  INT,
  type IntType,
  LONG,
  type Member,
  SCHAR,
  SHORT,
  UCHAR,
  UINT,
  ULONG,
  USHORT,
  wrap,
} from './types.js';

export abstract class AggregateParser extends TypeParser {
  protected aggregate(): AggregateType {
    const kind = this.next().text as 'struct' | 'union';
    const { loc } = this;
    const attributes = this.noAttributes();
    this.attributes(attributes);
    const tag = this.peek().kind === 'id' && !this.is('{') ? this.next().text : '';
    this.attributes(attributes);
    if (!this.is('{')) {
      if (tag === '') throw this.unexpected('a tag');
      return this.referredAggregate(kind, tag, loc);
    }
    const aggregate = this.definedAggregate(kind, tag, loc);
    const type: AggregateType = { k: 'agg', aggregate };
    if (tag !== '') this.scope.tags.set(`${kind} ${tag}`, type);
    const from = this.at;
    this.group();
    this.attributes(attributes);
    const behind = this.at;
    const { scope } = this;
    const read = () => {
      const [savedAt, savedScope] = [this.at, this.scope];
      this.at = from;
      this.scope = scope;
      try {
        const members = this.members();
        return { members, packed: attributes.packed, ...(attributes.align && { align: attributes.align }) };
      } finally {
        this.at = savedAt;
        this.scope = savedScope;
      }
    };
    aggregate.setDefinition(read);
    // Inside of a function names may change their meaning later on.
    if (!this.isFileLevel) aggregate.complete(loc);
    this.at = behind;
    return type;
  }

  private definedAggregate(kind: 'struct' | 'union', tag: string, loc: Loc): Aggregate {
    const declared = this.scope.tags.get(`${kind} ${tag}`);
    if (tag !== '' && declared?.k === 'agg') return declared.aggregate;
    if (this.isFileLevel) return this.definitions.aggregate(kind, tag, loc);
    return new Aggregate(kind, tag, undefined, loc);
  }

  private referredAggregate(kind: 'struct' | 'union', tag: string, loc: Loc): AggregateType {
    const key = `${kind} ${tag}`;
    const isForwardDeclaration = this.is(';') && !this.isFileLevel;
    const known = isForwardDeclaration ? this.scope.tags.get(key) : this.scope.findTag(key);
    if (known?.k === 'agg') return known;
    if (isForwardDeclaration) {
      const own: AggregateType = { k: 'agg', aggregate: new Aggregate(kind, tag, undefined, loc) };
      this.scope.tags.set(key, own);
      return own;
    }
    const found = this.names.tagged(kind, tag);
    if (found?.k !== 'agg') throw new CodeError(loc, `${key} is no ${kind}`);
    return found;
  }

  private members(): Member[] {
    this.expect('{');
    const members: Member[] = [];
    while (!this.accept('}')) {
      if (this.accept(';')) continue;
      if (this.staticAssertion()) continue;
      const { type, attributes: own } = this.specifiers();
      if (this.accept(';')) {
        if (type.k === 'agg') members.push({ name: '', type, ...memberAttributes(own, this.noAttributes()) });
        continue;
      }
      do {
        if (this.accept(':')) {
          members.push({ name: '', type, width: Number(this.constant('the width of a bit-field')) });
          continue;
        }
        const { name, type: declared, attributes } = this.declarator(type);
        const member: Member = { name, type: declared };
        if (this.accept(':')) member.width = Number(this.constant('the width of a bit-field'));
        this.attributes(attributes);
        members.push({ ...member, ...memberAttributes(own, attributes) });
      } while (this.accept(','));
      this.expect(';');
    }
    return members;
  }

  /** `_Static_assert(…)`: what it says can only be wrong of our reading, and then it tells so. */
  protected staticAssertion(): boolean {
    if (!this.is('_Static_assert') && !this.is('static_assert')) return false;
    const { loc } = this.next();
    this.expect('(');
    const e = this.assignmentExpression();
    this.skipTo(')');
    this.expect(')');
    this.accept(';');
    if (e.k === 'const' && e.v === 0n) throw new CodeError(loc, 'a static assertion does not hold');
    return true;
  }

  protected enumeration(): EnumType {
    this.next();
    const { loc } = this;
    const attributes = this.noAttributes();
    this.attributes(attributes);
    const tag = this.peek().kind === 'id' ? this.next().text : '';
    this.attributes(attributes);
    if (!this.is('{')) {
      const found = this.scope.findTag(`enum ${tag}`) ?? this.names.tagged('enum', tag);
      if (found?.k !== 'enum') throw new CodeError(loc, `enum ${tag} is no enum`);
      return found;
    }
    const declared = this.scope.tags.get(`enum ${tag}`);
    const type: EnumType =
      tag !== '' && declared?.k === 'enum' ? declared : { k: 'enum', tag, underlying: undefined };
    if (tag !== '') {
      this.scope.tags.set(`enum ${tag}`, type);
      if (this.isFileLevel) this.definitions.enumeration(tag, type);
    }
    this.enumerators(type, attributes);
    return type;
  }

  private enumerators(type: EnumType, attributes: Attributes): void {
    this.expect('{');
    const values: { name: string; v: bigint }[] = [];
    let next = 0n;
    while (!this.accept('}')) {
      const { text } = this.name();
      this.attributes(this.noAttributes());
      if (this.accept('=')) next = this.constant(`the value of ${text}`);
      values.push({ name: text, v: next });
      // Later ones may be computed from it.
      this.declareConstant(text, next, INT);
      next++;
      if (!this.accept(',')) {
        this.expect('}');
        break;
      }
    }
    this.attributes(attributes);
    const low = values.reduce((least, { v }) => (v < least ? v : least), 0n);
    const high = values.reduce((most, { v }) => (v > most ? v : most), 0n);
    const fits = (t: IntType) => wrap(t, low) === low && wrap(t, high) === high;
    const choice = attributes.packed
      ? [UCHAR, SCHAR, USHORT, SHORT, UINT, INT, ULONG, LONG]
      : [UINT, INT, ULONG, LONG];
    type.underlying = choice.find(fits) ?? ULONG;
    // gcc before C23: a constant that fits int is an int, whatever its enum is.
    for (const { name, v } of values)
      this.declareConstant(name, v, wrap(INT, v) === v ? INT : type.underlying);
  }

  private declareConstant(name: string, v: bigint, t: CType): void {
    if (this.isFileLevel) this.definitions.constant(name, v, t);
    else this.scope.names.set(name, { k: 'constant', v, t });
  }
}

function memberAttributes(a: Attributes, b: Attributes): { align?: number; packed?: boolean } {
  const align = Math.max(a.align ?? 0, b.align ?? 0);
  return { ...(align > 0 && { align }), ...((a.packed || b.packed) && { packed: true }) };
}
