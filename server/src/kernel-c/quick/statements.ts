/** Statements of one function's body. */
import type { MaskedText } from '../masking.js';
import type { Expression, Statement } from '../syntax.js';
import { commaOperands } from '../syntax-reader.js';
import { OP } from './cursor.js';
import { DeclarationReader } from './declarations.js';
import { Kind, type TokenList, Word } from './tokens.js';

export abstract class StatementReader extends DeclarationReader {
  constructor(
    tokens: TokenList,
    protected readonly masked: MaskedText,
  ) {
    super(tokens);
  }

  protected statementsInBraces(): Statement[] {
    return this.block().s;
  }

  protected block(): { k: 'block'; s: Statement[]; end: number } {
    return this.nested(() => {
      const s: Statement[] = [];
      this.expect(OP.braceOpen);
      while (!this.isOperator(OP.braceClose)) this.statement(s);
      const end = this.position(this.at++);
      return { k: 'block', s, end };
    });
  }

  /** Appends the statement at the cursor; a declaration of several names becomes several. */
  private statement(into: Statement[]): void {
    switch (this.kind()) {
      case Kind.Keyword:
        return this.keywordStatement(into);
      case Kind.Name:
        if (this.isOperator(OP.colon, 1)) {
          into.push(this.labelled());
          return;
        }
        if (this.isDeclaration()) return this.localDeclaration(into);
        return this.expressionStatement(into);
      case Kind.Operator:
        if (this.isOperator(OP.braceOpen)) {
          into.push(this.block());
          return;
        }
        if (this.take(OP.semicolon)) return;
        return this.expressionStatement(into);
      default:
        return this.expressionStatement(into);
    }
  }

  /** A name, and behind it another one, or a `*` and a name that no operator follows. */
  private isDeclaration(): boolean {
    if (this.isName(1)) return true;
    const next = this.word(1);
    if (next === Word.Qualifier || next === Word.Storage) return true;
    if (!this.isOperator(OP.star, 1)) return false;
    let ahead = 2;
    while (this.isOperator(OP.star, ahead) || this.word(ahead) === Word.Qualifier) ahead++;
    if (!this.isName(ahead)) return false;
    const code = this.code(ahead + 1);
    if (this.kind(ahead + 1) !== Kind.Operator) return this.giveUp();
    if (code === OP.semicolon || code === OP.assign || code === OP.comma || code === OP.bracketOpen)
      return true;
    // `a * b(c);`, `a * b * c;`: the grammar has its own mind there.
    return this.giveUp();
  }

  private keywordStatement(into: Statement[]): void {
    const first = this.at;
    const p = this.position(first);
    switch (this.word()) {
      case Word.If:
        into.push(this.ifStatement());
        return;
      case Word.While:
        into.push(this.whileStatement());
        return;
      case Word.Do: {
        this.at++;
        const b = this.single();
        this.expectWord(Word.While);
        const c = this.condition();
        this.expect(OP.semicolon);
        into.push({ k: 'do', c, b, p });
        return;
      }
      case Word.For:
        into.push(this.forStatement());
        return;
      case Word.Switch: {
        this.at++;
        const c = this.condition();
        if (!this.isOperator(OP.braceOpen)) this.giveUp();
        into.push({ k: 'switch', c, b: this.block(), p });
        return;
      }
      case Word.Case:
      case Word.Default:
        into.push(this.caseStatement());
        return;
      case Word.Return: {
        this.at++;
        if (this.take(OP.semicolon)) {
          into.push({ k: 'return', p });
          return;
        }
        const x = this.expressions();
        this.expect(OP.semicolon);
        into.push({ k: 'return', x, p });
        return;
      }
      case Word.Break:
      case Word.Continue: {
        const k = this.word() === Word.Break ? 'break' : 'continue';
        this.at++;
        this.expect(OP.semicolon);
        into.push({ k, p });
        return;
      }
      case Word.Goto: {
        this.at++;
        const label = this.takeName();
        this.expect(OP.semicolon);
        into.push({ k: 'goto', label, p });
        return;
      }
      case Word.Sizeof:
      case Word.Offsetof:
        return this.expressionStatement(into);
      case Word.Struct:
      case Word.Union:
      case Word.Enum:
      case Word.Storage:
      case Word.Qualifier:
      case Word.Sign:
      case Word.Primitive:
        return this.localDeclaration(into);
      default:
        this.giveUp();
    }
  }

  private expressionStatement(into: Statement[]): void {
    const first = this.at;
    const x = this.expressions();
    this.expect(OP.semicolon);
    // `ElfW(Sym) *sym;`: nobody multiplies for nothing.
    if (x.k === 'binary' && x.op === '*') this.giveUp();
    into.push({ k: 'expr', x, p: this.position(first) });
  }

