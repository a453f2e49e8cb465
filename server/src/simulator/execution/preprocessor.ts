/** Macro expansion after C11 6.10.3 (with GNU's `, ## __VA_ARGS__`), token by token, by the definitions that a file sees. */
import type { Configuration } from '../../kernel-c/conditions.js';
import { parseDirective } from '../../kernel-c/directives.js';
import type { Macro } from './source.js';
import { CodeError, type Loc, lex, type Token } from './tokens.js';

/** What gcc defines for x86-64 before the first line, and Kbuild on the command line. */
const PREDEFINED: Readonly<Record<string, string>> = {
  __x86_64__: '1',
  __x86_64: '1',
  __LP64__: '1',
  _LP64: '1',
  __GNUC__: '12',
  __GNUC_MINOR__: '2',
  __STDC__: '1',
  __STDC_VERSION__: '201112L',
  __OPTIMIZE__: '1',
  KBUILD_MODNAME: '"kernel"',
  KBUILD_BASENAME: '"kernel"',
  KBUILD_MODFILE: '"kernel"',
  __CHAR_BIT__: '8',
  __INT_MAX__: '0x7fffffff',
  __LONG_MAX__: '0x7fffffffffffffffL',
  __SIZEOF_INT__: '4',
  __SIZEOF_LONG__: '8',
  __SIZEOF_POINTER__: '8',
  __BIGGEST_ALIGNMENT__: '16',
  __ORDER_LITTLE_ENDIAN__: '1234',
  __ORDER_BIG_ENDIAN__: '4321',
  __BYTE_ORDER__: '1234',
  __LITTLE_ENDIAN: '1234',
  __LITTLE_ENDIAN_BITFIELD: '1',
  __SIZE_TYPE__: 'unsigned long',
  __PTRDIFF_TYPE__: 'long',
  __UINTPTR_TYPE__: 'unsigned long',
  __INT8_TYPE__: 'signed char',
  __INT16_TYPE__: 'short',
  __INT32_TYPE__: 'int',
  __INT64_TYPE__: 'long',
  __UINT8_TYPE__: 'unsigned char',
  __UINT16_TYPE__: 'unsigned short',
  __UINT32_TYPE__: 'unsigned int',
  __UINT64_TYPE__: 'unsigned long',
};

/** Kconfig's tests of an option; here =m counts as =y. */
const CONFIG_TESTS = new Set(['IS_ENABLED', 'IS_BUILTIN', 'IS_REACHABLE', 'IS_MODULE']);

const NOTHING: ReadonlySet<string> = new Set();
const BUILTIN_LOC: Loc = { file: '<built in>', line: 1, column: 1 };

/** A macro from a `#define`. */
export function macroFrom(directive: Token): Macro | undefined {
  const parsed = parseDirective(directive.text);
  if (parsed.kind !== 'define') return undefined;
  const { name, parameters, variadic, body } = parsed.macro;
  const { file, line, column } = directive.loc;
  return { name, parameters, variadic, body: lex(body, file, line, column, false) };
}

const predefined = new Map(
  Object.entries(PREDEFINED).map(([name, text]): [string, Macro] => [
    name,
    { name, parameters: null, variadic: false, body: lex(text, BUILTIN_LOC.file) },
  ]),
);

export class Preprocessor {
  private counter = 0;
  /** `#define` and `#undef` inside of what is being expanded. */
  private readonly local = new Map<string, Macro | null>();

  constructor(
    private readonly lookUp: (name: string) => Macro | undefined,
    private readonly configuration: Configuration,
  ) {}

  macro(name: string): Macro | undefined {
    const own = this.local.get(name);
    if (own !== undefined) return own ?? undefined;
    return this.lookUp(name) ?? predefined.get(name);
  }

  /**
   * The fully expanded tokens.
   * @throws CodeError for a use that doesn't fit its definition
   */
  expand(tokens: readonly Token[]): Token[] {
    const input = [...tokens].reverse();
    const output: Token[] = [];
    for (let token = input.pop(); token; token = input.pop()) {
      if (token.kind === 'directive') this.directive(token);
      else if (token.kind !== 'id' || token.hidden?.has(token.text) || !this.replace(token, input))
        output.push(token);
    }
    return output;
  }

  private directive(token: Token): void {
    const macro = macroFrom(token);
    if (macro) this.local.set(macro.name, macro);
    const undefinition = parseDirective(token.text);
    if (undefinition.kind === 'undef') this.local.set(undefinition.name, null);
  }

