/** Declarations: specifiers, declarators, structs, enums and attributes. */
import type { Expr } from './ast.js';
import { constantValue } from './build.js';
import { errorExpr, type FileNames, Scope, TokenReader } from './token-reader.js';
import { CodeError, type Loc, type Token } from './tokens.js';
import {
  type Aggregate,
  type AggregateType,
  alignOf,
  BOOL,
  CHAR,
  type CType,
  type EnumType,
  INT,
  type IntType,
  LLONG,
  LONG,
  pointerTo,
  SCHAR,
  SHORT,
  UCHAR,
  UINT,
  ULLONG,
  ULONG,
  USHORT,
  VOID,
} from './types.js';

export interface Attributes {
  packed: boolean;
  align?: number;
  cleanup?: Expr;
  /** From `mode(…)`: bytes. */
  mode?: number;
}

export interface Specifiers {
  type: CType;
  storage: 'typedef' | 'extern' | 'static' | undefined;
  inline: boolean;
  attributes: Attributes;
  /** `__auto_type`: the initialiser's type. */
  auto: boolean;
  loc: Loc;
}

/** Takes what is defined at file level. */
export interface FileDefinitions {
  /** The struct or union that is defined here with this tag, or none. */
  aggregate(kind: 'struct' | 'union', tag: string, loc: Loc): Aggregate;
  enumeration(tag: string, type: EnumType): void;
  constant(name: string, v: bigint, t: CType): void;
}

export interface Declarator {
  name: string;
  type: CType;
  loc: Loc;
  attributes: Attributes;
}

const QUALIFIERS = new Set(
  'const volatile restrict __const __const__ __volatile __volatile__ __restrict __restrict__ _Atomic __extension__ register auto _Noreturn __thread _Thread_local'.split(
    ' ',
  ),
);
const INLINE = new Set(['inline', '__inline', '__inline__']);
const TYPEOF = new Set(['typeof', '__typeof', '__typeof__', 'typeof_unqual', '__typeof_unqual__']);
const BASE_WORDS = new Set(
  'void char short int long signed unsigned __signed__ __signed _Bool float double __int128 _Complex'.split(
    ' ',
  ),
);
const ATTRIBUTE = new Set(['__attribute__', '__attribute']);
const ALIGNAS = new Set(['_Alignas', 'alignas']);

/** The specifier words in alphabetical order → type. */
const BASES: Readonly<Record<string, CType>> = {
  void: VOID,
  _Bool: BOOL,
  char: CHAR,
  'char signed': SCHAR,
  'char unsigned': UCHAR,
  short: SHORT,
  'int short': SHORT,
  'short signed': SHORT,
  'int short signed': SHORT,
  'short unsigned': USHORT,
  'int short unsigned': USHORT,
  int: INT,
  signed: INT,
  'int signed': INT,
  unsigned: UINT,
  'int unsigned': UINT,
  long: LONG,
  'int long': LONG,
  'long signed': LONG,
  'int long signed': LONG,
  'long unsigned': ULONG,
  'int long unsigned': ULONG,
  'long long': LLONG,
  'int long long': LLONG,
  'long long signed': LLONG,
  'int long long signed': LLONG,
  'long long unsigned': ULLONG,
  'int long long unsigned': ULLONG,
  float: { k: 'float', size: 4 },
  double: { k: 'float', size: 8 },
  'double long': { k: 'float', size: 16 },
};

const withModeSize = (type: CType, bytes: number): CType => {
  if (type.k !== 'int') return type;
  const all: IntType[] = [SCHAR, UCHAR, SHORT, USHORT, INT, UINT, LONG, ULONG];
  return all.find(({ size, signed }) => size === bytes && signed === type.signed) ?? type;
};

const MODES: Readonly<Record<string, number>> = { QI: 1, byte: 1, HI: 2, SI: 4, DI: 8, word: 8, pointer: 8 };

export abstract class TypeParser extends TokenReader {
  protected scope: Scope = new Scope(undefined);

  constructor(
    tokens: readonly Token[],
    endLoc: Loc,
    protected readonly names: FileNames,
    protected readonly definitions: FileDefinitions,
  ) {
    super(tokens, endLoc);
  }

  abstract assignmentExpression(): Expr;
  protected abstract aggregate(): AggregateType;
  protected abstract enumeration(): EnumType;
  abstract expression(): Expr;

  protected get isFileLevel(): boolean {
    return this.scope.parent === undefined;
  }

  /** Does a declaration or type name begin here? */
  protected startsType(ahead = 0): boolean {
    const token = this.peek(ahead);
    if (token.kind !== 'id') return false;
    const { text } = token;
    if (
      BASE_WORDS.has(text) ||
      QUALIFIERS.has(text) ||
      TYPEOF.has(text) ||
      INLINE.has(text) ||
      ATTRIBUTE.has(text) ||
      ALIGNAS.has(text) ||
      /^(struct|union|enum|typedef|extern|static|__auto_type|__builtin_va_list)$/.test(text)
    )
      return true;
    return this.typedefHere(text) !== undefined;
  }

