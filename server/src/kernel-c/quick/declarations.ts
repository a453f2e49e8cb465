/** Types, declarators and declarations: the parts of the quick reader that `syntax-reader.ts` has for tree-sitter's tree. */
import type { Expression, Position, TypeText } from '../syntax.js';
import type { AggregateFacts, Declarator, Parameter } from '../syntax-reader.js';
import { OP } from './cursor.js';
import { ExpressionReader } from './expressions.js';
import { Kind, Word } from './tokens.js';

/** Words and type in front of a declarator. */
export interface Specifiers {
  storage: Set<string>;
  base: TypeText;
  isAggregate: boolean;
}

export interface DeclaredName extends Declarator {
  initialiser?: Expression;
  p: Position;
}

/** A declarator as it is written, outermost first. */
type Shape =
  | { kind: 'name'; name: string; token: number }
  | { kind: 'level' | 'inner'; of: Shape }
  | { kind: 'function'; of: Shape; parameters: Parameter[]; list: string; isName: boolean };

export abstract class DeclarationReader extends ExpressionReader {
  /** Aggregates defined on the way. */
  readonly aggregates: AggregateFacts[] = [];
  /** Enumerators defined on the way, with their value as written. */
  readonly enumerators: { name: string; value?: string }[] = [];

  protected isTypeStart(): boolean {
    switch (this.word()) {
      case Word.Struct:
      case Word.Union:
      case Word.Enum:
      case Word.Qualifier:
      case Word.Sign:
      case Word.Primitive:
        return true;
      default:
        return false;
    }
  }

  /** `const struct x *`, without a name; ends before the `)` or `,` behind it. */
  protected typeDescriptor(): TypeText {
    const { base, storage } = this.specifiers('');
    if (storage.size > 0) this.giveUp();
    return base + this.abstractSuffix(true);
  }

  /** Specifiers up to the declarator. Aggregates in them are noted; `owner` names those without a tag. */
  protected specifiers(owner: string): Specifiers {
    const storage = new Set<string>();
    let base: TypeText | undefined;
    let isAggregate = false;
    for (;;) {
      const word = this.word();
      if (word === Word.Storage) storage.add(this.takeText());
      else if (word === Word.Qualifier) this.at++;
      else if (base !== undefined) return { storage, base, isAggregate };
      else if (word === Word.Struct || word === Word.Union) {
        base = this.aggregate(owner);
        isAggregate = true;
      } else if (word === Word.Enum) base = this.enumeration();
      else if (word === Word.Sign || word === Word.Primitive) base = this.builtInType();
      else if (this.isName()) base = this.takeText();
      else this.giveUp();
    }
  }

  /** `unsigned long long`, `int`; words that qualifiers part are left to tree-sitter. */
  private builtInType(): TypeText {
    const first = this.at;
    let hasPrimitive = false;
    while (this.word() === Word.Sign || this.word() === Word.Primitive) {
      if (this.word() === Word.Primitive) {
        if (hasPrimitive) this.giveUp();
        hasPrimitive = true;
      }
      this.at++;
    }
    const last = this.at - 1;
    let ahead = 0;
    while (this.word(ahead) === Word.Qualifier) ahead++;
    if (ahead > 0 && (this.word(ahead) === Word.Sign || this.word(ahead) === Word.Primitive)) this.giveUp();
    // `unsigned foo x`: the name is part of the type.
    if (!hasPrimitive && this.isName(ahead) && this.isName(ahead + 1)) this.giveUp();
    return this.textOf(first, last).replace(/\s+/g, ' ');
  }

  private aggregate(owner: string): TypeText {
    const first = this.at;
    const keyword = this.takeText();
    const tag = this.isName() ? this.takeText() : '';
    const name = `${keyword} ${tag || owner}`;
    if (!this.isOperator(OP.braceOpen)) {
      if (tag === '') this.giveUp();
      return name;
    }
    const fields = this.nested(() => this.fields(name));
    this.aggregates.push({ tag: name, line: this.tokens.line[first]! + 1, fields });
    return name;
  }

