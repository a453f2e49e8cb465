/**
 * tree-sitter's tree → `syntax.ts`. One cursor walks the tree; node objects are never made, for in WASM they cost
 * more than the parse. Unknown or broken nodes become `other` (or what can be read inside of them), never an error.
 */
import type { LineIndex } from './line-index.js';
import type { MaskedText } from './masking.js';
import {
  type Expression,
  type Initialiser,
  type Position,
  packPosition,
  type Statement,
  type TypeText,
} from './syntax.js';
import type { SyntaxCursor } from './tree-memory.js';

/** A declared name with its whole type. */
export interface Declarator {
  name: string;
  type: TypeText;
  /** Offset of the name. */
  at: number;
  parameters?: Parameter[];
}

export interface Parameter {
  name: string;
  type: TypeText;
}

export interface AggregateFacts {
  /** `struct kvm`, `union x`; a member's unnamed type is `struct kvm::arch`. */
  tag: string;
  line: number;
  fields: { name: string; type: TypeText }[];
}

/** Deeper nesting than this is not code that anyone wrote; reading on would exhaust the stack. */
const MAX_DEPTH = 600;

const MASKED_TYPE = /^(Struct|Union|Enum)_+(?=[a-zA-Z_])/;
const MASKED_PRIMITIVE =
  /^(Unsigned|Signed|Long|Int|Short|Char|Void|Float|Double|_?Bool)(_(unsigned|signed|long|int|short|char))*$/;

/** A name in an expression; what masking made of a type is the type again. */
export function nameExpression(name: string): Expression {
  const masked = MASKED_TYPE.exec(name);
  if (masked) return { k: 'type', t: `${masked[1]!.toLowerCase()} ${name.slice(masked[0].length)}` };
  if (MASKED_PRIMITIVE.test(name)) return { k: 'type', t: name.toLowerCase().replace(/_/g, ' ').trim() };
  return { k: 'id', n: name };
}

export class SyntaxReader {
  private depth = 0;
  private baseLine = 0;
  /** Aggregates defined on the way. */
  readonly aggregates: AggregateFacts[] = [];
  /** Enumerators defined on the way, with their value as written. */
  readonly enumerators: { name: string; value?: string }[] = [];
  brokenNodes = 0;

  constructor(
    readonly cursor: SyntaxCursor,
    private readonly names: readonly string[],
    private readonly fields: Readonly<Record<string, number>>,
    readonly masked: MaskedText,
    readonly lines: LineIndex,
  ) {}

  get kind(): string {
    return this.names[this.cursor.nodeTypeId] ?? 'ERROR';
  }

  text(): string {
    return this.masked.text.slice(this.cursor.startIndex, this.cursor.endIndex);
  }

  /** Calls `visit` with the cursor at each child in turn. All reading goes down through here. */
  children(visit: (kind: string) => void): void {
    if (this.depth >= MAX_DEPTH || !this.cursor.gotoFirstChild()) return;
    this.depth++;
    do visit(this.kind);
    while (this.cursor.gotoNextSibling());
    this.cursor.gotoParent();
    this.depth--;
  }

  /** Sets the line that positions are counted from. */
  startAt(line: number): void {
    this.baseLine = line;
  }

  position(offset: number): Position {
    return packPosition(this.lines.lineAt(offset) - this.baseLine, this.lines.columnAt(offset));
  }

  private here(): Position {
    return this.position(this.cursor.startIndex);
  }

  private isField(name: string): boolean {
    return this.cursor.currentFieldId === this.fields[name];
  }

  // ---- expressions