  private typedefHere(name: string): CType | undefined {
    const meaning = this.scope.find(name);
    if (meaning) return meaning.k === 'type' ? meaning.type : undefined;
    return this.names.typedefNamed(name);
  }

  protected noAttributes(): Attributes {
    return { packed: false };
  }

  /** Takes all attributes here. */
  protected attributes(into: Attributes): void {
    for (;;) {
      if (ATTRIBUTE.has(this.peek().text)) {
        this.next();
        this.expect('(');
        this.expect('(');
        while (!this.is(')')) {
          if (this.accept(',')) continue;
          this.attribute(into);
        }
        this.expect(')');
        this.expect(')');
      } else if (ALIGNAS.has(this.peek().text)) {
        this.next();
        this.expect('(');
        const align = this.startsType()
          ? alignOf(this.typeName(), this.loc)
          : Number(this.constant('an alignment'));
        into.align = Math.max(into.align ?? 1, align);
        this.expect(')');
      } else if (this.is('__asm__') || this.is('asm') || this.is('__asm')) {
        if (!this.is('(', 1)) return;
        this.next();
        this.group();
      } else return;
    }
  }

  private attribute(into: Attributes): void {
    const { text } = this.name();
    const word = text.replace(/^__(.*)__$/, '$1');
    const hasArguments = this.is('(');
    if (word === 'packed') into.packed = true;
    else if (word === 'aligned' && !hasArguments) into.align = 16;
    else if (word === 'aligned') {
      this.expect('(');
      into.align = Math.max(into.align ?? 1, Number(this.constant('an alignment')));
      this.expect(')');
      return;
    } else if (word === 'cleanup' && hasArguments) {
      this.expect('(');
      into.cleanup = this.assignmentExpression();
      this.expect(')');
      return;
    } else if (word === 'mode' && hasArguments) {
      const mode = this.group()[0]!.text.replace(/^__(.*)__$/, '$1');
      into.mode = MODES[mode] ?? 4;
      return;
    } else if (word === 'vector_size') throw new CodeError(this.loc, 'vector types are not executed');
    if (hasArguments) this.group();
  }

  protected constant(what: string): bigint {
    const e = this.assignmentExpression();
    const v = constantValue(e);
    if (e.k === 'error') throw e.error;
    if (v === undefined) throw new CodeError(e.loc, `${what} that isn't constant`);
    return v;
  }

  /** @throws CodeError where no type is named */
  protected specifiers(): Specifiers {
    const { loc } = this;
    const words: string[] = [];
    const found: Specifiers = {
      type: INT,
      storage: undefined,
      inline: false,
      attributes: this.noAttributes(),
      auto: false,
      loc,
    };
    let type: CType | undefined;
    for (;;) {
      const token = this.peek();
      const { text } = token;
      if (token.kind !== 'id') break;
      if (text === '__seg_gs' || text === '__seg_fs')
        throw new CodeError(token.loc, `a per-CPU access (${text})`);
      if (QUALIFIERS.has(text)) this.next();
      else if (INLINE.has(text)) {
        this.next();
        found.inline = true;
      } else if (text === 'typedef' || text === 'extern' || text === 'static') {
        this.next();
        found.storage = text;
      } else if (ATTRIBUTE.has(text) || ALIGNAS.has(text)) this.attributes(found.attributes);
      else if (BASE_WORDS.has(text)) {
        words.push(this.next().text.replace(/^__signed(__)?$/, 'signed'));
      } else if (type || words.length > 0) break;
      else if (text === 'struct' || text === 'union') type = this.aggregate();
      else if (text === 'enum') type = this.enumeration();
      else if (TYPEOF.has(text)) type = this.typeOf();
      else if (text === '__auto_type') {
        this.next();
        found.auto = true;
        type = INT;
      } else if (text === '__builtin_va_list') {
        this.next();
        type = pointerTo(VOID);
      } else {
        const named = this.typedefHere(text);
        if (!named) break;
        this.next();
        type = named;
      }
    }
    if (words.length > 0) {
      const key = [...words].sort().join(' ');
      type = BASES[key];
      if (!type) throw new CodeError(loc, `the type ${words.join(' ')} is not executed`);
    }
    if (!type) {
      const { text } = this.peek();
      throw new CodeError(
        this.loc,
        this.peek().kind === 'id' ? `unknown type ${text}` : `expected a type, found '${text}'`,
      );
    }
    found.type = found.attributes.mode ? withModeSize(type, found.attributes.mode) : type;
    return found;
  }