  private fields(owner: string): AggregateFacts['fields'] {
    const fields: AggregateFacts['fields'] = [];
    this.expect(OP.braceOpen);
    while (!this.take(OP.braceClose)) this.field(owner, fields);
    return fields;
  }

  private field(owner: string, fields: AggregateFacts['fields']): void {
    const before = this.aggregates.length;
    const { base, isAggregate } = this.specifiers(`${owner.replace(/^\w+ /, '')}::${fields.length}`);
    if (this.take(OP.semicolon)) {
      // An unnamed struct or union: its members are members of the one around it.
      const inner = this.aggregates[this.aggregates.length - 1];
      if (isAggregate && this.aggregates.length > before && inner && inner.tag === base)
        fields.push(...inner.fields);
      return;
    }
    do {
      const { name, type } = this.declarator(base);
      if (this.take(OP.colon)) this.expression();
      // A masked bit-field without a name takes no initialiser.
      if (name !== '_') fields.push({ name, type });
    } while (this.take(OP.comma));
    this.expect(OP.semicolon);
  }

  private enumeration(): TypeText {
    this.at++;
    const tag = this.isName() ? this.takeText() : '';
    if (this.isOperator(OP.braceOpen)) this.enumeratorList();
    else if (tag === '' || this.isOperator(OP.colon)) this.giveUp();
    return `enum ${tag}`;
  }

  private enumeratorList(): void {
    this.at++;
    while (!this.take(OP.braceClose)) {
      const name = this.takeName();
      if (this.take(OP.assign)) {
        const first = this.at;
        this.expression();
        this.enumerators.push({ name, value: this.textOf(first, this.at - 1) });
      } else this.enumerators.push({ name });
      if (!this.isOperator(OP.braceClose)) this.expect(OP.comma);
    }
  }

  // ---- declarators

  /** Reads the declarator at the cursor around `base`: `*b`, `c[3]`, `(*g)(int)`. */
  protected declarator(base: TypeText): Declarator {
    const at = this.startOf(this.at);
    const found: Declarator = { name: '', type: base, at };
    this.applyShape(this.shape(), found);
    return found;
  }

  private shape(): Shape {
    return this.nested(() => {
      if (!this.take(OP.star)) return this.directShape();
      while (this.word() === Word.Qualifier) this.at++;
      return { kind: 'level', of: this.shape() };
    });
  }

  private directShape(): Shape {
    let shape: Shape;
    if (this.take(OP.parenOpen)) {
      shape = { kind: 'inner', of: this.shape() };
      this.expect(OP.parenClose);
    } else {
      const token = this.at;
      // A type's word as a name, as in `typedef unsigned int uint;` it may be: left to tree-sitter.
      shape = { kind: 'name', name: this.takeName(), token };
    }
    for (;;) {
      if (this.isOperator(OP.bracketOpen)) {
        this.arraySize();
        shape = { kind: 'level', of: shape };
      } else if (this.isOperator(OP.parenOpen)) {
        const first = this.at;
        const parameters = this.parameters();
        const list = this.textOf(first, this.at - 1);
        shape = { kind: 'function', of: shape, parameters, list, isName: this.isOperator(OP.parenOpen) };
      } else return shape;
    }
  }

  private arraySize(): void {
    this.at++;
    while (this.word() === Word.Qualifier || (this.word() === Word.Storage && this.isStaticWord())) this.at++;
    if (this.take(OP.bracketClose)) return;
    if (this.isOperator(OP.star) && this.isOperator(OP.bracketClose, 1)) this.at++;
    else this.expression();
    this.expect(OP.bracketClose);
  }

  private isStaticWord(): boolean {
    return this.textOf(this.at, this.at) === 'static';
  }

