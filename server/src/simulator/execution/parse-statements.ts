/** Statements and external declarations. */
import { assemblyName, instructionsOf, unmodelledAssembly } from './assembly.js';
import type { Expr, Initialiser, Local, Stmt } from './ast.js';
import * as build from './build.js';
import { ExpressionParser } from './parse-expressions.js';
import type { Declarator, Specifiers } from './parse-types.js';
import type { FunctionBody, GlobalVariable } from './symbols.js';
import { errorExpr, Scope } from './token-reader.js';
import { CodeError, type Loc } from './tokens.js';
import { type CType, type FunctionType, INT, isScalar, typeName, VOID } from './types.js';

/** What an external declaration declares, in the order of the text. */
export type Declared =
  | { k: 'typedef'; name: string; type: CType }
  | {
      k: 'variable';
      name: string;
      type: CType;
      loc: Loc;
      extern: boolean;
      align?: number;
      /** Index of the token at which the initialiser begins. */
      init?: number;
    }
  | { k: 'prototype'; name: string; type: FunctionType; loc: Loc }
  | {
      k: 'function';
      name: string;
      type: FunctionType;
      loc: Loc /** Index of the body's `{`. */;
      body: number;
    };

export class Parser extends ExpressionParser {
  private returnType: CType = VOID;
  /** Makes the variable behind a static local. */
  onStatic: (declared: Declarator, initialiser: GlobalVariable['initialiser']) => GlobalVariable = () => {
    throw new Error('a static variable outside of a function');
  };

  // ---- file level

  /** All declarations of an item. @throws CodeError at the first thing that is none */
  *externalDeclarations(): Iterable<Declared> {
    while (!this.isAtEnd) {
      if (this.accept(';')) continue;
      if (this.staticAssertion()) continue;
      if (this.is('asm') || this.is('__asm__')) {
        this.next();
        this.group();
        continue;
      }
      const specifiers = this.specifiers();
      if (this.accept(';')) continue;
      if (yield* this.externalDeclarators(specifiers)) continue;
      if (!this.isAtEnd) this.expect(';');
    }
  }

  /** True when the last one was a function with its body. */
  private *externalDeclarators(specifiers: Specifiers): Generator<Declared, boolean> {
    do {
      const declared = this.declarator(specifiers.type);
      const { name, type, loc } = declared;
      if (name === '') throw this.unexpected('a name');
      if (specifiers.storage === 'typedef') {
        yield { k: 'typedef', name, type };
        continue;
      }
      if (type.k === 'fn') {
        if (this.is('{')) {
          const body = this.at;
          this.group();
          yield { k: 'function', name, type, loc, body };
          return true;
        }
        yield { k: 'prototype', name, type, loc };
        continue;
      }
      const align = Math.max(declared.attributes.align ?? 0, specifiers.attributes.align ?? 0);
      const variable: Extract<Declared, { k: 'variable' }> = {
        k: 'variable',
        name,
        type,
        loc,
        extern: specifiers.storage === 'extern' && !this.is('='),
        ...(align > 0 && { align }),
      };
      if (this.accept('=')) {
        const init = this.at;
        if (specifiers.auto) {
          variable.type = build.value(this.assignmentExpression()).t;
          this.at = init;
        }
        this.skipTo(',', ';');
        yield { ...variable, init };
      } else yield variable;
    } while (this.accept(','));
    return false;
  }

  /** The initialiser at a token, as an `init` of `Declared` gives it. */
  initialiserAt(token: number, type: CType) {
    this.at = token;
    return this.initialiser(type);
  }

  /** The body at a token, as a `body` of `Declared` gives it. */
  bodyAt(token: number, name: string, type: FunctionType, loc: Loc): FunctionBody {
    this.at = token;
    this.functionName = name;
    this.returnType = type.returns;
    this.scope = new Scope(this.scope);
    const parameters = type.parameters.map((parameter): Local => {
      const local: Local = { name: parameter.name, type: parameter.type, loc, offset: -1 };
      if (parameter.name !== '') this.scope.names.set(parameter.name, { k: 'local', local });
      return local;
    });
    this.expect('{');
    const body = this.statements();
    const end = this.loc;
    this.expect('}');
    return { parameters, body, end };
  }