  /** An option's value as C; nothing where the configuration only takes it for switched on. */
  private optionValue(name: string): string | undefined {
    const value = this.configuration.valueOf(name);
    if (typeof value !== 'number') return undefined;
    const takesAllAsOn = this.configuration.valueOf('CONFIG_NO_SUCH_OPTION_ANYWHERE') === 1;
    if (value === 1 && takesAllAsOn) return undefined;
    return value < 0x80000000 ? String(value) : `0x${BigInt(value).toString(16)}`;
  }

  /** Puts a macro's replacement in front of the input; false where the token is no macro's use. */
  private replace(token: Token, input: Token[]): boolean {
    const { text, loc } = token;
    const followed = input[input.length - 1];
    if (text.startsWith('CONFIG_')) {
      const value = this.optionValue(text);
      if (value !== undefined) {
        input.push({ ...token, kind: 'num', text: value, fromMacro: true });
        return true;
      }
    }
    if (text === '__FILE__') {
      input.push({ ...token, kind: 'str', text: JSON.stringify(loc.file) });
      return true;
    }
    if (text === '__LINE__' || text === '__COUNTER__') {
      const value = text === '__LINE__' ? loc.line : this.counter++;
      input.push({ ...token, kind: 'num', text: String(value) });
      return true;
    }
    if (CONFIG_TESTS.has(text) && followed?.text === '(') {
      const name = input[input.length - 2];
      if (name?.kind === 'id' && name.text.startsWith('CONFIG_') && input[input.length - 3]?.text === ')') {
        input.length -= 3;
        const value = text !== 'IS_MODULE' && this.configuration.valueOf(name.text) ? '1' : '0';
        input.push({ ...token, kind: 'num', text: value, fromMacro: true });
        return true;
      }
    }
    const macro = this.macro(text);
    if (!macro) return false;
    if (macro.parameters === null) {
      const hidden = new Set(token.hidden ?? NOTHING).add(text);
      this.push(this.substitute(macro, token, [], []), hidden, input);
      return true;
    }
    if (followed?.text !== '(') return false;
    input.pop();
    const { args, close } = this.readArguments(macro, token, input);
    const expanded = args.map(() => undefined as Token[] | undefined);
    const hidden = new Set([...(token.hidden ?? NOTHING)].filter((name) => close.hidden?.has(name))).add(
      text,
    );
    this.push(this.substitute(macro, token, args, expanded), hidden, input);
    return true;
  }

  private push(tokens: readonly Token[], hidden: ReadonlySet<string>, input: Token[]): void {
    for (let i = tokens.length - 1; i >= 0; i--) {
      const token = tokens[i]!;
      if (token.kind !== 'id') input.push(token);
      else if (!token.hidden) input.push({ ...token, hidden });
      else input.push({ ...token, hidden: new Set([...token.hidden, ...hidden]) });
    }
  }

  private readArguments(macro: Macro, use: Token, input: Token[]): { args: Token[][]; close: Token } {
    const args: Token[][] = [[]];
    const parameters = macro.parameters!;
    let depth = 0;
    for (;;) {
      const token = input.pop();
      if (!token) throw new CodeError(use.loc, `the arguments of macro ${macro.name} have no end`);
      if (token.kind === 'directive') continue;
      const { text } = token;
      if (token.kind === 'punc') {
        if (text === '(') depth++;
        if (text === ')' && depth-- === 0) {
          const isNone = args.length === 1 && args[0]!.length === 0 && parameters.length === 0;
          const found = isNone ? [] : args;
          if (macro.variadic && found.length === parameters.length - 1) found.push([]);
          if (found.length !== parameters.length)
            throw new CodeError(
              use.loc,
              `macro ${macro.name} takes ${parameters.length} arguments, not ${found.length}`,
            );
          return { args: found, close: token };
        }
        const isLast = macro.variadic && args.length >= parameters.length;
        if (text === ',' && depth === 0 && !isLast) {
          args.push([]);
          continue;
        }
      }
      args[args.length - 1]!.push(token);
    }
  }