  expression(): Expression {
    switch (this.kind) {
      case 'identifier':
      case 'field_identifier':
      case 'type_identifier':
        return nameExpression(this.text());
      case 'number_literal':
      case 'char_literal':
        return { k: 'num', v: this.text() };
      case 'true':
      case 'false':
      case 'null':
        return { k: 'id', n: this.text() };
      case 'string_literal':
      case 'concatenated_string':
        return { k: 'str' };
      case 'parenthesized_expression':
      case 'extension_expression':
        return this.parenthesised();
      case 'call_expression':
        return this.call();
      case 'field_expression':
        return this.fieldAccess();
      case 'subscript_expression': {
        const [o, i] = this.operands();
        return { k: 'index', o: o ?? { k: 'other' }, i: i ?? { k: 'other' } };
      }
      case 'pointer_expression':
      case 'unary_expression':
        return this.unary();
      case 'update_expression':
        return this.update();
      case 'binary_expression':
      case 'assignment_expression':
      case 'comma_expression':
        return this.binary(this.kind);
      case 'conditional_expression':
        return this.conditional();
      case 'cast_expression':
      case 'compound_literal_expression':
        return this.typed(this.kind);
      case 'initializer_list':
        return { k: 'init', items: this.initialiserList() };
      case 'sizeof_expression':
      case 'alignof_expression':
      case 'offsetof_expression':
        return { k: 'sizeof' };
      case 'type_descriptor':
        return { k: 'type', t: this.typeDescriptor() };
      case 'compound_statement':
        return { k: 'block', s: this.block().s };
      case 'ERROR':
        return this.broken();
      default:
        return { k: 'other' };
    }
  }

  /** Named children as expressions, operators skipped. */
  private operands(): Expression[] {
    const found: Expression[] = [];
    this.children((kind) => {
      if (/^\w/.test(kind)) found.push(this.expression());
    });
    return found;
  }

  private parenthesised(): Expression {
    return this.operands()[0] ?? { k: 'other' };
  }

  private call(): Expression {
    let f: Expression = { k: 'other' };
    let a: Expression[] = [];
    const p = this.here();
    this.children((kind) => {
      if (kind === 'argument_list') a = this.operands();
      else f = this.expression();
    });
    return { k: 'call', f, a, p };
  }

  private fieldAccess(): Expression {
    let o: Expression = { k: 'other' };
    let n = '';
    let arrow = false;
    this.children((kind) => {
      if (kind === '->') arrow = true;
      else if (kind === 'field_identifier') n = this.text();
      else if (kind !== '.') o = this.expression();
    });
    return { k: 'field', o, n, arrow };
  }

  private unary(): Expression {
    let op = '';
    let x: Expression = { k: 'other' };
    this.children((kind) => {
      if (/^\w/.test(kind)) x = this.expression();
      else op = kind;
    });
    return { k: 'unary', op: op as '&', x };
  }

  private update(): Expression {
    let op = '++';
    let operandSeen = false;
    let post = false;
    let x: Expression = { k: 'other' };
    this.children((kind) => {
      if (/^\w/.test(kind)) {
        x = this.expression();
        operandSeen = true;
      } else {
        op = kind;
        post = operandSeen;
      }
    });
    return post ? { k: 'update', op: op as '++', post, x } : { k: 'update', op: op as '++', x };
  }

  private binary(kind: string): Expression {
    const p = this.here();
    let op = '';
    const sides: Expression[] = [];
    this.children((child) => {
      if (/^\w/.test(child)) sides.push(this.expression());
      else op = child;
    });
    const l: Expression = sides[0] ?? { k: 'other' };
    const r: Expression = sides[1] ?? { k: 'other' };
    if (kind === 'comma_expression') return { k: 'comma', l, r };
    if (kind === 'assignment_expression') return { k: 'assign', op, l, r, p };
    return { k: 'binary', op, l, r };
  }

  private conditional(): Expression {
    let c: Expression = { k: 'other' };
    let t: Expression | null = null;
    let e: Expression = { k: 'other' };
    this.children((kind) => {
      if (!/^\w/.test(kind)) return;
      if (this.isField('condition')) c = this.expression();
      else if (this.isField('consequence')) t = this.expression();
      else e = this.expression();
    });
    return { k: 'cond', c, t, e };
  }

