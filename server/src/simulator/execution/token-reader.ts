/** A cursor over expanded tokens, and the names in force at it. */
import type { Expr, Local } from './ast.js';
import type { FunctionSymbol, GlobalVariable } from './symbols.js';
import { CodeError, type Loc, type Token } from './tokens.js';
import type { AggregateType, CType, EnumType, FunctionType } from './types.js';

/** What a name means in a block. */
export type Meaning =
  | { k: 'local'; local: Local }
  | { k: 'global'; global: GlobalVariable }
  | { k: 'fn'; fn: FunctionSymbol }
  | { k: 'type'; type: CType }
  | { k: 'constant'; v: bigint; t: CType };

export class Scope {
  readonly names = new Map<string, Meaning>();
  readonly tags = new Map<string, AggregateType | EnumType>();

  constructor(readonly parent: Scope | undefined) {}

  find(name: string): Meaning | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const found = scope.names.get(name);
      if (found) return found;
    }
    return undefined;
  }

  findTag(name: string): AggregateType | EnumType | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.parent) {
      const found = scope.tags.get(name);
      if (found) return found;
    }
    return undefined;
  }
}

/** What a translation unit knows of names outside of blocks; asked only for names that occur. */
export interface FileNames {
  typedefNamed(name: string): CType | undefined;
  tagged(kind: 'struct' | 'union' | 'enum', tag: string): AggregateType | EnumType | undefined;
  constantNamed(name: string): { v: bigint; t: CType } | undefined;
  globalNamed(name: string): GlobalVariable | undefined;
  functionNamed(name: string): FunctionSymbol | undefined;
  /** A function that is declared in a block and nowhere else. */
  declaredFunction(name: string, type: FunctionType, loc: Loc): FunctionSymbol;
}

const OPENING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

export class TokenReader {
  protected at = 0;

  constructor(
    protected readonly tokens: readonly Token[],
    /** Place to name when the tokens are at their end. */
    private readonly endLoc: Loc,
  ) {}

  protected peek(ahead = 0): Token {
    return this.tokens[this.at + ahead] ?? { kind: 'eof', text: '', loc: this.lastLoc(), space: false };
  }

  private lastLoc(): Loc {
    return this.tokens[this.tokens.length - 1]?.loc ?? this.endLoc;
  }

  get loc(): Loc {
    return this.peek().loc;
  }

  get isAtEnd(): boolean {
    return this.at >= this.tokens.length;
  }

  protected next(): Token {
    const token = this.peek();
    this.at++;
    return token;
  }

  /** Is the next token this punctuation or word? */
  protected is(text: string, ahead = 0): boolean {
    const token = this.tokens[this.at + ahead];
    return token !== undefined && token.text === text && (token.kind === 'punc' || token.kind === 'id');
  }

  protected accept(text: string): boolean {
    if (!this.is(text)) return false;
    this.at++;
    return true;
  }

  protected expect(text: string): Token {
    if (this.is(text)) return this.next();
    throw this.unexpected(`'${text}'`);
  }

  protected unexpected(wanted: string): CodeError {
    const token = this.peek();
    const found = token.kind === 'eof' ? 'the end' : `'${token.text}'`;
    return new CodeError(token.loc, `expected ${wanted}, found ${found}`);
  }

  protected name(): Token {
    if (this.peek().kind !== 'id') throw this.unexpected('a name');
    return this.next();
  }

  /** Passes over tokens up to one of these outside of brackets; it isn't taken. */
  protected skipTo(...ends: string[]): void {
    const open: string[] = [];
    for (; this.at < this.tokens.length; this.at++) {
      const { kind, text } = this.tokens[this.at]!;
      if (kind !== 'punc') continue;
      if (open.length === 0 && ends.includes(text)) return;
      const close = OPENING[text];
      if (close) open.push(close);
      else if (text === ')' || text === ']' || text === '}') {
        if (open.pop() !== text) return;
      }
    }
  }

  /** Takes a bracketed group, the opening bracket being next, and returns what is inside. */
  protected group(): Token[] {
    const open = this.next();
    const from = this.at;
    this.skipTo(OPENING[open.text]!);
    const inside = this.tokens.slice(from, this.at);
    this.expect(OPENING[open.text]!);
    return inside;
  }
}

export const errorExpr = (error: CodeError, t: CType): Expr => ({ k: 'error', error, t, loc: error.loc });