  /** A macro's body with its arguments in place. `expanded` holds the arguments' own expansions, made when needed. */
  private substitute(
    macro: Macro,
    use: Token,
    args: readonly Token[][],
    expanded: (Token[] | undefined)[],
  ): Token[] {
    const { body } = macro;
    const names = macro.parameters ?? [];
    const indexOf = (token: Token | undefined) => (token?.kind === 'id' ? names.indexOf(token.text) : -1);
    const here = (token: Token): Token => ({ ...token, loc: use.loc, fromMacro: true });
    const full = (index: number) => (expanded[index] ??= this.expand(args[index]!));
    const output: Token[] = [];
    for (let i = 0; i < body.length; i++) {
      const token = body[i]!;
      const next = body[i + 1];
      if (token.text === '#' && token.kind === 'punc' && names.length > 0) {
        const index = indexOf(next);
        if (index >= 0) {
          output.push({
            kind: 'str',
            text: stringify(args[index]!),
            loc: use.loc,
            space: token.space,
            fromMacro: true,
          });
          i++;
          continue;
        }
      }
      if (token.text === '##' && token.kind === 'punc' && output.length >= 0 && next) {
        const index = indexOf(next);
        i++;
        let right: Token[];
        if (index >= 0) {
          // GNU: `, ## __VA_ARGS__` drops the comma where there are none, and pastes nothing where there are.
          if (macro.variadic && index === names.length - 1 && output[output.length - 1]?.text === ',') {
            if (args[index]!.length === 0) output.pop();
            else output.push(...full(index));
            continue;
          }
          right = args[index]!;
        } else if (next.text === '__VA_OPT__' && macro.variadic) {
          const group = this.optional(macro, use, body, i, args, expanded);
          i = group.end;
          right = group.tokens;
        } else right = [here(next)];
        const left = output.pop();
        if (!left || left === PLACEMARKER) {
          output.push(...(right.length > 0 ? right : [PLACEMARKER]));
          continue;
        }
        if (right.length === 0) {
          output.push(left);
          continue;
        }
        output.push(paste(left, right[0]!, use.loc), ...right.slice(1));
        continue;
      }
      if (token.text === '__VA_OPT__' && macro.variadic) {
        const group = this.optional(macro, use, body, i, args, expanded);
        i = group.end;
        output.push(...group.tokens);
        continue;
      }
      const index = indexOf(token);
      if (index < 0) output.push(here(token));
      else if (next?.text === '##' && next.kind === 'punc')
        output.push(...(args[index]!.length > 0 ? args[index]! : [PLACEMARKER]));
      else {
        const [first, ...others] = full(index);
        if (first) output.push({ ...first, space: token.space }, ...others);
      }
    }
    return output.filter((token) => token !== PLACEMARKER);
  }

  /** What `__VA_OPT__( … )` at `at` gives. */
  private optional(
    macro: Macro,
    use: Token,
    body: readonly Token[],
    at: number,
    args: readonly Token[][],
    expanded: (Token[] | undefined)[],
  ): { tokens: Token[]; end: number } {
    let depth = 0;
    let end = at + 1;
    for (; end < body.length; end++) {
      if (body[end]!.text === '(') depth++;
      if (body[end]!.text === ')' && --depth === 0) break;
    }
    const inside = body.slice(at + 2, end);
    const isGiven = this.expand(args[args.length - 1] ?? []).length > 0;
    return { tokens: isGiven ? this.substitute({ ...macro, body: inside }, use, args, expanded) : [], end };
  }
}

/** Stands for an empty argument next to `##`. */
const PLACEMARKER: Token = { kind: 'eof', text: '', loc: BUILTIN_LOC, space: false };

function stringify(tokens: readonly Token[]): string {
  let text = '';
  tokens.forEach((token, index) => {
    if (index > 0 && token.space) text += ' ';
    text += token.kind === 'str' || token.kind === 'chr' ? token.text.replace(/["\\]/g, '\\$&') : token.text;
  });
  return `"${text}"`;
}

function paste(left: Token, right: Token, loc: Loc): Token {
  const text = left.text + right.text;
  const tokens = lex(text, loc.file, loc.line, loc.column, false);
  if (tokens.length !== 1 || tokens[0]!.kind === 'directive')
    throw new CodeError(loc, `pasting ${left.text} and ${right.text} gives no token`);
  // A pasted name is a new one: it may be expanded unless both halves' makers forbid it.
  const hidden = left.hidden && right.hidden ? left.hidden : undefined;
  return { ...tokens[0]!, loc, space: left.space, fromMacro: true, ...(hidden && { hidden }) };
}