  /** An expression for a debugger, in a scope of locals. */
  watched(locals: readonly Local[]): Expr {
    this.scope = new Scope(this.scope);
    for (const local of locals) this.scope.names.set(local.name, { k: 'local', local });
    const e = this.expression();
    if (!this.isAtEnd) throw this.unexpected('the end of the expression');
    return e;
  }

  // ---- statements

  private statements(): Stmt[] {
    const found: Stmt[] = [];
    while (!this.is('}')) {
      if (this.isAtEnd) throw this.unexpected("'}'");
      this.statementInto(found);
    }
    return found;
  }

  private block(): Stmt {
    const { loc } = this.expect('{');
    const outer = this.scope;
    this.scope = new Scope(outer);
    const body = this.statements();
    const end = this.loc;
    this.expect('}');
    this.scope = outer;
    return { k: 'block', body, end, loc };
  }

  /** One statement as a body: never just a label. */
  private statement(): Stmt {
    const found: Stmt[] = [];
    const { loc } = this;
    this.statementInto(found);
    return found.length === 1 ? found[0]! : { k: 'block', body: found, end: loc, loc };
  }

  /** Reads a statement with the labels before it. */
  private statementInto(found: Stmt[]): void {
    const { loc } = this;
    const token = this.peek();
    if (token.kind === 'id' && this.is(':', 1) && !this.is('default') && !this.scopeHasType(token.text)) {
      this.at += 2;
      this.attributes(this.noAttributes());
      found.push({ k: 'label', name: token.text, loc });
      if (!this.is('}')) this.statementInto(found);
      return;
    }
    if (token.kind === 'id') {
      switch (token.text) {
        case 'case': {
          this.next();
          const lo = this.constant('a case');
          const hi = this.accept('...') ? this.constant('a case') : lo;
          this.expect(':');
          found.push({ k: 'case', lo, hi, loc });
          if (!this.is('}')) this.statementInto(found);
          return;
        }
        case 'default':
          this.next();
          this.expect(':');
          found.push({ k: 'default', loc });
          if (!this.is('}')) this.statementInto(found);
          return;
        default:
      }
      const control = this.control(token.text, loc);
      if (control) {
        found.push(control);
        return;
      }
      if (this.startsType()) {
        this.declaration(found);
        return;
      }
      if (this.staticAssertion()) return;
    }
    if (this.is('{')) {
      found.push(this.block());
      return;
    }
    if (this.accept(';')) {
      found.push({ k: 'empty', loc });
      return;
    }
    const e = this.orError(() => this.expression(), ';');
    this.expect(';');
    found.push({ k: 'expr', e, loc });
  }

  private scopeHasType(name: string): boolean {
    return this.scope.find(name)?.k === 'type';
  }

  private conditionInParentheses(): Expr {
    this.expect('(');
    const c = this.orError(() => build.condition(this.expression()), ')');
    this.expect(')');
    return c;
  }

