/** Function-like macros put in place on syntax trees: parameters become `arg` nodes, `a$$b` names are pasted. */
import type { Expression, Initialiser, Statement } from '../kernel-c/syntax.js';
import type { MacroEntry } from './model.js';

/** Statements of a macro's body; empty where it has none that could be read. */
export const macroBody = (macro: MacroEntry): readonly Statement[] => macro.content.body ?? [];

/** The expression behind `arg` wrappers. */
export function unwrap(expression: Expression): Expression {
  let inner = expression;
  while (inner.k === 'arg') inner = inner.x;
  return inner;
}

/** The words an argument contributes to a pasted name. */
function pasteText(expression: Expression | undefined): string {
  const inner = expression && unwrap(expression);
  if (!inner) return '';
  if (inner.k === 'id') return inner.n;
  if (inner.k === 'num') return inner.v;
  if (inner.k === 'type') return inner.t;
  return '';
}

/** Arguments for the parameters of one use of a macro. */
export class Substitution {
  constructor(
    private readonly bindings: ReadonlyMap<string, Expression>,
    private readonly rest: readonly Expression[],
    /** Names that stand for all of `rest`. */
    private readonly variadicName: string | undefined,
    /** Are arguments marked as such (`arg`)? Not in what a macro defines: there they are text like any other. */
    private readonly marksArguments: boolean,
  ) {}

  private argument(x: Expression): Expression {
    return this.marksArguments ? { k: 'arg', x } : x;
  }

  name(name: string): string {
    if (!name.includes('$$')) {
      const bound = this.bindings.get(name);
      return bound ? pasteText(bound) || name : name;
    }
    return name
      .split('$$')
      .map((part) => (this.bindings.has(part) ? pasteText(this.bindings.get(part)) : part))
      .join('');
  }

  type(text: string): string {
    return text.replace(/[A-Za-z_$][\w$]*/, (name) => this.name(name));
  }

  expression(node: Expression): Expression {
    switch (node.k) {
      case 'id': {
        if (this.isRest(node) && this.rest.length > 1)
          return this.rest.map((x) => this.argument(x)).reduce((l, r) => ({ k: 'comma', l, r }));
        const bound = this.bindings.get(node.n);
        if (bound) return this.argument(bound);
        return node.n.includes('$$') ? { k: 'id', n: this.name(node.n) } : node;
      }
      case 'call':
        return { k: 'call', f: this.expression(node.f), a: this.callArguments(node.a), p: node.p };
      case 'field':
        return { k: 'field', o: this.expression(node.o), n: this.name(node.n), arrow: node.arrow };
      case 'index':
        return { k: 'index', o: this.expression(node.o), i: this.expression(node.i) };
      case 'unary':
        return { k: 'unary', op: node.op, x: this.expression(node.x) };
      case 'update':
        return { ...node, x: this.expression(node.x) };
      case 'binary':
        return { k: 'binary', op: node.op, l: this.expression(node.l), r: this.expression(node.r) };
      case 'assign':
        return {
          k: 'assign',
          op: node.op,
          l: this.expression(node.l),
          r: this.expression(node.r),
          p: node.p,
        };
      case 'comma':
        return { k: 'comma', l: this.expression(node.l), r: this.expression(node.r) };
      case 'cond':
        return {
          k: 'cond',
          c: this.expression(node.c),
          t: node.t && this.expression(node.t),
          e: this.expression(node.e),
        };
      case 'cast':
        return { k: 'cast', t: this.type(node.t), x: this.expression(node.x) };
      case 'type':
        return { k: 'type', t: this.type(node.t) };
      case 'block':
        return { k: 'block', s: this.statements(node.s) };
      case 'init':
        return node.t === undefined
          ? { k: 'init', items: node.items.map((item) => this.initialiser(item)) }
          : { k: 'init', items: node.items.map((item) => this.initialiser(item)), t: this.type(node.t) };
      default:
        return node;
    }
  }

  private isRest(node: Expression): boolean {
    return (
      node.k === 'id' &&
      (node.n === '__VA_ARGS__' || (this.variadicName !== undefined && node.n === this.variadicName))
    );
  }

  callArguments(nodes: readonly Expression[]): Expression[] {
    return nodes.flatMap((argument) =>
      this.isRest(argument) ? this.rest.map((x) => this.argument(x)) : [this.expression(argument)],
    );
  }

  private initialiser(item: Initialiser): Initialiser {
    const x = this.expression(item.x);
    return item.d ? { d: item.d.map((designator) => this.name(designator)), x, p: item.p } : { x, p: item.p };
  }

  statements(nodes: readonly Statement[]): Statement[] {
    return nodes.map((node) => this.statement(node));
  }

  private optional<T extends Statement | Expression, R>(
    node: T | undefined,
    convert: (node: T) => R,
  ): R | undefined {
    return node === undefined ? undefined : convert(node);
  }

  statement(node: Statement): Statement {
    switch (node.k) {
      case 'expr':
        return { ...node, x: this.expression(node.x) };
      case 'decl': {
        const declared = { ...node, n: this.name(node.n), t: this.type(node.t) };
        if (node.i) declared.i = this.expression(node.i);
        return declared;
      }
      case 'block':
        return { ...node, s: this.statements(node.s) };
      case 'if': {
        const converted: Statement = {
          k: 'if',
          c: this.expression(node.c),
          t: this.statement(node.t),
          p: node.p,
        };
        if (node.e) converted.e = this.statement(node.e);
        return converted;
      }
      case 'while':
      case 'do':
      case 'switch':
        return { ...node, c: this.expression(node.c), b: this.statement(node.b) };
      case 'for': {
        const i = this.optional(node.i, (x) => this.statement(x));
        const c = this.optional(node.c, (x) => this.expression(x));
        const u = this.optional(node.u, (x) => this.expression(x));
        return {
          k: 'for',
          ...(i && { i }),
          ...(c && { c }),
          ...(u && { u }),
          b: this.statement(node.b),
          p: node.p,
        };
      }
      case 'foreach':
        return {
          ...node,
          macro: this.name(node.macro),
          a: this.callArguments(node.a),
          b: this.statement(node.b),
        };
      case 'case':
        return { ...node, v: node.v && this.expression(node.v), s: this.statements(node.s) };
      case 'return':
        return node.x ? { ...node, x: this.expression(node.x) } : node;
      case 'label':
        return { ...node, s: node.s && this.statement(node.s) };
      default:
        return node;
    }
  }
}

/** The body of a function-like macro with its arguments in place. Missing arguments are left as they are written. */
export function expandMacro(macro: MacroEntry, args: readonly Expression[]): Statement[] {
  return substitutionOf(macro, args).statements(macroBody(macro));
}

export function substitutionOf(
  macro: MacroEntry,
  args: readonly Expression[],
  marksArguments = true,
): Substitution {
  const parameters = macro.facts.parameters ?? [];
  const bindings = new Map<string, Expression>();
  const fixed = macro.facts.variadic ? parameters.length - 1 : parameters.length;
  for (let i = 0; i < fixed; i++) {
    const argument = args[i];
    if (argument) bindings.set(parameters[i]!, argument);
  }
  const rest = args.slice(fixed);
  const variadicName = macro.facts.variadic ? parameters[fixed] : undefined;
  if (variadicName !== undefined && rest[0]) bindings.set(variadicName, rest[0]);
  return new Substitution(bindings, rest, variadicName, marksArguments);
}
