/** Lines put into a kernel's functions, found again by function name and neighbouring text: line numbers move. */
import type { KernelAnalysis } from './kernel-analysis.ts';

export interface Seed {
  file: string;
  function: string;
  /** Text of the line, within the function, that the new line comes behind. `^` before it: that it comes before. */
  at: string;
  /** The call put in. */
  text: string;
}

/** A file's texts with seeds put in, and the line of each seed, from 1. */
export class Planting {
  readonly texts = new Map<string, string>();
  private readonly lines = new Map<string, { seed: Seed; marker: string }[]>();

  constructor(private readonly kernel: KernelAnalysis) {}

  /** @throws Error when the place isn't there exactly once */
  add(seed: Seed): void {
    const text = this.texts.get(seed.file) ?? this.kernel.text(seed.file);
    const lines = text.split('\n');
    const index = placeOf(seed, lines);
    const before = seed.at.startsWith('^');
    const indent = /^\s*/.exec(lines[index]!)![0];
    const marker = `/* seed ${[...this.lines.values()].flat().length} */`;
    lines.splice(before ? index : index + 1, 0, `${indent}${seed.text} ${marker}`);
    this.texts.set(seed.file, lines.join('\n'));
    this.lines.set(seed.file, [...(this.lines.get(seed.file) ?? []), { seed, marker }]);
  }

  lineOf(seed: Seed): number {
    const planted = this.lines.get(seed.file)?.find((one) => one.seed === seed);
    if (!planted) throw new Error(`not planted: ${seed.function}`);
    const lines = this.texts.get(seed.file)!.split('\n');
    return lines.findIndex((line) => line.includes(planted.marker)) + 1;
  }
}

function placeOf(seed: Seed, lines: readonly string[]): number {
  const wanted = seed.at.replace(/^\^/, '');
  const head = lines.findIndex((line, index) => isHead(seed.function, lines, index));
  if (head < 0) throw new Error(`${seed.file} has no function ${seed.function}`);
  const end = lines.findIndex((line, index) => index > head && line.startsWith('}'));
  const found: number[] = [];
  for (let i = head; i < end; i++) if (lines[i]!.includes(wanted)) found.push(i);
  if (found.length !== 1) {
    throw new Error(`${seed.function} has '${wanted}' ${found.length} times, not once`);
  }
  return found[0]!;
}

/** Does a definition's head, which may go over several lines, begin the function here? */
function isHead(name: string, lines: readonly string[], index: number): boolean {
  const line = lines[index]!;
  if (!/^[\w#]/.test(line) || !new RegExp(`\\b${name.replace(/[()]/g, '\\$&')}\\(`).test(line)) return false;
  for (let i = index; i < index + 8 && i < lines.length; i++) {
    if (lines[i]!.startsWith('{')) return true;
    if (lines[i]!.includes(';')) return false;
  }
  return false;
}
