/** One function's body → its call sites and the function pointers it hands on, with macros put in place. */

import { isTypeName } from '../kernel-c/knowledge.js';
import {
  columnOf,
  type Expression,
  lineOffsetOf,
  type Position,
  type Statement,
  type TypeText,
} from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from './expansion.js';
import {
  FUNCTION_OF_MODULE,
  GUARDS,
  OPAQUE_MACROS,
  STATIC_CALL_SETTERS,
  STATIC_CALLS,
} from './known-macros.js';
import {
  argumentMarks,
  effectsOf,
  isMarked,
  type MacroEffects,
  type MacroEffectsCache,
  type PlacelessSite,
} from './macro-effects.js';
import type {
  Assignment,
  CallSite,
  FunctionNode,
  FunctionUnit,
  MacroEntry,
  Place,
  Slot,
  Via,
} from './model.js';
import { initialiserSlots, memberSlot, parameterSlot, variableSlot } from './slot-names.js';
import type { Symbols } from './symbols.js';
import { TypeScope } from './types.js';

const MAX_EXPANSION_DEPTH = 16;

/** Calls that compilers provide; no edge is wanted for them. */
const BUILTIN = /^(__builtin_|__sync_|__atomic_|__compiletime_assert_|_Static_assert$|static_assert$)/;

interface Context {
  /** The macro written in the function's text that is being looked into. */
  macro?: string;
  /** Where it is written. */
  at?: Position;
  active: readonly string[];
}

export class CallCollector {
  readonly sites: CallSite[] = [];
  readonly assignments: Assignment[] = [];
  readonly mentions = new Set<string>();
  private readonly locals = new Map<string, TypeText>();
  private readonly types: TypeScope;
  private readonly file: string;
  /** Where the statement at hand begins: names have no place of their own. */
  private statementAt: Position = 0;
  /** When probing: names that a local variable would change, and whether anything turned on what an argument is. */
  readonly names = new Set<string>();
  depends = false;

  constructor(
    private readonly symbols: Symbols,
    private readonly node: FunctionNode,
    private readonly watched: ReadonlySet<string>,
    private readonly effects: MacroEffectsCache,
    /** Is this a macro's body whose arguments are marks? */
    private readonly probing = false,
  ) {
    this.file = node.file;
    this.types = new TypeScope(symbols, this.locals, node.file, node.facts.instance);
    node.facts.parameters.forEach((parameter, index) => {
      if (parameter.name === '') return;
      this.locals.set(parameter.name, parameter.type);
      if (this.mayHoldFunction(parameter.type)) {
        this.assign(this.local(parameter.name), { slot: parameterSlot(node.name, index, node.file) }, 0);
      }
    });
  }

  collect(body: readonly Statement[]): FunctionUnit {
    for (const statement of body) this.statement(statement, { active: [] });
    return { node: this.node, sites: this.sites, assignments: this.assignments, mentions: this.mentions };
  }

  private macro(name: string): MacroEntry | undefined {
    return this.symbols.macro(name, this.file, this.node.facts.instance);
  }

  private mayHoldFunction(type: TypeText): boolean {
    return this.symbols.resolveType(type).includes('()');
  }

  private local(name: string): Slot {
    return `L:${this.node.id}#${name}`;
  }

  private place(p: Position): Place {
    return { file: this.file, line: this.node.facts.firstLine + lineOffsetOf(p), column: columnOf(p) + 1 };
  }

