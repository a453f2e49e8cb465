/** Which functions matter to a few locks: whoever asks about `kvm.mmu_lock` alone need not wait for all others. */
import type { FunctionNode } from '../program/model.js';
import type { Symbols } from '../program/symbols.js';
import type { LockName } from './lock-state.js';
import { lockPrimitive, namelessProjectLocks } from './primitives.js';

/** A pointer to a lock. */
const LOCK_POINTER =
  /^(rwlock_t|(raw_)?spinlock_t|struct (mutex|rt_mutex|rw_semaphore|srcu_struct|qrwlock))\*/;

export class LockFocus {
  private readonly words: Set<string>;
  private pattern: RegExp;

  constructor(symbols: Symbols, locks: readonly LockName[]) {
    const members = locks.map((lock) => lock.slice(lock.lastIndexOf('.') + 1));
    this.words = new Set([...members, ...namelessProjectLocks()]);
    addMacros(symbols, this.words);
    this.pattern = wholeWords(this.words);
    for (const nodes of symbols.functionsByName.values()) this.learn(nodes);
  }

  /** Takes note of functions that return one of the locks; true when a new one is among them. */
  learn(functions: readonly FunctionNode[]): boolean {
    const before = this.words.size;
    // `rwlock_t *lock_of(struct kvm *kvm) { return &kvm->mmu_lock; }`
    for (const { name, facts } of functions)
      if (LOCK_POINTER.test(facts.type) && this.pattern.test(facts.body)) this.words.add(name);
    if (this.words.size === before) return false;
    this.pattern = wholeWords(this.words);
    return true;
  }

  /** May the function change one of the locks? It names it, or it was given a lock. */
  concerns({ name, facts }: FunctionNode): boolean {
    // What a primitive does is in the table.
    if (lockPrimitive(name)) return false;
    return (
      this.pattern.test(facts.body) || facts.parameters.some((parameter) => LOCK_POINTER.test(parameter.type))
    );
  }
}

const wholeWords = (words: ReadonlySet<string>) => new RegExp(`\\b(${[...words].join('|')})\\b`);

/** Adds the macros whose replacement names one of the words, pastes one together, or uses another such macro. */
function addMacros(symbols: Symbols, words: Set<string>): void {
  const pasted = pastingOf([...words]);
  for (const [name, entries] of symbols.macros)
    if (entries.some(({ facts }) => pasted.test(facts.text))) words.add(name);
  for (let grew = true; grew; ) {
    grew = false;
    const known = wholeWords(words);
    for (const [name, entries] of symbols.macros) {
      if (words.has(name)) continue;
      if (!entries.some(({ facts }) => known.test(facts.text))) continue;
      words.add(name);
      grew = true;
    }
  }
}

/** A part of a word beside `##`: `which##_lock`, `mmu##what`. */
function pastingOf(words: readonly string[]): RegExp {
  const starts = words.flatMap((word) => [...word].map((_, n) => word.slice(0, n + 1)));
  const ends = words.flatMap((word) => [...word].map((_, n) => word.slice(n)));
  const operator = '\\s*##\\s*';
  return new RegExp(`\\b(?:${starts.join('|')})${operator}|${operator}(?:${ends.join('|')})\\b`);
}
