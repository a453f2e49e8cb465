/** Expressions, by precedence. */
import type { Expression, Initialiser, Statement, TypeText } from '../syntax.js';
import { nameExpression } from '../syntax-reader.js';
import { isTypeName } from '../type-names.js';
import { MAX_CHAIN, OP, TokenCursor } from './cursor.js';
import { Kind, operator, Word } from './tokens.js';

const precedences = new Map<number, number>();
const BINARY_LEVELS = ['||', '&&', '|', '^', '&', '== !=', '< > <= >=', '<< >>', '+ -', '* / %'];
BINARY_LEVELS.forEach((operators, level) => {
  for (const text of operators.split(' ')) precedences.set(operator(text), level + 1);
});

const assignments: ReadonlySet<number> = new Set(
  '= *= /= %= += -= <<= >>= &= ^= |='.split(' ').map(operator),
);

/** What stood before the operator at the cursor, as far as it decides how to read on. */
enum Operand {
  /** Something that can be assigned to: a name, a call, a member, `*p`, or anything in parentheses. */
  Place,
  Other,
}

export abstract class ExpressionReader extends TokenCursor {
  /** What the operand that was read last was. */
  private operand = Operand.Other;

  protected abstract typeDescriptor(): TypeText;
  protected abstract isTypeStart(): boolean;
  /** The statements between braces; the cursor is at the opening one. */
  protected abstract statementsInBraces(): Statement[];

  /** `a, b` where the grammar has it, else one expression. */
  protected expressions(): Expression {
    const l = this.expression();
    if (!this.take(OP.comma)) return l;
    return { k: 'comma', l, r: this.nested(() => this.expressions()) };
  }

  protected expression(): Expression {
    return this.nested(() => this.assignment());
  }

  private assignment(): Expression {
    const first = this.at;
    const c = this.binary(1);
    if (this.kind() !== Kind.Operator) return c;
    const code = this.code();
    if (code === OP.question) return this.conditional(c);
    if (!assignments.has(code)) return c;
    if (this.operand === Operand.Other) this.giveUp();
    const op = this.takeText();
    const r = this.expression();
    this.operand = Operand.Other;
    return { k: 'assign', op, l: c, r, p: this.position(first) };
  }

  private conditional(c: Expression): Expression {
    this.at++;
    const t = this.isOperator(OP.colon) ? null : this.expressions();
    this.expect(OP.colon);
    const e = this.expression();
    this.operand = Operand.Other;
    return { k: 'cond', c, t, e };
  }

  private binary(lowest: number): Expression {
    let l = this.unary();
    for (let chain = 0; ; chain++) {
      if (chain > MAX_CHAIN) this.giveUp();
      if (this.kind() !== Kind.Operator) return l;
      const level = precedences.get(this.code());
      if (level === undefined || level < lowest) return l;
      const op = this.takeText();
      const r = this.binary(level + 1);
      this.operand = Operand.Other;
      l = { k: 'binary', op, l, r };
    }
  }

  private unary(): Expression {
    switch (this.kind()) {
      case Kind.Operator:
        return this.prefixed();
      case Kind.Keyword:
        if (this.word() === Word.Sizeof) return this.sizeof();
        if (this.word() === Word.Offsetof) return this.offsetof();
        return this.giveUp();
      default:
        return this.postfix(this.at, this.primary());
    }
  }

  private prefixed(): Expression {
    const code = this.code();
    switch (code) {
      case OP.parenOpen:
        return this.inParentheses();
      case OP.minus:
      case OP.plus:
        if (this.kind(1) === Kind.Number && this.endOf(this.at) === this.startOf(this.at + 1)) {
          // To the grammar the sign is part of the number.
          const first = this.at;
          this.at += 2;
          return this.postfix(first, { k: 'num', v: this.textOf(first, first + 1) });
        }
        return this.prefix(Operand.Other);
      case OP.not:
      case OP.invert:
        return this.prefix(Operand.Other);
      case OP.star:
      case OP.and:
        return this.prefix(Operand.Place);
      case OP.increment:
      case OP.decrement: {
        const op = this.takeText() as '++';
        const x = this.nested(() => this.unary());
        this.operand = Operand.Other;
        return { k: 'update', op, x };
      }
      default:
        return this.giveUp();
    }
  }