  private control(word: string, loc: Loc): Stmt | undefined {
    switch (word) {
      case 'if': {
        this.next();
        const c = this.conditionInParentheses();
        const t = this.statement();
        const e = this.accept('else') ? this.statement() : null;
        return { k: 'if', c, t, e, loc };
      }
      case 'while': {
        this.next();
        const c = this.conditionInParentheses();
        return { k: 'while', c, body: this.statement(), loc };
      }
      case 'do': {
        this.next();
        const body = this.statement();
        if (!this.accept('while')) throw this.unexpected("'while'");
        const c = this.conditionInParentheses();
        this.expect(';');
        return { k: 'do', c, body, loc };
      }
      case 'for':
        return this.forLoop(loc);
      case 'switch': {
        this.next();
        this.expect('(');
        const e = this.orError(() => build.value(this.expression()), ')');
        this.expect(')');
        return {
          k: 'switch',
          e: e.t.k === 'int' || e.t.k === 'enum' ? build.promotedArgument(e) : e,
          body: this.statement(),
          loc,
        };
      }
      case 'goto': {
        this.next();
        if (this.is('*')) throw new CodeError(loc, 'a computed goto');
        const { text } = this.name();
        this.expect(';');
        return { k: 'goto', name: text, loc };
      }
      case 'break':
      case 'continue':
        this.next();
        this.expect(';');
        return { k: word, loc };
      case 'return': {
        this.next();
        if (this.accept(';')) return { k: 'return', e: null, loc };
        const e = this.orError(() => this.returned(this.expression()), ';');
        this.expect(';');
        return { k: 'return', e, loc };
      }
      case 'asm':
      case '__asm__':
      case '__asm':
        return this.assembly(loc);
      case '__label__':
        this.skipTo(';');
        this.expect(';');
        return { k: 'empty', loc };
      default:
        return undefined;
    }
  }

  private returned(e: Expr): Expr {
    const v = build.value(e);
    if (v.k === 'error' || this.returnType.k === 'agg' || (this.returnType.k === 'void' && v.t.k === 'void'))
      return v;
    return build.convert(v, this.returnType);
  }

  private forLoop(loc: Loc): Stmt {
    this.next();
    this.expect('(');
    const outer = this.scope;
    this.scope = new Scope(outer);
    const init: Stmt[] = [];
    if (this.startsType()) this.declaration(init);
    else {
      if (!this.is(';')) {
        const start = this.loc;
        init.push({ k: 'expr', e: this.orError(() => this.expression(), ';'), loc: start });
      }
      this.expect(';');
    }
    const c = this.is(';') ? null : this.orError(() => build.condition(this.expression()), ';');
    this.expect(';');
    const step = this.is(')') ? null : this.orError(() => this.expression(), ')');
    this.expect(')');
    const body = this.statement();
    this.scope = outer;
    return { k: 'for', init, c, step, body, loc };
  }

  /**
   * Without instructions it is a compiler barrier. Instructions are a call of the function that models them
   * (`assemblyName`): it gets the addresses of what is written and of operands in memory, and the other operands' values.
   */
  private assembly(loc: Loc): Stmt {
    this.next();
    const words: string[] = [];
    while (this.peek().kind === 'id') words.push(this.next().text);
    const from = this.at;
    this.expect('(');
    const template: string[] = [];
    while (this.peek().kind === 'str') template.push(this.next().text.slice(1, -1));
    const name = assemblyName(template.join(''));
    const isBarrier = template.length > 0 && instructionsOf(name) === '';
    let e: Expr = errorExpr(unmodelledAssembly(loc, name), VOID);
    if (!isBarrier && !words.includes('goto')) e = this.orError(() => this.assemblyCall(name, loc), ':', ')');
    this.at = from;
    this.group();
    this.expect(';');
    return isBarrier ? { k: 'empty', loc } : { k: 'expr', e, loc };
  }

  private assemblyCall(name: string, loc: Loc): Expr {
    const args: Expr[] = [];
    for (const isOutput of [true, false]) {
      if (!this.accept(':')) break;
      while (this.peek().kind === 'str' || this.is('[')) {
        if (this.is('[')) this.group();
        const constraint = this.next().text;
        this.expect('(');
        const operand = this.expression();
        this.expect(')');
        if (operand.k === 'error') return operand;
        const isAddress = isOutput || constraint.includes('m');
        args.push(isAddress ? build.addressOf(operand, loc) : build.value(operand));
        if (!this.accept(',')) break;
      }
    }
    const type: FunctionType = { k: 'fn', returns: VOID, parameters: [], variadic: true, unknown: true };
    const fn = this.names.declaredFunction(name, type, loc);
    const f: Expr = { k: 'addr', e: { k: 'fn', fn, t: type, loc }, t: { k: 'ptr', to: type }, loc };
    return { k: 'call', f, args, type, t: VOID, loc };
  }

