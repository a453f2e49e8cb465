/**
 * What a use of a function-like macro calls, worked out once for a file instead of at every use: most macros call the
 * same functions whatever they are given.
 */
import type { Expression } from '../kernel-c/syntax.js';
import type { Assignment, CallSite, MacroEntry } from './model.js';

/** A call site without its place: that is where the macro is used. */
export type PlacelessSite = Pick<CallSite, 'name' | 'slot' | 'text' | 'via'>;

/** What a macro's body does when it is used with a number of arguments. */
export interface MacroEffects {
  sites: readonly PlacelessSite[];
  assignments: readonly { slot: Assignment['slot']; source: Assignment['source'] | { argument: number } }[];
  mentions: readonly string[];
  /** Names of the body that a local variable of the using function would change the meaning of. */
  names: readonly string[];
}

/** Begins the name that stands for an argument; no C name does. */
const MARK = '\u0001';

/** Expressions that stand for whatever a macro may be given. */
export function argumentMarks(count: number): Expression[] {
  return Array.from({ length: count }, (_, index): Expression => ({ k: 'id', n: `${MARK}${index}` }));
}

/** Does a name hold a part of an argument: pasted to it, or all of it? */
export const isMarked = (name: string): boolean => name.includes(MARK);

const markedArgument = (slot: string): number => Number(slot.slice(MARK.length));

/** What a collector found in a macro's body that was given marks. */
export interface FoundInBody {
  sites: readonly PlacelessSite[];
  assignments: readonly Pick<Assignment, 'slot' | 'source'>[];
  mentions: ReadonlySet<string>;
  names: ReadonlySet<string>;
  /** Something turned on what an argument is. */
  depends: boolean;
}

/** The effects, or `null` where they depend on more of the arguments than which functions they are. */
export function effectsOf({
  sites,
  assignments,
  mentions,
  names,
  depends,
}: FoundInBody): MacroEffects | null {
  if (depends) return null;
  if (sites.some(({ name, slot }) => isMarked(name ?? '') || (slot !== undefined && !isFixedSlot(slot))))
    return null;
  const kept: { slot: string; source: Assignment['source'] | { argument: number } }[] = [];
  for (const { slot, source } of assignments) {
    // The body's own variables: nobody else sees them, unless they are handed on.
    if ('slot' in source && source.slot.startsWith('L:')) return null;
    if (slot.startsWith('L:')) continue;
    // A member of what is given: its struct is known where the macro is used.
    if (isMarked(slot) || slot.startsWith('S:?')) return null;
    if (!('slot' in source)) kept.push({ slot, source });
    else if (isMarked(source.slot)) kept.push({ slot, source: { argument: markedArgument(source.slot) } });
    else kept.push({ slot, source });
  }
  return { sites, assignments: kept, mentions: [...mentions], names: [...names] };
}

/** A static call's key is the same wherever the macro is used; members and variables may be an argument's. */
const isFixedSlot = (slot: string) => slot.startsWith('K:') && !isMarked(slot);

/** Effects by macro and number of arguments. */
type MacrosOfFile = Map<MacroEntry, (MacroEffects | null | undefined)[]>;

/** Effects by file, macro and number of arguments. */
export class MacroEffectsCache {
  private readonly byFile = new Map<string, MacrosOfFile>();
  private last: { file: string; instance: string; macros: MacrosOfFile } | undefined;

  private macrosOf(file: string, instance: string): MacrosOfFile {
    const { last } = this;
    if (last?.file === file && last.instance === instance) return last.macros;
    const place = `${file} ${instance}`;
    let macros = this.byFile.get(place);
    if (!macros) this.byFile.set(place, (macros = new Map()));
    this.last = { file, instance, macros };
    return macros;
  }

  /** @param file the file, and `instance` the inclusion of a template, whose names are meant */
  of(
    file: string,
    instance: string,
    macro: MacroEntry,
    count: number,
    find: () => MacroEffects | null,
  ): MacroEffects | null {
    const macros = this.macrosOf(file, instance);
    let known = macros.get(macro);
    if (!known) macros.set(macro, (known = []));
    let effects = known[count];
    if (effects === undefined) {
      // A macro that comes to use itself is looked at as it is.
      known[count] = null;
      effects = find();
      known[count] = effects;
    }
    return effects;
  }
}
