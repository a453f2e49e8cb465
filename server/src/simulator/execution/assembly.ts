/** Inline assembly with instructions: it is executed where a model has its name, and an error when reached elsewhere. */
import { CodeError, type Loc } from './tokens.js';

const PREFIX = 'asm ';
const SHOWN = 60;

/**
 * The name of the function that models some assembly: its template with white space evened out.
 * @param template as between the quotation marks of the C
 */
export function assemblyName(template: string): string {
  const text = template
    .replace(/\\[nt]/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return PREFIX + text;
}

export const isAssembly = (name: string): boolean => name.startsWith(PREFIX);

/** Its instructions; `''` for a compiler barrier. */
export const instructionsOf = (name: string): string => name.slice(PREFIX.length);

export const unmodelledAssembly = (loc: Loc, name: string): CodeError =>
  new CodeError(loc, `inline assembly (${instructionsOf(name).slice(0, SHOWN)})`);