  private typed(kind: string): Expression {
    let t: TypeText = '';
    let x: Expression = { k: 'other' };
    this.children((child) => {
      if (child === 'type_descriptor') t = this.typeDescriptor();
      else if (/^\w/.test(child)) x = this.expression();
    });
    const value = x as Expression;
    if (kind === 'compound_literal_expression' && value.k === 'init') return { ...value, t };
    return { k: 'cast', t, x };
  }

  private initialiserList(): Initialiser[] {
    const items: Initialiser[] = [];
    this.children((kind) => {
      if (!/^\w/.test(kind) || kind === 'comment') return;
      const p = this.here();
      if (kind !== 'initializer_pair') {
        items.push({ x: this.expression(), p });
        return;
      }
      const d: string[] = [];
      let x: Expression = { k: 'other' };
      this.children((child) => {
        if (child === 'field_designator') d.push(this.text().replace(/^\.\s*/, ''));
        else if (child === 'subscript_designator' || child === 'subscript_range_designator') d.push('[]');
        else if (child === 'field_identifier') d.push(this.text());
        else if (/^\w/.test(child)) x = this.expression();
      });
      items.push({ d, x, p });
    });
    return items;
  }

  /** What can still be read inside a broken place: its expressions, so that their calls aren't lost. */
  private broken(): Expression {
    this.brokenNodes++;
    const found: Expression[] = [];
    this.children((kind) => {
      if (kind.endsWith('_expression') || kind === 'ERROR') found.push(this.expression());
      else if (kind.endsWith('_statement') || kind === 'declaration') {
        const s: Statement[] = [];
        this.statement(s);
        found.push({ k: 'block', s });
      }
    });
    return found.reduce<Expression | null>((l, r) => (l ? { k: 'comma', l, r } : r), null) ?? { k: 'other' };
  }

  // ---- types and declarators

  /** Type of a `type` field's node; aggregates defined in place are noted. `owner` names an untagged one. */
  typeBase(owner: string): TypeText {
    switch (this.kind) {
      case 'struct_specifier':
      case 'union_specifier':
        return this.aggregate(owner);
      case 'enum_specifier':
        return this.enumeration();
      case 'macro_type_specifier':
        return 'typeof';
      default:
        return this.text().replace(/\s+/g, ' ');
    }
  }

  private aggregate(owner: string): TypeText {
    const keyword = this.kind === 'union_specifier' ? 'union' : 'struct';
    const line = this.lines.lineAt(this.cursor.startIndex) + 1;
    let tag = '';
    let fields: { name: string; type: TypeText }[] | null = null;
    this.children((kind) => {
      if (kind === 'type_identifier') tag = this.text();
      else if (kind === 'field_declaration_list') fields = this.fieldList(`${keyword} ${tag || owner}`);
    });
    const name = `${keyword} ${tag || owner}`;
    if (fields) this.aggregates.push({ tag: name, line, fields });
    return name;
  }

  private fieldList(owner: string): { name: string; type: TypeText }[] {
    const fields: { name: string; type: TypeText }[] = [];
    const readField = () => {
      let base: TypeText = '';
      let baseIsAggregate = false;
      const before = this.aggregates.length;
      let named = false;
      this.children((kind) => {
        if (this.isField('type')) {
          baseIsAggregate = kind === 'struct_specifier' || kind === 'union_specifier';
          base = this.typeBase(`${owner.replace(/^\w+ /, '')}::${fields.length}`);
        } else if (this.isField('declarator')) {
          const { name, type } = this.declarator(base);
          // A masked bit-field without a name takes no initialiser.
          if (name !== '_') fields.push({ name, type });
          named = true;
        }
      });
      // An unnamed struct or union: its members are members of the one around it.
      const inner = this.aggregates[this.aggregates.length - 1];
      if (!named && baseIsAggregate && this.aggregates.length > before && inner && inner.tag === base)
        fields.push(...inner.fields);
    };
    this.children((kind) => {
      if (kind === 'field_declaration') readField();
    });
    return fields;
  }