  /** Puts a declarator's levels around the type in `found`, as `SyntaxReader.readDeclarator` does. */
  private applyShape(shape: Shape, found: Declarator): void {
    switch (shape.kind) {
      case 'name':
        found.name = shape.name;
        found.at = this.startOf(shape.token);
        return;
      case 'level':
        found.type += '*';
        return this.applyShape(shape.of, found);
      case 'inner':
        return this.applyShape(shape.of, found);
      case 'function': {
        const outer = found.type;
        const inner: Declarator = { name: '', type: `${outer}()`, at: found.at };
        this.applyShape(shape.of, inner);
        found.at = inner.at;
        if (shape.of.kind === 'function' && inner.parameters) {
          // `static int FNAME(walk_addr)(struct guest_walker *walker)`: the macro with its argument is the name.
          found.name = inner.name;
          found.type = `${outer}()`;
          found.parameters = shape.parameters;
          return;
        }
        found.name =
          shape.of.kind === 'name' && shape.isName
            ? `${inner.name}${shape.list.replace(/\s+/g, '')}`
            : inner.name;
        found.type = inner.type;
        found.parameters = inner.parameters ?? shape.parameters;
      }
    }
  }

  private parameters(): Parameter[] {
    this.at++;
    const found: Parameter[] = [];
    if (this.take(OP.parenClose)) return found;
    do {
      if (this.take(OP.ellipsis)) found.push({ name: '...', type: '' });
      else {
        const parameter = this.parameter();
        if (parameter) found.push(parameter);
      }
    } while (this.take(OP.comma));
    this.expect(OP.parenClose);
    return found;
  }

  private parameter(): Parameter | undefined {
    const { base } = this.specifiers('');
    if (this.isOperator(OP.comma) || this.isOperator(OP.parenClose))
      return base === 'void' ? undefined : { name: '', type: base };
    if (this.isNamedDeclarator()) {
      const { name, type } = this.declarator(base);
      return { name, type };
    }
    const type = base + this.abstractSuffix(false);
    return type === 'void' ? undefined : { name: '', type };
  }

  /** Has the declarator at the cursor a name? */
  private isNamedDeclarator(): boolean {
    let ahead = 0;
    while (
      this.isOperator(OP.star, ahead) ||
      this.isOperator(OP.parenOpen, ahead) ||
      this.word(ahead) === Word.Qualifier
    )
      ahead++;
    return this.isName(ahead);
  }

  /**
   * Levels of a declarator without a name, a `*` each, and `()` behind a function's.
   * @param isDescriptor in a type by itself `()` tells functions; in a parameter it doesn't
   */
  private abstractSuffix(isDescriptor: boolean): string {
    if (this.isOperator(OP.comma) || this.isOperator(OP.parenClose)) return '';
    if (isDescriptor && !this.isOperator(OP.star) && !this.isOperator(OP.bracketOpen)) this.giveUp();
    let levels = '';
    let depth = 0;
    for (;;) {
      if (this.isOperator(OP.star) || this.isOperator(OP.bracketOpen)) levels += '*';
      else if (this.isOperator(OP.parenOpen)) {
        // Functions without a name are rare enough to be left to tree-sitter.
        if (isDescriptor) this.giveUp();
        depth++;
      } else if (this.isOperator(OP.parenClose)) {
        if (depth-- === 0) return levels;
      } else if (this.isOperator(OP.comma) && depth === 0) return levels;
      else if (this.isOperator(OP.semicolon) || this.isOperator(OP.braceOpen)) this.giveUp();
      else if (this.word() === Word.Other || this.kind() === Kind.End) this.giveUp();
      this.at++;
    }
  }

  /**
   * Declarators with what they are set to, up to and with the `;`.
   * @param first the first one, if it was read already
   */
  protected declaredNames(base: TypeText, first?: DeclaredName): DeclaredName[] {
    const found: DeclaredName[] = [];
    let declared = first;
    do {
      const p = this.position(this.at);
      declared ??= { ...this.declarator(base), p };
      if (this.take(OP.assign)) declared.initialiser = this.initialValue();
      found.push(declared);
      declared = undefined;
    } while (this.take(OP.comma));
    this.expect(OP.semicolon);
    return found;
  }
}