  private statement(node: Statement | null | undefined, context: Context): void {
    if (!node) return;
    if (context.at === undefined && node.k !== 'block') this.statementAt = node.p;
    switch (node.k) {
      case 'expr':
        return this.expression(node.x, context);
      case 'decl':
        return this.declaration(node, context);
      case 'block':
        for (const inner of node.s) this.statement(inner, context);
        return;
      case 'if':
        this.expression(node.c, context);
        this.statement(node.t, context);
        return this.statement(node.e, context);
      case 'while':
      case 'do':
      case 'switch':
        this.expression(node.c, context);
        return this.statement(node.b, context);
      case 'for':
        this.statement(node.i, context);
        if (node.c) this.expression(node.c, context);
        if (node.u) this.expression(node.u, context);
        return this.statement(node.b, context);
      case 'foreach':
        this.call({ k: 'call', f: { k: 'id', n: node.macro }, a: node.a, p: node.p }, context);
        return this.statement(node.b, context);
      case 'case':
        if (node.v) this.expression(node.v, context);
        for (const inner of node.s) this.statement(inner, context);
        return;
      case 'return':
        if (node.x) {
          this.expression(node.x, context);
          if (this.mayHoldFunction(this.node.facts.type))
            this.assignFrom(`R:${this.node.name}@${this.file}`, node.x, node.p, context);
        }
        return;
      case 'label':
        return this.statement(node.s, context);
      default:
    }
  }

  private declaration(node: Extract<Statement, { k: 'decl' }>, context: Context): void {
    let type = node.t;
    if (this.probing && (isMarked(node.n) || isMarked(type))) this.depends = true;
    if (type.startsWith('typeof') && node.i) type = this.types.typeOf(node.i) ?? type;
    this.locals.set(node.n, type);
    if (node.i) {
      this.expression(node.i, context);
      this.initialise(this.local(node.n), type, node.i, node.p, context);
    }
    if (node.cleanup) this.site({ name: node.cleanup, text: node.cleanup, via: 'cleanup' }, node.p, context);
  }

  private expression(node: Expression, context: Context): void {
    switch (node.k) {
      case 'id':
        return this.objectMacro(node.n, context);
      case 'call':
        return this.call(node, context);
      case 'field':
        return this.expression(node.o, context);
      case 'index':
        this.expression(node.o, context);
        return this.expression(node.i, context);
      case 'unary':
      case 'update':
      case 'cast':
        return this.expression(node.x, context);
      case 'binary':
      case 'comma':
        this.expression(node.l, context);
        return this.expression(node.r, context);
      case 'assign': {
        this.expression(node.l, context);
        this.expression(node.r, context);
        const slot = node.op === '=' ? this.slotOf(node.l, context) : undefined;
        if (slot) this.assignFrom(slot, node.r, node.p, context);
        return;
      }
      case 'cond':
        this.expression(node.c, context);
        if (node.t) this.expression(node.t, context);
        return this.expression(node.e, context);
      case 'block':
        for (const statement of node.s) this.statement(statement, context);
        return;
      case 'init':
        for (const item of node.items) this.expression(item.x, context);
        if (node.t) this.initialise('', node.t, node, node.items[0]?.p ?? 0, context);
        return;
      default:
    }
  }

  /** `current` is a macro without parentheses that calls. */
  private objectMacro(name: string, context: Context): void {
    if (this.probing) this.names.add(name);
    if (this.locals.has(name) || context.active.includes(name)) return;
    const macro = this.macro(name);
    if (!macro || macro.facts.parameters !== null || macro.content.body === undefined) return;
    this.inMacro(name, expandMacro(macro, []), this.statementAt, context);
  }

  private inMacro(name: string, body: readonly Statement[], at: Position, context: Context): void {
    if (context.active.length >= MAX_EXPANSION_DEPTH) return;
    const inner: Context = {
      macro: context.macro ?? name,
      at: context.at ?? at,
      active: [...context.active, name],
    };
    for (const statement of body) this.statement(statement, inner);
  }

