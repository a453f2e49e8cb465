/**
 * `#if` conditions without a preprocessor. A symbol's value comes from the tree's `.config` or from the defaults
 * table; what neither knows stays unknown, and an unknown condition is told apart from a false one.
 */
import { BINARY_PRECEDENCE } from './operators.js';

export type Truth = 'true' | 'false' | 'unknown';

/** What is known of preprocessor symbols while one file is read. */
export interface Configuration {
  /** Value of a symbol: a number, or `undefined` when the symbol is known not to be defined; `null` when nothing is known. */
  valueOf(symbol: string): number | undefined | null;
  /** Is the symbol's value said somewhere, not merely taken to be so? */
  isSaid?(symbol: string): boolean;
  /** Changes whenever an answer of `valueOf` could, so that cached facts of another configuration are not used. */
  readonly key: string;
}

export type SymbolTable = Readonly<Record<string, string>>;

/**
 * A configuration from symbol values as `.config` writes them (`y`, `m`, `n`, a number).
 * With `closed`, a `CONFIG_` symbol that isn't listed is off (a `.config` lists all that is on);
 * without, it is taken as on: kernel developers read the code that a feature brings, not its stub.
 */
export function configurationOf(symbols: SymbolTable, closed: boolean, key: string): Configuration {
  const values = new Map<string, number | undefined>();
  for (const [name, text] of Object.entries(symbols)) {
    if (text === 'n') values.set(name, undefined);
    else if (text === 'y' || text === 'm') values.set(name, 1);
    else {
      const number = Number(text);
      values.set(name, Number.isFinite(number) ? number : 1);
    }
  }
  return {
    key,
    valueOf(symbol) {
      if (values.has(symbol)) return values.get(symbol);
      if (!symbol.startsWith('CONFIG_')) return null;
      return closed ? undefined : 1;
    },
    isSaid: (symbol) => closed || values.has(symbol),
  };
}

/** The same configuration with some symbols set otherwise, as a template's includer does with `#define PTTYPE 64`. */
export function withSymbols(
  base: Configuration,
  symbols: ReadonlyMap<string, number | undefined>,
  key: string,
): Configuration {
  return {
    key: `${base.key}+${key}`,
    valueOf: (symbol) => (symbols.has(symbol) ? symbols.get(symbol) : base.valueOf(symbol)),
    isSaid: (symbol) => symbols.has(symbol) || base.isSaid?.(symbol) === true,
  };
}

/** Reads a `.config`: `CONFIG_X=y` and `# CONFIG_X is not set`; other lines are ignored. */
export function parseDotConfig(text: string): SymbolTable {
  const symbols: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const set = /^(CONFIG_\w+)=(.*?)\s*$/.exec(line);
    if (set) symbols[set[1]!] = set[2]!.replace(/^"(.*)"$/, '$1');
    const unset = /^# (CONFIG_\w+) is not set/.exec(line);
    if (unset) symbols[unset[1]!] = 'n';
  }
  return symbols;
}

type Value = number | null;

/** Conditions nested deeper than this are unknown: nobody wrote them by hand. */
const MAX_DEPTH = 200;

function applyBinary(op: string, l: Value, r: Value): Value {
  if (op === '&&') return l === 0 || r === 0 ? 0 : l === null || r === null ? null : 1;
  if (op === '||')
    return (l !== null && l !== 0) || (r !== null && r !== 0) ? 1 : l === null || r === null ? null : 0;
  if (l === null || r === null) return null;
  switch (op) {
    case '|':
      return l | r;
    case '^':
      return l ^ r;
    case '&':
      return l & r;
    case '==':
      return l === r ? 1 : 0;
    case '!=':
      return l !== r ? 1 : 0;
    case '<':
      return l < r ? 1 : 0;
    case '>':
      return l > r ? 1 : 0;
    case '<=':
      return l <= r ? 1 : 0;
    case '>=':
      return l >= r ? 1 : 0;
    case '<<':
      return l << r;
    case '>>':
      return l >> r;
    case '+':
      return l + r;
    case '-':
      return l - r;
    case '*':
      return l * r;
    case '/':
      return r === 0 ? null : Math.trunc(l / r);
    default:
      return r === 0 ? null : l % r;
  }
}

/** Evaluates one condition's text; half-typed text is unknown, never an error. */
class ConditionReader {
  private readonly tokens: string[];
  private at = 0;
  private depth = 0;

  constructor(
    text: string,
    private readonly configuration: Configuration,
  ) {
    this.tokens =
      text
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ' ')
        .match(/\w+|&&|\|\||==|!=|<=|>=|<<|>>|[-+*/%!~<>()?:&|^,]/g) ?? [];
  }

  read(): Value {
    if (this.tokens.length === 0) return null;
    return this.binary(1);
  }

  private binary(minimum: number): Value {
    let left = this.unary();
    for (;;) {
      const op = this.tokens[this.at];
      const precedence = op === undefined ? undefined : BINARY_PRECEDENCE[op];
      if (op === undefined || precedence === undefined || precedence < minimum) return left;
      this.at++;
      left = applyBinary(op, left, this.binary(precedence + 1));
    }
  }

  private unary(): Value {
    if (this.depth >= MAX_DEPTH) return null;
    this.depth++;
    try {
      return this.operand();
    } finally {
      this.depth--;
    }
  }

  private operand(): Value {
    const token = this.tokens[this.at++];
    if (token === undefined) return null;
    if (token === '!') {
      const value = this.unary();
      return value === null ? null : value === 0 ? 1 : 0;
    }
    if (token === '-' || token === '+' || token === '~') {
      const value = this.unary();
      return value === null ? null : token === '-' ? -value : token === '~' ? ~value : value;
    }
    if (token === '(') {
      const value = this.binary(1);
      if (this.tokens[this.at] === ')') this.at++;
      return value;
    }
    if (token === 'defined' || /^IS_(ENABLED|BUILTIN|MODULE|REACHABLE)$/.test(token))
      return this.definedTest();
    if (/^\d/.test(token)) {
      const number = Number(token.replace(/[uUlL]+$/, ''));
      return Number.isNaN(number) ? null : number;
    }
    if (this.tokens[this.at] === '(') {
      this.skipArguments();
      return null;
    }
    const value = this.configuration.valueOf(token);
    return value === undefined ? 0 : value;
  }

  private definedTest(): Value {
    const parenthesised = this.tokens[this.at] === '(';
    if (parenthesised) this.at++;
    const symbol = this.tokens[this.at++];
    if (parenthesised && this.tokens[this.at] === ')') this.at++;
    if (symbol === undefined) return null;
    const value = this.configuration.valueOf(symbol);
    return value === null ? null : value === undefined ? 0 : 1;
  }

  private skipArguments(): void {
    let depth = 0;
    do {
      const token = this.tokens[this.at++];
      if (token === undefined) return;
      if (token === '(') depth++;
      if (token === ')') depth--;
    } while (depth > 0);
  }
}

/** Truth of the text behind `#if`. */
export function evaluateCondition(text: string, configuration: Configuration): Truth {
  const value = new ConditionReader(text, configuration).read();
  return value === null ? 'unknown' : value === 0 ? 'false' : 'true';
}

export function negate(truth: Truth): Truth {
  return truth === 'true' ? 'false' : truth === 'false' ? 'true' : 'unknown';
}

export function both(a: Truth, b: Truth): Truth {
  return a === 'false' || b === 'false' ? 'false' : a === 'true' && b === 'true' ? 'true' : 'unknown';
}