  private localDeclaration(into: Statement[]): void {
    const first = this.at;
    const { storage, base } = this.specifiers('');
    const names = this.declaredNames(base);
    const start = this.startOf(first);
    const end = this.endOf(this.at - 1);
    let cleanup: string | undefined;
    for (const [offset, name] of this.masked.cleanups) if (offset >= start && offset < end) cleanup = name;
    for (const { name, type, initialiser, p } of names) {
      const declared: Statement = { k: 'decl', n: name, t: type, p };
      if (initialiser) declared.i = initialiser;
      if (storage.has('static')) declared.static = true;
      if (cleanup) declared.cleanup = cleanup;
      into.push(declared);
    }
  }

  private condition(): Expression {
    this.expect(OP.parenOpen);
    if (this.isOperator(OP.braceOpen)) this.giveUp();
    const c = this.expressions();
    this.expect(OP.parenClose);
    return c;
  }

  /** The statement at the cursor as one; `;` and several declared names become a block. */
  private single(): Statement {
    return this.nested(() => {
      const s: Statement[] = [];
      const p = this.position(this.at);
      // Only blocks have declarations.
      if (this.isDeclarationStart()) this.giveUp();
      this.statement(s);
      return s.length === 1 ? s[0]! : { k: 'block', s, end: p };
    });
  }

  private isDeclarationStart(): boolean {
    if (this.isName()) return !this.isOperator(OP.colon, 1) && this.isDeclaration();
    return this.isTypeStart() || this.word() === Word.Storage;
  }

  private ifStatement(): Statement {
    const first = this.at++;
    const p = this.position(first);
    const iterator = this.masked.iterators.get(this.startOf(first));
    const c = this.condition();
    const t = this.single();
    if (this.word() !== Word.Else)
      return iterator === undefined
        ? { k: 'if', c, t, p }
        : { k: 'foreach', macro: iterator, a: commaOperands(c), b: t, p };
    this.at++;
    const e = this.single();
    if (iterator !== undefined) return { k: 'foreach', macro: iterator, a: commaOperands(c), b: t, p };
    return { k: 'if', c, t, e, p };
  }

  private whileStatement(): Statement {
    const first = this.at++;
    const p = this.position(first);
    const iterator = this.masked.iterators.get(this.startOf(first));
    const c = this.condition();
    const b = this.single();
    return iterator === undefined
      ? { k: 'while', c, b, p }
      : { k: 'foreach', macro: iterator, a: commaOperands(c), b, p };
  }

  private forStatement(): Statement {
    const p = this.position(this.at++);
    const parts: { i?: Statement; c?: Expression; u?: Expression } = {};
    this.expect(OP.parenOpen);
    if (this.isDeclarationStart()) parts.i = this.initialDeclaration();
    else if (!this.take(OP.semicolon)) {
      const at = this.position(this.at);
      parts.i = { k: 'expr', x: this.expressions(), p: at };
      this.expect(OP.semicolon);
    }
    if (!this.take(OP.semicolon)) {
      parts.c = this.expressions();
      this.expect(OP.semicolon);
    }
    if (!this.isOperator(OP.parenClose)) parts.u = this.expressions();
    this.expect(OP.parenClose);
    return { k: 'for', ...parts, b: this.single(), p };
  }

  private initialDeclaration(): Statement {
    const s: Statement[] = [];
    const end = this.position(this.at);
    this.localDeclaration(s);
    return s.length === 1 ? s[0]! : { k: 'block', s, end };
  }

  private caseStatement(): Statement {
    return this.nested(() => {
      const p = this.position(this.at);
      const isDefault = this.word() === Word.Default;
      this.at++;
      const v = isDefault ? null : this.expression();
      this.expect(OP.colon);
      const s: Statement[] = [];
      while (!this.endsCase()) this.statement(s);
      return { k: 'case', v, s, p };
    });
  }

  private endsCase(): boolean {
    const word = this.word();
    return (
      word === Word.Case ||
      word === Word.Default ||
      this.isOperator(OP.braceClose) ||
      this.kind() === Kind.End
    );
  }

  private labelled(): Statement {
    const p = this.position(this.at);
    const n = this.takeName();
    this.at++;
    // A label wants a statement behind it.
    if (this.isOperator(OP.braceClose)) this.giveUp();
    return { k: 'label', n, s: this.labelledStatement(), p };
  }

  private labelledStatement(): Statement {
    const word = this.word();
    if (word === Word.Case || word === Word.Default) this.giveUp();
    return this.nested(() => {
      const s: Statement[] = [];
      const end = this.position(this.at);
      this.statement(s);
      return s.length === 1 ? s[0]! : { k: 'block', s, end };
    });
  }
}