  private useMacro(
    macro: MacroEntry,
    name: string,
    node: Extract<Expression, { k: 'call' }>,
    context: Context,
  ): void {
    const effects = this.effectsOf(macro, name, node.a.length);
    if (!effects || effects.names.some((used) => this.locals.has(used)))
      return this.inMacro(name, expandMacro(macro, node.a), node.p, context);
    if (context.active.length >= MAX_EXPANSION_DEPTH) return;
    const at = context.at ?? node.p;
    const inner: Context = { macro: context.macro ?? name, at, active: context.active };
    for (const site of effects.sites) this.site(site, node.p, inner);
    for (const used of effects.names) if (this.probing) this.names.add(used);
    for (const word of effects.mentions) this.mentions.add(word);
    for (const { slot, source } of effects.assignments) {
      if (!('argument' in source)) this.assign(slot, source, at);
      else {
        const argument = node.a[source.argument];
        if (argument) this.assignFrom(slot, argument, node.p, context);
      }
    }
  }

  /** What the macro does for whatever it is given, or `null` where that depends. */
  private effectsOf(macro: MacroEntry, name: string, count: number): MacroEffects | null {
    const { instance } = this.node.facts;
    return this.effects.of(this.file, instance ?? '', macro, count, () => {
      const facts = { ...this.node.facts, parameters: [] };
      const body = { id: `macro ${name}`, name: '', file: this.file, facts };
      const probe = new CallCollector(this.symbols, body, this.watched, this.effects, true);
      probe.inMacro(name, expandMacro(macro, argumentMarks(count)), 0, { active: [] });
      return effectsOf(probe);
    });
  }

  private call(node: Extract<Expression, { k: 'call' }>, context: Context): void {
    const evaluated = this.evaluatedBy(node);
    node.a.forEach((argument, index) => {
      if (argument.k !== 'arg' && evaluated(index)) this.expression(argument, context);
    });
    this.callee(node.f, node, context);
  }

  /** Which of a call's arguments are evaluated; a macro may drop some. */
  private evaluatedBy(node: Extract<Expression, { k: 'call' }>): (index: number) => boolean {
    const callee = unwrap(node.f);
    const macro = callee.k === 'id' && !this.locals.has(callee.n) ? this.macro(callee.n) : undefined;
    if (!macro?.facts.parameters || macro.content.body === undefined) return () => true;
    const used = this.symbols.evaluatedParameters(macro, this.file);
    const last = macro.facts.parameters.length - 1;
    return (index) => used.has(macro.facts.variadic ? Math.min(index, last) : index);
  }

  private callee(target: Expression, node: Extract<Expression, { k: 'call' }>, context: Context): void {
    switch (target.k) {
      case 'arg':
        return this.callee(target.x, node, context);
      case 'id':
        return this.namedCall(target.n, node, context);
      case 'field':
      case 'index': {
        this.expression(target.k === 'field' ? target.o : target.i, context);
        const slot = this.slotOf(target, context);
        this.site(
          { ...(slot && { slot }), text: textOf(target), via: target.k === 'field' ? 'ops' : 'pointer' },
          node.p,
          context,
        );
        return;
      }
      case 'unary':
      case 'cast':
        return this.callee(target.x, node, context);
      case 'cond':
        this.expression(target.c, context);
        if (target.t) this.callee(target.t, node, context);
        return this.callee(target.e, node, context);
      case 'comma':
        this.expression(target.l, context);
        return this.callee(target.r, node, context);
      case 'block': {
        const last = target.s[target.s.length - 1];
        for (const statement of target.s.slice(0, -1)) this.statement(statement, context);
        if (last?.k === 'expr') this.callee(last.x, node, context);
        return;
      }
      case 'call':
        return this.calledResult(target, node, context);
      default:
    }
  }

