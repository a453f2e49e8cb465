/** Macros on their way into the flow graph: bodies in place of their uses, arguments where they stand in a body. */
import {
  type Expression,
  type Position,
  type Statement,
  visitExpressions,
  visitStatement,
} from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from '../program/expansion.js';
import type { Truthiness } from './flow-graph.js';
import { GuardedScopes } from './guarded-scopes.js';
import {
  ERROR_CASTS,
  ERROR_TESTS,
  FATAL_TESTS,
  NO_RETURN,
  OPTION_TESTS,
  TRANSPARENT_TESTS,
} from './known-calls.js';
import { lockPrimitive } from './primitives.js';

const MAX_EXPANSION_DEPTH = 12;

/** An argument with side effects is laid out at so many places of a macro's body; behind them only its value counts. */
const MAX_PLACEMENTS = 3;

/** Where something is written, as seen from a macro's expansion. */
export interface Written {
  useAt: Position;
  active: readonly string[];
}

interface Expansion {
  name: string;
  arguments: readonly Expression[];
  p: Position;
  body: readonly Statement[];
}

export abstract class MacroUse extends GuardedScopes {
  protected active: readonly string[] = [];
  /** Where a macro's arguments were written. */
  private readonly written = new Map<Expression, Written>();
  private readonly placements = new Map<Expression, number>();

  protected abstract statements(statements: readonly Statement[]): void;

  /** Lays out what an expression does, and tells what is known of its value's truth. */
  protected abstract evaluate(expression: Expression): Truthiness;

  // ---- what stands around a value

  /** Lays out what merely stands around a value — casts, commas, statement expressions, macros — and hands the value itself on. */
  protected within<T>(expression: Expression, use: (value: Expression) => T): T {
    switch (expression.k) {
      case 'arg':
        return this.argument(expression, (inner) => this.within(inner, use));
      case 'cast':
        return this.within(expression.x, use);
      case 'comma':
        this.evaluate(expression.l);
        return this.within(expression.r, use);
      case 'block': {
        const last = expression.s[expression.s.length - 1];
        const before = last?.k === 'expr' ? expression.s.slice(0, -1) : expression.s;
        this.scope(() => this.statements(before), this.here());
        return last?.k === 'expr' ? this.within(last.x, use) : use({ k: 'other' });
      }
      case 'call': {
        const callee = unwrap(expression.f);
        const [first, ...rest] = expression.a;
        if (callee.k === 'id' && first && TRANSPARENT_TESTS.has(callee.n)) {
          // What such a macro calls, to warn, is called here.
          if (callee.n.includes('WARN') || callee.n.includes('BUG'))
            this.append({
              kind: 'call',
              callee: callee.n,
              arguments: expression.a,
              p: this.at(expression.p),
              next: [],
            });
          for (const argument of rest) this.evaluate(argument);
          return this.within(first, use);
        }
        const option = first && unwrap(first);
        // What a configuration leaves out isn't run. Where nothing says what an option is, both are read.
        if (callee.k === 'id' && OPTION_TESTS.has(callee.n) && option?.k === 'id') {
          if (this.symbols.isOff(option.n)) return use({ k: 'num', v: '0' });
          if (this.symbols.isOn(option.n)) return use({ k: 'num', v: '1' });
        }
        const expansion = this.expansionOf(expression);
        return expansion
          ? this.inMacro(expansion, () => this.withinBody(expansion.body, use))
          : use(expression);
      }
      default:
        return use(expression);
    }
  }

  /** A macro's body is no scope of its own. */
  private withinBody<T>(body: readonly Statement[], use: (value: Expression) => T): T {
    const last = body[body.length - 1];
    this.statements(last?.k === 'expr' ? body.slice(0, -1) : body);
    return last?.k === 'expr' ? this.within(last.x, use) : use({ k: 'other' });
  }