  private prefix(operand: Operand): Expression {
    const op = this.takeText() as '&';
    const x = this.nested(() => this.unary());
    this.operand = operand;
    return { k: 'unary', op, x };
  }

  private sizeof(): Expression {
    this.at++;
    if (this.isOperator(OP.parenOpen)) {
      this.at++;
      if (this.isTypeStart()) this.typeDescriptor();
      else if (this.isName() && this.isPointerToName()) this.typeDescriptor();
      else this.expressions();
      this.expect(OP.parenClose);
      // `sizeof(a)->b`, `sizeof(struct s){…}`
      if (this.kind() === Kind.Operator && this.isPostfix()) this.giveUp();
      if (this.isOperator(OP.braceOpen)) this.giveUp();
    } else this.nested(() => this.unary());
    this.operand = Operand.Other;
    return { k: 'sizeof' };
  }

  private offsetof(): Expression {
    this.at++;
    this.expect(OP.parenOpen);
    this.typeDescriptor();
    this.expect(OP.comma);
    this.takeName();
    this.expect(OP.parenClose);
    if (this.kind() === Kind.Operator && this.isPostfix()) this.giveUp();
    this.operand = Operand.Other;
    return { k: 'sizeof' };
  }

  private isPostfix(): boolean {
    switch (this.code()) {
      case OP.bracketOpen:
      case OP.parenOpen:
      case OP.dot:
      case OP.arrow:
      case OP.increment:
      case OP.decrement:
        return true;
      default:
        return false;
    }
  }

  /** `(x)`, `({ … })`, `(type)x` or `(type){ … }`. */
  private inParentheses(): Expression {
    const first = this.at++;
    if (this.isOperator(OP.braceOpen)) {
      const s = this.statementsInBraces();
      this.expect(OP.parenClose);
      this.operand = Operand.Place;
      return this.postfix(first, { k: 'block', s });
    }
    if (this.isTypeStart() || (this.isName() && (this.isPointerToName() || this.isCastByName())))
      return this.cast(first);
    const x = this.expressions();
    this.expect(OP.parenClose);
    this.operand = Operand.Place;
    return this.postfix(first, x);
  }

  /** `name *)`: whatever the name is, only a type looks like that. */
  private isPointerToName(): boolean {
    let ahead = 1;
    while (this.isOperator(OP.star, ahead) || this.word(ahead) === Word.Qualifier) ahead++;
    return ahead > 1 && this.isOperator(OP.parenClose, ahead);
  }

  /** `name)` before something that no expression in parentheses stands before, or a type's name. */
  private isCastByName(): boolean {
    if (!this.isOperator(OP.parenClose, 1)) return false;
    switch (this.kind(2)) {
      case Kind.Name:
      case Kind.Number:
      case Kind.Text:
      case Kind.Character:
        return true;
      case Kind.Keyword:
        return this.word(2) === Word.Sizeof || this.word(2) === Word.Offsetof;
      case Kind.Operator: {
        const code = this.code(2);
        if (code === OP.not || code === OP.invert || code === OP.braceOpen) return true;
        if (code === OP.increment || code === OP.decrement) return this.giveUp();
        const mayBegin =
          code === OP.parenOpen ||
          code === OP.minus ||
          code === OP.plus ||
          code === OP.star ||
          code === OP.and;
        return mayBegin && isTypeName(this.textOf(this.at, this.at));
      }
      default:
        return false;
    }
  }

  /** A cast or compound literal; the cursor is behind its opening parenthesis. */
  private cast(first: number): Expression {
    const t = this.typeDescriptor();
    this.expect(OP.parenClose);
    if (this.isOperator(OP.braceOpen)) {
      const items = this.initialisers();
      this.operand = Operand.Other;
      return this.postfix(first, { k: 'init', items, t });
    }
    const x = this.nested(() => this.unary());
    this.operand = Operand.Other;
    return { k: 'cast', t, x };
  }