  /** The callee is what a call gives: `static_call(key)(…)`, `kvm_x86_call(op)(…)`, `FNAME(walk)(…)`, `guard(mutex)(…)`. */
  private calledResult(
    target: Extract<Expression, { k: 'call' }>,
    node: Extract<Expression, { k: 'call' }>,
    context: Context,
  ): void {
    const inner = unwrap(target.f);
    if (inner.k !== 'id') return this.expression(target, context);
    const argument = target.a[0] && unwrap(target.a[0]!);
    if (STATIC_CALLS.has(inner.n)) {
      if (argument?.k === 'id')
        this.site(
          { slot: `K:${argument.n}`, text: `${inner.n}(${argument.n})`, via: 'static-call' },
          node.p,
          context,
        );
      return;
    }
    if (GUARDS.has(inner.n)) return this.guard(inner.n, target, node, context);
    const byMacro = `${inner.n}(${argument?.k === 'id' ? argument.n : ''})`;
    if (this.symbols.fn(byMacro, this.file)) {
      this.site({ name: byMacro, text: byMacro, via: 'call' }, node.p, context);
      return;
    }
    const macro = context.active.includes(inner.n) ? undefined : this.macro(inner.n);
    if (macro?.facts.parameters) {
      const body = expandMacro(macro, target.a);
      const last = body[body.length - 1];
      if (last?.k === 'expr' && context.active.length < MAX_EXPANSION_DEPTH) {
        this.callee(last.x, node, {
          macro: context.macro ?? inner.n,
          at: context.at ?? node.p,
          active: [...context.active, inner.n],
        });
        return;
      }
    }
    this.expression(target, context);
    const fn = this.symbols.fn(inner.n, this.file);
    if (fn)
      this.site({ slot: `R:${fn.name}@${fn.file}`, text: `${inner.n}()`, via: 'pointer' }, node.p, context);
  }

  /** Constructor and destructor of `guard(mutex)(&lock)`: include/linux/cleanup.h pastes their names from the class. */
  private guard(
    word: string,
    target: Extract<Expression, { k: 'call' }>,
    node: Extract<Expression, { k: 'call' }>,
    context: Context,
  ): void {
    for (const argument of node.a) this.expression(argument, context);
    if (this.watched.has(word)) this.mentions.add(word);
    const name = target.a[0] && unwrap(target.a[0]!);
    if (name?.k !== 'id') return;
    this.site(
      { name: `class_${name.n}_constructor`, text: `guard(${name.n})`, via: 'cleanup' },
      node.p,
      context,
    );
    this.site(
      { name: `class_${name.n}_destructor`, text: `guard(${name.n})`, via: 'cleanup' },
      node.p,
      context,
    );
  }

  private namedCall(name: string, node: Extract<Expression, { k: 'call' }>, context: Context): void {
    if (BUILTIN.test(name)) return;
    if (this.probing) this.names.add(name);
    if (this.watched.has(name)) this.mentions.add(name);
    if (isTypeName(name) && !this.symbols.isFunctionName(name)) return;
    const localType = this.locals.get(name);
    if (localType !== undefined && !context.active.includes(name) && !this.isShadowedMacro(name, localType)) {
      this.site({ slot: this.local(name), text: name, via: 'pointer' }, node.p, context);
      return;
    }
    if (STATIC_CALL_SETTERS.has(name)) return this.setStaticCall(name, node, context);
    const macro = context.active.includes(name) || OPAQUE_MACROS.has(name) ? undefined : this.macro(name);
    if (macro) {
      if (macro.facts.parameters !== null) return this.useMacro(macro, name, node, context);
      // `#define __compare_min <`: what looks like a call is an operator and its operand.
      if (/^\W+$/.test(macro.facts.text)) return;
      const alias = /^\w+$/.exec(macro.facts.text)?.[0];
      if (alias !== undefined && !/^\d/.test(alias))
        return this.namedCall(alias, node, { ...context, active: [...context.active, name] });
      if (macro.content.body !== undefined) {
        const last = expandMacro(macro, [])[0];
        if (last?.k === 'expr')
          return this.callee(last.x, node, {
            macro: context.macro ?? name,
            at: context.at ?? node.p,
            active: [...context.active, name],
          });
      }
    }
    if (!this.symbols.functionsByName.has(name)) {
      const variable = this.symbols.variable(name, this.file);
      if (variable && this.mayHoldFunction(variable.facts.type)) {
        this.site({ slot: variableSlot(variable), text: name, via: 'pointer' }, node.p, context);
        return;
      }
    }
    this.site({ name, text: name, via: 'call' }, node.p, context);
    this.passArguments(name, node, context);
  }