  private typeOf(): CType {
    this.next();
    this.expect('(');
    const type = this.startsType() ? this.typeName() : this.typeOfExpression();
    this.expect(')');
    return type;
  }

  private typeOfExpression(): CType {
    const e = this.expression();
    if (e.k === 'error') throw e.error;
    return e.t;
  }

  /** A type name as in casts: specifiers and an abstract declarator. */
  typeName(): CType {
    const { type } = this.specifiers();
    return this.declarator(type, true).type;
  }

  /** A declarator; its name is empty where it is abstract. */
  protected declarator(base: CType, abstract = false): Declarator {
    const attributes = this.noAttributes();
    let type = base;
    this.attributes(attributes);
    while (this.accept('*')) {
      type = pointerTo(type);
      while (QUALIFIERS.has(this.peek().text) && this.peek().kind === 'id') this.next();
      this.attributes(attributes);
    }
    let name = '';
    let { loc } = this;
    let inner: { from: number } | undefined;
    if (this.is('(') && this.isNestedDeclarator(abstract)) {
      inner = { from: this.at + 1 };
      this.group();
    } else if (this.peek().kind === 'id' && !this.isAttributeHere()) {
      const token = this.next();
      name = token.text;
      loc = token.loc;
    }
    this.attributes(attributes);
    type = this.suffixes(type);
    this.attributes(attributes);
    if (inner) {
      // `(*name)(…)`: what stands inside applies to what stands behind.
      const behind = this.at;
      this.at = inner.from;
      const nested = this.declarator(type, abstract);
      this.expect(')');
      this.at = behind;
      return { ...nested, attributes: { ...attributes, ...nested.attributes, packed: attributes.packed } };
    }
    if (attributes.mode) type = withModeSize(type, attributes.mode);
    return { name, type, loc, attributes };
  }

  private isAttributeHere(): boolean {
    const { text } = this.peek();
    return ATTRIBUTE.has(text) || ((text === '__asm__' || text === 'asm') && this.is('(', 1));
  }

  /** Is the `(` here around a declarator, not around parameters? */
  private isNestedDeclarator(abstract: boolean): boolean {
    if (this.is('*', 1) || this.is('(', 1) || this.is('[', 1)) return true;
    if (ATTRIBUTE.has(this.peek(1).text)) return true;
    if (abstract) return false;
    return this.peek(1).kind === 'id' && !this.startsType(1);
  }

  private suffixes(base: CType): CType {
    if (this.is('[')) {
      const { loc } = this.next();
      while (QUALIFIERS.has(this.peek().text) || this.is('static')) this.next();
      let length: number | undefined;
      if (!this.is(']')) {
        const e = this.assignmentExpression();
        if (e.k === 'error') throw e.error;
        const v = constantValue(e);
        if (v === undefined) throw new CodeError(loc, 'an array of variable length');
        length = Number(v);
      }
      this.expect(']');
      return { k: 'array', of: this.suffixes(base), length };
    }
    if (this.is('(')) {
      const { parameters, variadic, unknown } = this.parameters();
      const returns = this.suffixes(base);
      return { k: 'fn', returns, parameters, variadic, ...(unknown && { unknown: true as const }) };
    }
    return base;
  }

  private parameters(): {
    parameters: { name: string; type: CType }[];
    variadic: boolean;
    unknown?: boolean;
  } {
    this.expect('(');
    if (this.accept(')')) return { parameters: [], variadic: false, unknown: true };
    if (this.is('void') && this.is(')', 1)) {
      this.at += 2;
      return { parameters: [], variadic: false };
    }
    const parameters: { name: string; type: CType }[] = [];
    const outer = this.scope;
    this.scope = new Scope(outer);
    try {
      do {
        if (this.accept('...')) {
          this.expect(')');
          return { parameters, variadic: true };
        }
        const { type } = this.specifiers();
        const declared = this.declarator(type, false);
        parameters.push({ name: declared.name, type: adjusted(declared.type) });
      } while (this.accept(','));
      this.expect(')');
      return { parameters, variadic: false };
    } finally {
      this.scope = outer;
    }
  }

  /** Runs `read`; what can't be read becomes an error expression, and reading goes on at one of `ends`. */
  protected orError(read: () => Expr, ...ends: string[]): Expr {
    const from = this.at;
    try {
      const e = read();
      if (!ends.some((end) => this.is(end)))
        throw this.unexpected(ends.map((end) => `'${end}'`).join(' or '));
      return e;
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
      this.at = from;
      this.skipTo(...ends);
      return errorExpr(error, INT);
    }
  }
}

/** A parameter's type: arrays and functions are passed as pointers. */
function adjusted(type: CType): CType {
  if (type.k === 'array') return pointerTo(type.of);
  if (type.k === 'fn') return pointerTo(type);
  return type;
}
