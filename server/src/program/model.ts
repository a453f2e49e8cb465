/**
 * What the program layer knows of the whole tree: functions, call sites, and the values that function pointers take.
 * No file is read here: facts come in, answers go out.
 */
import type { FunctionFacts, MacroFacts, VariableFacts } from '../kernel-c/facts.js';
import type { MacroContent } from '../kernel-c/macro-facts.js';

/** A function's definition. `file` is relative to the tree, with `/`. */
export interface FunctionNode {
  /** Stable while the definition stays in its file: `virt/kvm/guest_memfd.c:kvm_gmem_fallocate`. */
  id: string;
  name: string;
  file: string;
  facts: FunctionFacts;
}

export interface MacroEntry {
  file: string;
  facts: MacroFacts;
  /** What the replacement says, read when first asked for. */
  readonly content: MacroContent;
}

export interface VariableEntry {
  file: string;
  facts: VariableFacts;
}

/** How a call edge was found. */
export type Via = 'call' | 'macro' | 'ops' | 'static-call' | 'pointer' | 'cleanup' | 'assembly';

/**
 * A place that holds a function pointer:
 * `S:tag.field` a struct's member, `P:name#i@file` the i-th parameter of a function as called from a file,
 * `L:id#name` a local variable, `V:name@file` a global variable, `K:key` a static call, `R:name@file` a function's result.
 */
export type Slot = string;

export interface Place {
  file: string;
  /** From 1. */
  line: number;
  column: number;
}

/** A function pointer's value goes from `source` to `slot` at `at`. */
export interface Assignment {
  slot: Slot;
  source: { slot: Slot } | { functionName: string };
  at: Place;
}

export interface CallSite {
  /** Name of the called function where the text names it. */
  name?: string;
  /** The slot that is called through otherwise. */
  slot?: Slot;
  /** The called expression as a person would write it. */
  text: string;
  via: Via;
  /** Line and column in the caller's file, from 1. */
  line: number;
  column: number;
  /** The function-like macro written at that place whose body makes the call. */
  macro?: string;
}

/** Calls and pointer assignments of one function. */
export interface FunctionUnit {
  node: FunctionNode;
  sites: CallSite[];
  assignments: Assignment[];
  /** Words of the program's watch list that the function uses, also inside of macros. */
  mentions: ReadonlySet<string>;
}

export type Certainty = 'certain' | 'likely' | 'possible';

/** One edge of the call graph; `callee` is null where the called function has no body in what was read. */
export interface CallEdge {
  caller: FunctionNode;
  site: CallSite;
  calleeName: string;
  callee: FunctionNode | null;
  via: Via;
  /** `struct.field` where the call goes through a member. */
  slot?: string;
  /** Where the target was put into the slot. */
  assignedAt?: Place;
  certainty: Certainty;
}