  private declaration(found: Stmt[]): void {
    const specifiers = this.specifiers();
    if (this.accept(';')) return;
    do this.declarationOf(specifiers, found);
    while (this.accept(','));
    this.expect(';');
  }

  private declarationOf(specifiers: Specifiers, found: Stmt[]): void {
    const declared = this.declarator(specifiers.type);
    const { name, loc } = declared;
    let { type } = declared;
    const attributes = { ...specifiers.attributes, ...declared.attributes };
    const align = Math.max(specifiers.attributes.align ?? 0, declared.attributes.align ?? 0);
    if (specifiers.storage === 'typedef') {
      this.scope.names.set(name, { k: 'type', type });
      return;
    }
    if (type.k === 'fn') {
      if (this.is('{')) throw new CodeError(loc, `the nested function ${name}`);
      const fn = this.names.functionNamed(name) ?? this.names.declaredFunction(name, type, loc);
      this.scope.names.set(name, { k: 'fn', fn });
      return;
    }
    if (specifiers.storage === 'extern') {
      const global = this.names.globalNamed(name);
      if (!global) throw new CodeError(loc, `unknown identifier ${name}`);
      this.scope.names.set(name, { k: 'global', global });
      return;
    }
    if (specifiers.storage === 'static') {
      this.staticLocal({ ...declared, attributes: { ...attributes, ...(align > 0 && { align }) } });
      return;
    }
    if (specifiers.auto) {
      // The name is not in scope in its own initialiser.
      this.expect('=');
      const e = this.orError(() => build.value(this.assignmentExpression()), ',', ';');
      const local: Local = { name, type: e.t, loc, offset: -1 };
      this.scope.names.set(name, { k: 'local', local });
      found.push({
        k: 'decl',
        local,
        init: { values: [{ offset: 0, type: e.t, value: e }], whole: true },
        loc: specifiers.loc,
      });
      return;
    }
    const local: Local = { name, type, loc, offset: -1, ...(align > 0 && { align }) };
    if (attributes.cleanup) local.cleanup = attributes.cleanup;
    this.scope.names.set(name, { k: 'local', local });
    if (!this.accept('=')) {
      found.push({ k: 'decl', local, init: null, loc: specifiers.loc });
      return;
    }
    const from = this.at;
    try {
      const { init, type: completed } = this.initialiser(type);
      type = completed;
      local.type = type;
      found.push({ k: 'decl', local, init, loc: specifiers.loc });
    } catch (error) {
      if (!(error instanceof CodeError)) throw error;
      this.at = from;
      this.skipTo(',', ';');
      found.push({ k: 'expr', e: errorExpr(error, INT), loc: specifiers.loc });
    }
  }

  private staticLocal(declared: Declarator): void {
    const { name, type } = declared;
    let init: Initialiser | null = null;
    const global = this.onStatic(declared, () => init);
    // Its own initialiser may name it, as a lock's does.
    this.scope.names.set(name, { k: 'global', global });
    if (!this.accept('=')) return;
    const read = this.initialiser(type);
    init = read.init;
    global.type = read.type;
  }

  statementExpression(loc: Loc): Expr {
    if (this.isFileLevel) throw new CodeError(loc, 'a statement expression outside of a function');
    const block = this.block();
    const body = block.k === 'block' ? block.body : [];
    const last = body[body.length - 1];
    if (last?.k !== 'expr') return { k: 'stmts', body, last: null, t: VOID, loc };
    const e = build.value(last.e);
    if (e.k === 'error') return e;
    if (e.t.k !== 'void' && e.t.k !== 'agg' && !isScalar(e.t))
      throw new CodeError(loc, `a statement expression of type ${typeName(e.t)}`);
    return { k: 'stmts', body: body.slice(0, -1), last: e, t: e.t, loc };
  }
}
