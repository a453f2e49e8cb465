/** Changes to a kernel's functions, placed by function name and neighbouring text: line numbers move. */
import type { KernelAnalysis } from './kernel-analysis.ts';

/** Ends the lines of a seed that must be reported; its other lines must not. */
export const BUG = '/*!*/';

export interface Seed {
  name: string;
  file: string;
  /** The function that the places are in. */
  in: string;
  /**
   * Pairs of a place and the text that goes there. A place is a line's text, once in the function, behind a sign:
   * `>` the text goes behind the line, `<` before it, `=` in its stead; `^` alone: before the function.
   */
  put: readonly (readonly [place: string, text: string])[];
}

export interface ExpectedBug {
  seed: string;
  file: string;
  /** From 1, in the changed file. */
  line: number;
}

/** Texts of files with seeds put in, and where their bugs are. */
export class Planting {
  readonly texts = new Map<string, string>();
  readonly seeds: Seed[] = [];

  constructor(private readonly kernel: KernelAnalysis) {}

  /** @throws Error when a place isn't there exactly once */
  add(...seeds: readonly Seed[]): this {
    for (const seed of seeds) {
      const number = this.seeds.push(seed) - 1;
      const lines = (this.texts.get(seed.file) ?? this.kernel.text(seed.file)).split('\n');
      for (const [place, text] of seed.put)
        put(lines, seed.in, place, text.replaceAll(BUG, `/*! ${number} */`));
      this.texts.set(seed.file, lines.join('\n'));
    }
    return this;
  }

  get bugs(): ExpectedBug[] {
    const found: ExpectedBug[] = [];
    for (const [file, text] of this.texts) {
      text.split('\n').forEach((line, index) => {
        const number = /\/\*! (\d+) \*\//.exec(line)?.[1];
        if (number !== undefined)
          found.push({ seed: this.seeds[Number(number)]!.name, file, line: index + 1 });
      });
    }
    return found;
  }
}

function put(lines: string[], name: string, place: string, text: string): void {
  const head = lines.findIndex((_line, index) => isHead(name, lines, index));
  if (head < 0) throw new Error(`there is no function ${name}`);
  if (place === '^') {
    const comment = lines.findLastIndex(
      (line, index) => index < head && (line === '' || line.startsWith('}')),
    );
    lines.splice(comment + 1, 0, ...text.split('\n'));
    return;
  }
  const end = lines.findIndex((line, index) => index > head && line.startsWith('}'));
  const wanted = place.slice(1);
  const found: number[] = [];
  for (let i = head; i < end; i++) if (lines[i]!.includes(wanted)) found.push(i);
  if (found.length !== 1) throw new Error(`${name} has '${wanted}' ${found.length} times, not once`);
  const [at] = found as [number];
  // A brace in the first column would end the function.
  const added = text.split('\n').map((line) => (line.startsWith('#') ? line : `\t${line}`));
  if (place.startsWith('=')) lines.splice(at, 1, ...added);
  else lines.splice(place.startsWith('>') ? at + 1 : at, 0, ...added);
}

/** Does a definition's head, which may go over several lines, begin the function here? */
function isHead(name: string, lines: readonly string[], index: number): boolean {
  const line = lines[index]!;
  const written = name.replace(/[()]/g, '\\$&');
  if (!/^[\w#]/.test(line) || !new RegExp(`(^|[^\\w>.])${written}\\(`).test(line)) return false;
  for (let i = index; i < index + 12 && i < lines.length; i++) {
    if (lines[i]!.startsWith('{')) return true;
    if (lines[i]!.includes(';')) return false;
  }
  return false;
}
