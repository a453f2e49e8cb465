/** Which lock an expression points to. Locks are told apart by the type of the object they are a member of. */
import { unwrap } from '../program/expansion.js';
import type { FunctionNode } from '../program/model.js';
import type { Symbols } from '../program/symbols.js';
import { TypeScope } from '../program/types.js';
import { visitStatement, type Expression, type Statement, type TypeText } from '../kernel-c/syntax.js';
import type { LockName } from './lock-state.js';

const MAX_ALIASES = 8;

export class LockNames {
  private readonly types: TypeScope;
  private readonly locals = new Map<string, TypeText>();
  /** Local pointers that are given one value: `spinlock_t *lock = &kvm->mmu_lock`. */
  private readonly aliases = new Map<string, Expression | null>();
  private readonly parameters = new Map<string, number>();

  constructor(
    private readonly symbols: Symbols,
    private readonly node: FunctionNode,
    body: readonly Statement[],
  ) {
    this.types = new TypeScope(symbols, this.locals, node.file);
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
          if (target.k === 'id') this.alias(target.n, expression.r);
        },
        (inner) => {
          if (inner.k === 'decl') this.declare(inner);
        },
      );
    }
  }

  /** Notes a declaration, also one that an expanded macro makes. */
  declare(declared: Extract<Statement, { k: 'decl' }>): void {
    const type = declared.t.startsWith('typeof') && declared.i ? this.types.typeOf(declared.i) : declared.t;
    this.locals.set(declared.n, type ?? declared.t);
    if (declared.i) this.alias(declared.n, declared.i);
  }

  private alias(name: string, value: Expression): void {
    this.aliases.set(name, this.aliases.has(name) ? null : value);
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
      case 'id': {
        const value = this.aliases.get(node.n);
        if (value) return this.pointedTo(value, steps - 1);
        const parameter = this.parameters.get(node.n);
        if (parameter !== undefined && value === undefined) return `$${parameter}`;
        return this.locals.has(node.n) ? undefined : node.n;
      }
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
        return (node.t && this.pointedTo(node.t, steps - 1)) ?? this.pointedTo(node.e, steps - 1);
      default:
        return undefined;
    }
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