  /** `u32 min, max; … min(a, b)`: a variable may have a macro's name, for only the macro is followed by parentheses. */
  private isShadowedMacro(name: string, type: TypeText): boolean {
    return !this.mayHoldFunction(type) && (this.macro(name)?.facts.parameters ?? null) !== null;
  }

  /** Functions handed over as arguments become values of the callee's parameters. */
  private passArguments(name: string, node: Extract<Expression, { k: 'call' }>, context: Context): void {
    node.a.forEach((argument, index) => {
      const source = this.sourceOf(argument, context);
      for (const one of source) this.assign(parameterSlot(name, index, this.file), one, context.at ?? node.p);
    });
  }

  private setStaticCall(name: string, node: Extract<Expression, { k: 'call' }>, context: Context): void {
    const key = node.a[0] && unwrap(node.a[0]!);
    const value = node.a[STATIC_CALL_SETTERS.get(name)!];
    if (key?.k === 'id' && value) this.assignFrom(`K:${key.n}`, value, context.at ?? node.p, context);
  }

  private site(site: PlacelessSite, p: Position, context: Context): void {
    const { line, column } = this.place(context.at ?? p);
    const via: Via = context.macro !== undefined && site.via === 'call' ? 'macro' : site.via;
    // Named one by one, in one order: there are some 100,000 of these.
    const { name, slot, text } = site;
    const placed: CallSite =
      name !== undefined
        ? { name, text, via, line, column }
        : slot !== undefined
          ? { slot, text, via, line, column }
          : { text, via, line, column };
    if (context.macro !== undefined) placed.macro = context.macro;
    this.sites.push(placed);
  }

  private assign(slot: Slot, source: Assignment['source'], p: Position): void {
    this.assignments.push({ slot, source, at: this.place(p) });
  }

  private assignFrom(slot: Slot, value: Expression, p: Position, context: Context): void {
    for (const source of this.sourceOf(value, context)) this.assign(slot, source, context.at ?? p);
  }

  /** Where a function pointer's value may come from; empty for values that are none. */
  private sourceOf(value: Expression, context: Context): Assignment['source'][] {
    const node = unwrap(value);
    switch (node.k) {
      case 'id': {
        if (this.probing && isMarked(node.n)) return this.sourceOfArgument(node.n);
        const type = this.locals.get(node.n);
        // `typeof(x) __x = (x); f(__x)`: only the argument tells whether that is a function.
        if (this.probing && type?.startsWith('typeof')) this.depends = true;
        if (type !== undefined)
          return this.mayHoldFunction(type) || type === 'void*' ? [{ slot: this.local(node.n) }] : [];
        if (this.symbols.fn(node.n, this.file)) return [{ functionName: node.n }];
        const variable = this.symbols.variable(node.n, this.file);
        // A function whose body isn't in what was read can be called by its name alone.
        if (!variable && this.symbols.prototypes.has(node.n)) return [{ functionName: node.n }];
        return variable && this.mayHoldFunction(variable.facts.type)
          ? [{ slot: variableSlot(variable) }]
          : [];
      }
      case 'unary':
        return node.op === '&' || node.op === '*' ? this.sourceOf(node.x, context) : [];
      case 'cast':
        return this.sourceOf(node.x, context);
      case 'cond':
        return [...(node.t ? this.sourceOf(node.t, context) : []), ...this.sourceOf(node.e, context)];
      case 'comma':
        return this.sourceOf(node.r, context);
      case 'assign':
        return this.sourceOf(node.r, context);
      case 'field':
      case 'index': {
        const type = this.types.typeOf(node);
        if (this.probing && type === undefined && this.mayBeFunction(node)) this.depends = true;
        if (type === undefined || !this.mayHoldFunction(type)) return [];
        const slot = this.slotOf(node, context);
        return slot ? [{ slot }] : [];
      }
      case 'call': {
        const callee = unwrap(node.f);
        if (callee.k !== 'id') return [];
        if (this.probing && isMarked(callee.n)) this.depends = true;
        if (
          (callee.n === 'READ_ONCE' ||
            callee.n.startsWith('rcu_dereference') ||
            callee.n === 'smp_load_acquire') &&
          node.a[0]
        )
          return this.sourceOf(node.a[0]!, context);
        const fn = this.symbols.fn(callee.n, this.file);
        if (fn) return this.mayHoldFunction(fn.facts.type) ? [{ slot: `R:${fn.name}@${fn.file}` }] : [];
        return this.sourceOfMacro(callee.n, node, context);
      }
      default:
        return [];
    }
  }

