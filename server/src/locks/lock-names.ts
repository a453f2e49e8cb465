/** Which lock an expression points to. Locks are told apart by the type of the object they are a member of. */

import { type Expression, type Statement, type TypeText, visitStatement } from '../kernel-c/syntax.js';
import { unwrap } from '../program/expansion.js';
import type { FunctionNode } from '../program/model.js';
import type { Symbols } from '../program/symbols.js';
import { TypeScope } from '../program/types.js';
import { constantOf } from './condition-text.js';
import type { LockName } from './lock-state.js';

const MAX_ALIASES = 8;

export class LockNames {
  private readonly types: TypeScope;
  private readonly locals = new Map<string, TypeText>();
  /** What local pointers are given in the function's own text: `spinlock_t *lock = &kvm->mmu_lock`. */
  private readonly values = new Map<string, Expression[]>();
  /** The same of locals that an expanded macro declares: the last one counts. */
  private readonly expanded = new Map<string, Expression>();
  private readonly parameters = new Map<string, number>();

  constructor(
    private readonly symbols: Symbols,
    private readonly node: FunctionNode,
    body: readonly Statement[],
  ) {
    this.types = new TypeScope(symbols, this.locals, node.file, node.facts.instance);
    node.facts.parameters.forEach((parameter, index) => {
      this.locals.set(parameter.name, parameter.type);
      this.parameters.set(parameter.name, index);
    });
    for (const statement of body) {
      visitStatement(
        statement,
        (expression) => {
          if (expression.k !== 'assign' || expression.op !== '=') return;
          const target = unwrap(expression.l);
          if (target.k === 'id') this.noteValue(target.n, expression.r);
        },
        (inner) => {
          if (inner.k !== 'decl') return;
          this.declare(inner);
          this.expanded.delete(inner.n);
          if (inner.i) this.noteValue(inner.n, inner.i);
          else if (!this.values.has(inner.n)) this.values.set(inner.n, []);
        },
      );
    }
  }

  /** Notes a declaration that is come upon, the function's own or one that an expanded macro makes. */
  declare(declared: Extract<Statement, { k: 'decl' }>): void {
    const type = declared.t.startsWith('typeof') && declared.i ? this.types.typeOf(declared.i) : declared.t;
    this.locals.set(declared.n, type ?? declared.t);
    if (declared.i && !this.values.has(declared.n)) this.expanded.set(declared.n, declared.i);
  }

  /** Notes the variable of `CLASS(mutex_try, name)(&lock)`. */
  declareGuard(name: string): void {
    this.locals.set(name, '');
  }

  private noteValue(name: string, value: Expression): void {
    const list = this.values.get(name);
    if (list) list.push(value);
    else this.values.set(name, [value]);
  }

  isLocal(name: string): boolean {
    return this.locals.has(name);
  }

  parameterIndex(name: string): number | undefined {
    return this.parameters.get(name);
  }

  /** Name of the lock that a pointer expression points to, or undefined where the text doesn't tell. */
  of(pointer: Expression): LockName | undefined {
    return this.pointedTo(pointer, MAX_ALIASES);
  }

  private pointedTo(pointer: Expression, steps: number): LockName | undefined {
    const node = unwrap(pointer);
    if (steps === 0) return undefined;
    switch (node.k) {
      case 'unary':
        return node.op === '&' ? this.object(node.x, steps) : undefined;
      case 'cast':
        return this.pointedTo(node.x, steps);
      case 'id':
        return this.namedPointer(node.n, steps);
      case 'field': {
        // A pointer to a lock kept in a struct: `vma_lock->rw_sema` is a member all the same.
        return this.object(node, steps);
      }
      case 'call': {
        const callee = unwrap(node.f);
        if (callee.k !== 'id') return undefined;
        const inner = this.returnedLock(callee.n);
        return inner ?? `${callee.n}()`;
      }
      case 'binary':
      case 'index':
        return this.object(node.k === 'index' ? node : node.l, steps);
      case 'cond':
        return this.common(node.t ? [node.t, node.e] : [node.c, node.e], steps);
      default:
        return undefined;
    }
  }

  private namedPointer(name: string, steps: number): LockName | undefined {
    const values = this.values.get(name) ?? (this.expanded.has(name) ? [this.expanded.get(name)!] : []);
    if (values.length > 0) return this.common(values, steps);
    const parameter = this.parameters.get(name);
    if (parameter !== undefined) return `$${parameter}`;
    return this.locals.has(name) ? undefined : name;
  }

  /** The lock that all of these point to, NULL aside. */
  private common(values: readonly Expression[], steps: number): LockName | undefined {
    let found: LockName | undefined;
    for (const value of values) {
      if (constantOf(value) === 0) continue;
      const name = this.pointedTo(value, steps - 1);
      if (name === undefined || (found !== undefined && found !== name)) return undefined;
      found = name;
    }
    return found;
  }

  /** `lock_of(x)` where the function is `return &x->lock;`. */
  private returnedLock(name: string): LockName | undefined {
    const fn = this.symbols.fn(name, this.node.file);
    if (!fn || fn.facts.body.length > 400) return undefined;
    const body = JSON.parse(fn.facts.body) as Statement[];
    const only = body[body.length - 1];
    if (only?.k !== 'return' || !only.x || fn.id === this.node.id) return undefined;
    const found = new LockNames(this.symbols, fn, body).of(only.x);
    return found?.startsWith('$') ? undefined : found;
  }

  private object(expression: Expression, steps: number): LockName | undefined {
    const node = unwrap(expression);
    switch (node.k) {
      case 'field': {
        const owner = this.types.ownerOf(node.o) || this.symbols.onlyOwnerOf(node.n);
        return `${owner === undefined || owner === '' ? '?' : owner.replace(/^(struct|union) /, '')}.${node.n}`;
      }
      case 'id':
        return this.locals.has(node.n) ? `${this.node.name}:${node.n}` : node.n;
      case 'index':
        return this.object(node.o, steps);
      case 'unary':
        return node.op === '*' ? this.pointedTo(node.x, steps - 1) : undefined;
      case 'cast':
        return this.object(node.x, steps);
      default:
        return undefined;
    }
  }

  typeOf(expression: Expression): TypeText | undefined {
    return this.types.typeOf(expression);
  }
}