  private enumeration(): TypeText {
    let tag = '';
    this.children((kind) => {
      if (kind === 'type_identifier') tag = this.text();
      else if (kind === 'enumerator_list')
        this.children((child) => {
          if (child !== 'enumerator') return;
          let name = '';
          let value: string | undefined;
          this.children((part) => {
            if (part === 'identifier' && name === '') name = this.text();
            else if (/^\w/.test(part)) value = this.text();
          });
          this.enumerators.push(value === undefined ? { name } : { name, value });
        });
    });
    return `enum ${tag}`;
  }

  typeDescriptor(): TypeText {
    let base: TypeText = '';
    let suffix = '';
    this.children((kind) => {
      if (this.isField('type')) base = this.typeBase('');
      else if (this.isField('declarator'))
        suffix =
          (this.text().match(/\*|\[|\(\s*\*/g) ?? []).map(() => '*').join('') +
          (kind === 'abstract_function_declarator' ? '()' : '');
    });
    return base + suffix;
  }

  /** Reads the declarator at the cursor around `base`: `*b`, `c[3]`, `(*g)(int)`. */
  declarator(base: TypeText): Declarator {
    const found: Declarator = { name: '', type: base, at: this.cursor.startIndex };
    this.readDeclarator(found);
    return found;
  }

  private readDeclarator(found: Declarator): void {
    switch (this.kind) {
      case 'identifier':
      case 'field_identifier':
      case 'type_identifier':
      case 'primitive_type':
        found.name = this.text();
        found.at = this.cursor.startIndex;
        return;
      case 'pointer_declarator':
      case 'array_declarator':
        found.type += '*';
        return this.innerDeclarator(found);
      case 'function_declarator':
        return this.functionDeclarator(found);
      case 'init_declarator':
      case 'parenthesized_declarator':
      case 'attributed_declarator':
        return this.innerDeclarator(found);
      default:
    }
  }

  private innerDeclarator(found: Declarator): void {
    let done = false;
    this.children((kind) => {
      if (done || !(kind.endsWith('declarator') || kind.endsWith('identifier') || kind === 'primitive_type'))
        return;
      done = true;
      this.readDeclarator(found);
    });
  }

  private functionDeclarator(found: Declarator): void {
    const at = this.cursor.startIndex;
    let inner: Declarator | undefined;
    let innerKind = '';
    let parameters: Parameter[] = [];
    let listText = '';
    const outer = found.type;
    this.children((kind) => {
      if (kind === 'parameter_list') {
        parameters = this.parameters();
        listText = this.text();
      } else if (inner === undefined && (kind.endsWith('declarator') || kind.endsWith('identifier'))) {
        innerKind = kind;
        inner = { name: '', type: `${outer}()`, at };
        this.readDeclarator(inner);
      }
    });
    if (!inner) return;
    found.at = inner.at;
    if (innerKind === 'function_declarator' && inner.parameters) {
      // `static int FNAME(walk_addr)(struct guest_walker *walker)`: the macro with its argument is the name.
      found.name = inner.name;
      found.type = `${outer}()`;
      found.parameters = parameters;
      return;
    }
    found.name =
      innerKind === 'identifier' && this.namesByMacro()
        ? `${inner.name}${listText.replace(/\s+/g, '')}`
        : inner.name;
    found.type = inner.type;
    found.parameters = inner.parameters ?? parameters;
  }

  /** Is the function declarator at the cursor itself the name in another one's? */
  private namesByMacro(): boolean {
    const next = this.masked.text.slice(this.cursor.endIndex, this.cursor.endIndex + 40);
    return /^\s*\(/.test(next);
  }

  private parameters(): Parameter[] {
    const found: Parameter[] = [];
    this.children((kind) => {
      if (kind === 'variadic_parameter') {
        found.push({ name: '...', type: '' });
        return;
      }
      if (kind !== 'parameter_declaration') return;
      let base: TypeText = '';
      let declared: Declarator | undefined;
      this.children((child) => {
        if (this.isField('type')) base = this.typeBase('');
        else if (this.isField('declarator')) {
          if (child.startsWith('abstract'))
            base += (this.text().match(/[*[]/g) ?? []).map(() => '*').join('');
          else declared = this.declarator(base);
        }
      });
      if (declared) found.push({ name: (declared as Declarator).name, type: (declared as Declarator).type });
      else if (base !== 'void') found.push({ name: '', type: base });
    });
    return found;
  }

  /** Storage words, base type and declarators of the declaration at the cursor. */
  declaration(owner: string): {
    storage: Set<string>;
    base: TypeText;
    declarators: (Declarator & { initialiser?: Expression; p: Position })[];
  } {
    const storage = new Set<string>();
    const declarators: (Declarator & { initialiser?: Expression; p: Position })[] = [];
    let base: TypeText = '';
    this.children((kind) => {
      if (kind === 'storage_class_specifier') storage.add(this.text());
      else if (this.isField('type')) base = this.typeBase(owner);
      else if (this.isField('declarator')) {
        const p = this.here();
        const declared = this.declarator(base);
        let initialiser: Expression | undefined;
        if (kind === 'init_declarator') {
          this.children((child) => {
            if (this.isField('value') || (initialiser === undefined && child === 'initializer_list'))
              initialiser = this.expression();
          });
        }
        declarators.push(initialiser ? { ...declared, initialiser, p } : { ...declared, p });
      }
    });
    return { storage, base, declarators };
  }

  // ---- statements

  block(): { k: 'block'; s: Statement[]; end: Position } {
    const s: Statement[] = [];
    const end = this.position(Math.max(this.cursor.startIndex, this.cursor.endIndex - 1));
    this.children((kind) => {
      if (/^\w/.test(kind)) this.statement(s);
    });
    return { k: 'block', s, end };
  }

  /** Appends the statement at the cursor; a declaration of several names becomes several. */
  statement(into: Statement[]): void {
    this.readStatement(into);
  }

  private single(): Statement {
    const s: Statement[] = [];
    const p = this.here();
    this.statement(s);
    return s.length === 1 ? s[0]! : { k: 'block', s, end: p };
  }

  private readStatement(into: Statement[]): void {
    const p = this.here();
    switch (this.kind) {
      case 'compound_statement':
        into.push(this.block());
        return;
      case 'expression_statement': {
        const x = this.operands()[0];
        if (x) into.push({ k: 'expr', x, p });
        return;
      }
      case 'declaration':
        return this.localDeclaration(into);
      case 'if_statement':
        into.push(this.ifStatement(p));
        return;
      case 'while_statement':
        into.push(this.whileStatement(p));
        return;
      case 'do_statement': {
        const { c, b } = this.conditionAndBody();
        into.push({ k: 'do', c, b, p });
        return;
      }
      case 'for_statement':
        into.push(this.forStatement(p));
        return;
      case 'switch_statement': {
        const { c, b } = this.conditionAndBody();
        into.push({ k: 'switch', c, b, p });
        return;
      }
      case 'case_statement':
        into.push(this.caseStatement(p));
        return;
      case 'return_statement': {
        const x = this.operands()[0];
        into.push(x ? { k: 'return', x, p } : { k: 'return', p });
        return;
      }
      case 'break_statement':
        into.push({ k: 'break', p });
        return;
      case 'continue_statement':
        into.push({ k: 'continue', p });
        return;
      case 'goto_statement': {
        let label = '';
        this.children((kind) => {
          if (kind === 'statement_identifier') label = this.text();
        });
        into.push({ k: 'goto', label, p });
        return;
      }
      case 'labeled_statement':
        into.push(this.labelled(p));
        return;
      case 'attributed_statement':
        this.children((kind) => {
          if (kind.endsWith('statement')) this.statement(into);
        });
        return;
      case 'function_definition':
        // A half-typed function swallows the next one; what is in it must not be read as this one's.
        this.brokenNodes++;
        return;
      case 'struct_specifier':
      case 'union_specifier':
      case 'enum_specifier':
        this.typeBase('');
        return;
      case 'type_definition':
      case 'comment':
        return;
      default: {
        const x = this.expression();
        if (x.k !== 'other') into.push({ k: 'expr', x, p });
      }
    }
  }

  private localDeclaration(into: Statement[]): void {
    const start = this.cursor.startIndex;
    const end = this.cursor.endIndex;
    const { storage, declarators } = this.declaration('');
    let cleanup: string | undefined;
    for (const [offset, name] of this.masked.cleanups) if (offset >= start && offset < end) cleanup = name;
    for (const { name, type, initialiser, p } of declarators) {
      const declared: Statement = { k: 'decl', n: name, t: type, p };
      if (initialiser) declared.i = initialiser;
      if (storage.has('static')) declared.static = true;
      if (cleanup) declared.cleanup = cleanup;
      into.push(declared);
    }
  }

  private conditionAndBody(): { c: Expression; b: Statement } {
    let c: Expression = { k: 'other' };
    let b: Statement | undefined;
    this.children((kind) => {
      if (this.isField('condition')) c = this.expression();
      else if (
        this.isField('body') ||
        (b === undefined && (kind.endsWith('_statement') || kind === 'declaration'))
      )
        b = this.single();
    });
    return { c, b: b ?? { k: 'block', s: [], end: this.here() } };
  }

  private ifStatement(p: Position): Statement {
    const iterator = this.masked.iterators.get(this.cursor.startIndex);
    let c: Expression = { k: 'other' };
    let t: Statement | undefined;
    let e: Statement | undefined;
    this.children((kind) => {
      if (this.isField('condition')) c = this.expression();
      else if (this.isField('consequence')) t = this.single();
      else if (kind === 'else_clause')
        this.children((child) => {
          if (/^\w/.test(child)) e = this.single();
        });
    });
    const then: Statement = t ?? { k: 'block', s: [], end: p };
    if (iterator !== undefined) return { k: 'foreach', macro: iterator, a: commaOperands(c), b: then, p };
    return e ? { k: 'if', c, t: then, e, p } : { k: 'if', c, t: then, p };
  }

  private whileStatement(p: Position): Statement {
    const iterator = this.masked.iterators.get(this.cursor.startIndex);
    const { c, b } = this.conditionAndBody();
    return iterator === undefined
      ? { k: 'while', c, b, p }
      : { k: 'foreach', macro: iterator, a: commaOperands(c), b, p };
  }

  private forStatement(p: Position): Statement {
    const found: { i?: Statement; c?: Expression; u?: Expression; b?: Statement } = {};
    this.children((kind) => {
      if (this.isField('initializer')) {
        if (kind === 'declaration') found.i = this.single();
        else found.i = { k: 'expr', x: this.expression(), p: this.here() };
      } else if (this.isField('condition')) found.c = this.expression();
      else if (this.isField('update')) found.u = this.expression();
      else if (this.isField('body')) found.b = this.single();
    });
    return { k: 'for', ...found, b: found.b ?? { k: 'block', s: [], end: p }, p };
  }

  private caseStatement(p: Position): Statement {
    let v: Expression | null = null;
    const s: Statement[] = [];
    let isDefault = false;
    this.children((kind) => {
      if (kind === "'default") isDefault = true;
      else if (this.isField('value') && !isDefault) v = this.expression();
      else if (/^\w/.test(kind)) this.statement(s);
    });
    return { k: 'case', v, s, p };
  }

  private labelled(p: Position): Statement {
    let n = '';
    let s: Statement | null = null;
    this.children((kind) => {
      if (kind === 'statement_identifier') n = this.text();
      else if (/^\w/.test(kind)) s = this.single();
    });
    return { k: 'label', n, s, p };
  }
}

/** `a, b, c` → its parts; nothing where there was nothing to read. */
export function commaOperands(expression: Expression): Expression[] {
  if (expression.k === 'comma') return [...commaOperands(expression.l), ...commaOperands(expression.r)];
  return expression.k === 'other' ? [] : [expression];
}