  private primary(): Expression {
    switch (this.kind()) {
      case Kind.Name: {
        const next = this.kind(1);
        if (next === Kind.Text || next === Kind.Character) return this.nameBeforeLiteral();
        this.operand = Operand.Place;
        return nameExpression(this.takeText());
      }
      case Kind.Number:
      case Kind.Character:
        this.operand = Operand.Other;
        return { k: 'num', v: this.takeText() };
      case Kind.Text:
        return this.strings();
      default:
        return this.giveUp();
    }
  }

  /** `PRIx64 "…"`; the `L` of `L"…"` is no name. */
  private nameBeforeLiteral(): Expression {
    if (this.endOf(this.at) === this.startOf(this.at + 1) || this.kind(1) === Kind.Character) this.giveUp();
    return this.strings();
  }

  /** Strings that stand side by side, with names of string macros among them. */
  private strings(): Expression {
    while (this.kind() === Kind.Text || this.isName()) this.at++;
    if (this.kind() === Kind.Character && this.endOf(this.at - 1) === this.startOf(this.at)) this.giveUp();
    this.operand = Operand.Other;
    return { k: 'str' };
  }

  /** @param first the token that the expression begins with */
  private postfix(first: number, x: Expression): Expression {
    for (let chain = 0; this.kind() === Kind.Operator; chain++) {
      if (chain > MAX_CHAIN) this.giveUp();
      switch (this.code()) {
        case OP.parenOpen: {
          const a = this.arguments();
          x = { k: 'call', f: x, a, p: this.position(first) };
          this.operand = Operand.Place;
          break;
        }
        case OP.bracketOpen: {
          this.at++;
          const i = this.expression();
          this.expect(OP.bracketClose);
          x = { k: 'index', o: x, i };
          this.operand = Operand.Place;
          break;
        }
        case OP.dot:
        case OP.arrow: {
          const arrow = this.code() === OP.arrow;
          this.at++;
          x = { k: 'field', o: x, n: this.takeName(), arrow };
          this.operand = Operand.Place;
          break;
        }
        case OP.increment:
        case OP.decrement:
          x = { k: 'update', op: this.takeText() as '++', post: true, x };
          this.operand = Operand.Other;
          break;
        default:
          return x;
      }
    }
    return x;
  }

  private arguments(): Expression[] {
    this.at++;
    const found: Expression[] = [];
    if (this.take(OP.parenClose)) return found;
    do found.push(this.expression());
    while (this.take(OP.comma));
    this.expect(OP.parenClose);
    return found;
  }

  /** What an initialiser gives: an expression or a list in braces. */
  protected initialValue(): Expression {
    return this.isOperator(OP.braceOpen) ? { k: 'init', items: this.initialisers() } : this.expression();
  }

  private initialisers(): Initialiser[] {
    return this.nested(() => {
      const items: Initialiser[] = [];
      this.expect(OP.braceOpen);
      while (!this.take(OP.braceClose)) {
        items.push(this.initialiser());
        if (!this.isOperator(OP.braceClose)) this.expect(OP.comma);
      }
      return items;
    });
  }

  private initialiser(): Initialiser {
    const p = this.position(this.at);
    const d: string[] = [];
    if (this.isName() && this.isOperator(OP.colon, 1)) {
      d.push(this.takeName());
      this.at++;
      return { d, x: this.initialValue(), p };
    }
    for (;;) {
      if (this.take(OP.dot)) d.push(this.takeName());
      else if (this.isOperator(OP.bracketOpen)) {
        this.at++;
        this.expression();
        if (this.take(OP.ellipsis)) this.expression();
        this.expect(OP.bracketClose);
        d.push('[]');
      } else break;
    }
    if (d.length === 0) return { x: this.initialValue(), p };
    this.expect(OP.assign);
    return { d, x: this.initialValue(), p };
  }
}