  /** An argument as a whole stands where the mark is; a name that it is a part of can't be known. */
  private sourceOfArgument(name: string): Assignment['source'][] {
    if (/^.\d+$/s.test(name)) return [{ slot: name }];
    this.depends = true;
    return [];
  }

  /** Could a member whose struct is not known hold a function? An array's element could. */
  private mayBeFunction(node: Expression): boolean {
    return node.k !== 'field' || isMarked(node.n) || this.symbols.isFunctionMember(node.n);
  }

  /** `FNAME(walk)`, `symbol_get(f)`: a macro whose value is a function. */
  private sourceOfMacro(
    name: string,
    node: Extract<Expression, { k: 'call' }>,
    context: Context,
  ): Assignment['source'][] {
    const argument = node.a[0] && unwrap(node.a[0]!);
    if (FUNCTION_OF_MODULE.has(name)) return argument?.k === 'id' ? [{ functionName: argument.n }] : [];
    const byMacro = `${name}(${argument?.k === 'id' ? argument.n : ''})`;
    if (this.symbols.fn(byMacro, this.file)) return [{ functionName: byMacro }];
    const macro = context.active.includes(name) ? undefined : this.macro(name);
    const last = macro?.facts.parameters ? expandMacro(macro, node.a).at(-1) : undefined;
    if (last?.k !== 'expr' || context.active.length >= MAX_EXPANSION_DEPTH) return [];
    return this.sourceOf(last.x, { ...context, active: [...context.active, name] });
  }

  private slotOf(target: Expression, context: Context): Slot | undefined {
    const node = unwrap(target);
    switch (node.k) {
      case 'id': {
        if (this.locals.has(node.n)) return this.local(node.n);
        const variable = this.symbols.variable(node.n, this.file);
        return variable ? variableSlot(variable) : undefined;
      }
      case 'field': {
        const owner = this.types.ownerOf(node.o);
        return memberSlot(this.symbols, owner, node.n);
      }
      case 'index':
        return this.slotOf(node.o, context);
      case 'unary':
        return node.op === '*' ? this.slotOf(node.x, context) : undefined;
      default:
        return undefined;
    }
  }

  private initialise(slot: Slot, type: TypeText, value: Expression, p: Position, context: Context): void {
    const node = unwrap(value);
    if (node.k !== 'init') {
      if (slot !== '' && this.mayHoldFunction(type)) this.assignFrom(slot, node, p, context);
      return;
    }
    const put = (member: Slot, x: Expression, at: Position) => this.assignFrom(member, x, at, context);
    initialiserSlots(this.symbols, (name) => this.macro(name), slot, type, node.items, put);
  }
}

function textOf(expression: Expression): string {
  const node = unwrap(expression);
  switch (node.k) {
    case 'id':
      return node.n;
    case 'field':
      return `${textOf(node.o)}${node.arrow ? '->' : '.'}${node.n}`;
    case 'index':
      return `${textOf(node.o)}[…]`;
    case 'unary':
      return `${node.op}${textOf(node.x)}`;
    case 'call':
      return `${textOf(node.f)}(…)`;
    case 'cast':
      return textOf(node.x);
    default:
      return '…';
  }
}