  /** A macro's argument is evaluated where it stands in the macro's body, at the place where it is written. */
  private argument<T>(expression: Expression, use: (value: Expression) => T): T {
    const inner = unwrap(expression);
    const placed = this.placements.get(inner) ?? 0;
    if (!hasEffects(inner)) return this.asWritten(this.written.get(inner), () => use(inner));
    if (placed >= MAX_PLACEMENTS) return use({ k: 'other' });
    this.placements.set(inner, placed + 1);
    return this.asWritten(this.written.get(inner), () => use(inner));
  }

  /** Does something as belonging to the text at another place than the macro at hand. */
  protected asWritten<T>(place: Written | undefined, inside: () => T): T {
    if (!place) return inside();
    const { useAt, active } = this;
    this.useAt = place.useAt;
    this.active = place.active;
    try {
      return inside();
    } finally {
      this.useAt = useAt;
      this.active = active;
    }
  }

  private expansionOf(node: Extract<Expression, { k: 'call' }>): Expansion | undefined {
    const callee = unwrap(node.f);
    if (callee.k !== 'id' || this.active.length >= MAX_EXPANSION_DEPTH || this.active.includes(callee.n))
      return undefined;
    const name = callee.n;
    if (this.isPrimitive(name) || this.names.isLocal(name)) return undefined;
    const macro = this.symbols.macro(name, this.node.file, this.node.facts.instance);
    if (!macro) return undefined;
    if (macro.facts.parameters) {
      if (macro.content.body === undefined) return undefined;
      return { name, arguments: node.a, p: node.p, body: expandMacro(macro, node.a) };
    }
    const alias = macro.facts.parameters === null ? /^[A-Za-z_]\w*$/.exec(macro.facts.text)?.[0] : undefined;
    if (alias === undefined) return undefined;
    return {
      name,
      arguments: [],
      p: node.p,
      body: [{ k: 'expr', x: { ...node, f: { k: 'id', n: alias } }, p: node.p }],
    };
  }

  /** Is a call of this name understood as it is, whatever macro a header defines for it? */
  private isPrimitive(name: string): boolean {
    const known =
      NO_RETURN.has(name) ||
      FATAL_TESTS.has(name) ||
      TRANSPARENT_TESTS.has(name) ||
      ERROR_CASTS.has(name) ||
      ERROR_TESTS.has(name);
    return known || lockPrimitive(name) !== undefined;
  }

  protected inMacro<T>({ name, arguments: args, p, body }: Expansion, inside: () => T): T {
    const effective = args.filter((argument) => hasEffects(unwrap(argument)));
    for (const argument of args) {
      const inner = unwrap(argument);
      if (!this.written.has(inner)) this.written.set(inner, { useAt: this.useAt, active: this.active });
    }
    if (effective.length > 0) {
      const placed = argumentsIn(body);
      // What the body's text doesn't show is taken to be evaluated all the same.
      for (const argument of effective) if (!placed.has(unwrap(argument))) this.evaluate(argument);
    }
    return this.asWritten({ useAt: this.useAt < 0 ? p : this.useAt, active: [...this.active, name] }, inside);
  }
}

function hasEffects(expression: Expression): boolean {
  switch (expression.k) {
    case 'id':
    case 'num':
    case 'str':
    case 'type':
      return false;
    default: {
      let found = false;
      visitExpressions(expression, (inner) => {
        if (inner.k === 'arg') found ||= hasEffects(unwrap(inner));
        else
          found ||= inner.k === 'call' || inner.k === 'assign' || inner.k === 'update' || inner.k === 'block';
      });
      return found;
    }
  }
}

/** The arguments that stand somewhere in a macro's expanded body. */
function argumentsIn(body: readonly Statement[]): Set<Expression> {
  const found = new Set<Expression>();
  for (const statement of body) {
    visitStatement(statement, (inner) => {
      if (inner.k === 'arg') found.add(unwrap(inner));
    });
  }
  return found;
}
