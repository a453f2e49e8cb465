/** Types of expressions, as far as members and pointers tell them. `undefined` where the text doesn't tell. */

import { isTypeName } from '../kernel-c/knowledge.js';
import type { Expression, Statement, TypeText } from '../kernel-c/syntax.js';
import { expandMacro, unwrap } from './expansion.js';
import type { Symbols } from './symbols.js';

/** Macros whose value has the type of their first argument (include/asm-generic/rwonce.h, include/linux/rcupdate.h, …). */
const TRANSPARENT_MACROS: ReadonlySet<string> = new Set([
  'READ_ONCE',
  '__READ_ONCE',
  'rcu_dereference',
  'rcu_dereference_check',
  'rcu_dereference_protected',
  'rcu_dereference_raw',
  'srcu_dereference',
  'srcu_dereference_check',
  'smp_load_acquire',
  'xchg',
  'unlikely',
  'likely',
  'lockless_dereference',
]);

/** Macros whose value is a pointer to the type given as an argument: which argument. */
const TYPED_MACROS: ReadonlyMap<string, number> = new Map([
  ['container_of', 1],
  ['container_of_const', 1],
  ['list_entry', 1],
  ['list_first_entry', 1],
  ['list_last_entry', 1],
  ['list_first_entry_or_null', 1],
  ['hlist_entry', 1],
  ['hlist_entry_safe', 1],
  ['rb_entry', 1],
  ['rb_entry_safe', 1],
]);

const MAX_STEPS = 24;

export class TypeScope {
  private steps = 0;

  /**
   * @param locals types of parameters and local variables
   * @param file the file whose names are meant
   * @param instance of a template's function: its inclusion
   */
  constructor(
    private readonly symbols: Symbols,
    readonly locals: ReadonlyMap<string, TypeText>,
    private readonly file: string,
    private readonly instance?: string,
  ) {}

  typeOf(expression: Expression): TypeText | undefined {
    this.steps = 0;
    return this.type(expression);
  }

  private type(expression: Expression): TypeText | undefined {
    if (++this.steps > MAX_STEPS) return undefined;
    const node = unwrap(expression);
    switch (node.k) {
      case 'id':
        return this.identifierType(node.n);
      case 'field':
        return this.memberType(node.o, node.n);
      case 'index':
        return this.dereferenced(this.type(node.o));
      case 'unary':
        if (node.op === '&') {
          const type = this.type(node.x);
          return type === undefined ? undefined : type.endsWith('()') ? type : `${type}*`;
        }
        return node.op === '*' ? this.dereferenced(this.type(node.x)) : this.type(node.x);
      case 'call':
        return this.callType(node.f, node.a);
      case 'cast':
        return node.t.startsWith('typeof') ? this.type(node.x) : node.t;
      case 'cond':
        return (node.t && this.type(node.t)) ?? this.type(node.e);
      case 'assign':
      case 'binary':
        return this.type(node.l) ?? (node.k === 'binary' ? this.type(node.r) : undefined);
      case 'comma':
        return this.type(node.r);
      case 'block':
        return this.blockType(node.s);
      case 'init':
        return node.t;
      default:
        return undefined;
    }
  }

  private identifierType(name: string): TypeText | undefined {
    const local = this.locals.get(name);
    if (local !== undefined) return local;
    const macro = this.symbols.macro(name, this.file, this.instance);
    if (macro && macro.facts.parameters === null) {
      if (macro.content.body !== undefined) return this.blockType(expandMacro(macro, []));
      if (/^\w+$/.test(macro.facts.text) && macro.facts.text !== name)
        return this.identifierType(macro.facts.text);
    }
    return this.symbols.variable(name, this.file)?.facts.type;
  }

  /** The aggregate that `object.field` or `object->field` is a member of. */
  ownerOf(object: Expression): TypeText | undefined {
    this.steps = 0;
    return this.owner(object);
  }

  private owner(object: Expression): TypeText | undefined {
    const type = this.type(object);
    return type === undefined ? undefined : this.symbols.resolveType(type).replace(/\**$/, '');
  }

  private memberType(object: Expression, field: string): TypeText | undefined {
    const owner = this.owner(object);
    return owner === undefined ? undefined : this.symbols.fieldType(owner, field);
  }

  private dereferenced(type: TypeText | undefined): TypeText | undefined {
    if (type === undefined) return undefined;
    const resolved = this.symbols.resolveType(type);
    return resolved.endsWith('*') ? resolved.slice(0, -1) : resolved.endsWith('()') ? resolved : undefined;
  }

  private callType(callee: Expression, args: readonly Expression[]): TypeText | undefined {
    const target = unwrap(callee);
    if (target.k !== 'id') return undefined;
    // `(gfn_t)(x)` reads like a call.
    if (isTypeName(target.n) && args[0] && !this.symbols.isFunctionName(target.n))
      return target.n.startsWith('typeof') ? this.type(args[0]) : target.n;
    if (TRANSPARENT_MACROS.has(target.n) && args[0]) return this.type(args[0]);
    const typed = TYPED_MACROS.get(target.n);
    if (typed !== undefined) {
      const argument = args[typed] && unwrap(args[typed]!);
      if (argument?.k === 'type') return `${argument.t}*`;
      if (argument?.k === 'id') return `${argument.n}*`;
    }
    const macro = this.symbols.macro(target.n, this.file, this.instance);
    if (macro?.facts.parameters) return this.blockType(expandMacro(macro, args));
    return this.symbols.fn(target.n, this.file)?.facts.type;
  }

  /** Type of a statement expression: that of its last expression. */
  private blockType(statements: readonly Statement[]): TypeText | undefined {
    const last = statements[statements.length - 1];
    if (last?.k === 'expr') {
      const inner = unwrap(last.x);
      if (inner.k === 'id') {
        const declared = statements.find((statement) => statement.k === 'decl' && statement.n === inner.n);
        if (declared?.k === 'decl')
          return declared.t.startsWith('typeof') && declared.i ? this.type(declared.i) : declared.t;
      }
      return this.type(last.x);
    }
    return undefined;
  }
}
