/** What ends a run because the C (or the machine under it) did something wrong. */
import type { Loc } from './tokens.js';

export interface StackEntry {
  function: string;
  loc: Loc;
}

/**
 * Kinds made here; modelled functions and the machine add their own (`sleeping-while-atomic`, `rmp-violation`):
 * `null-dereference`, `bad-address`, `use-after-free`, `out-of-bounds`, `uninitialised`, `unknown-value`,
 * `bad-call`, `divide-by-zero`, `shift`, `stack-overflow`, `out-of-memory`, `unreachable`, `unsupported`, `bad-free`.
 */
export class Hazard extends Error {
  /** Where it happened; set when the machine stops. */
  loc?: Loc;
  /** Innermost call first. */
  stack_: StackEntry[] = [];

  constructor(
    readonly kind: string,
    message: string,
  ) {
    super(message);
    this.name = 'Hazard';
  }
}
