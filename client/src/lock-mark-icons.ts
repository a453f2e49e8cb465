/**
 * The marks in the margin as pictures; knows nothing of VS Code. They can be told apart without colour: write has a
 * thick bar, read a thin one, both two thin ones, a lock without modes a hollow one; what is held only sometimes is
 * broken. Other locks are dots at the right.
 */
import type { Letters, MarkKind } from './lock-mark-runs.ts';

/** Side of the square picture. Bars touch its edges, so that those of consecutive lines are one. */
const SIZE = 18;

export interface Palette {
  readonly write: string;
  readonly read: string;
  readonly other: string;
}

export const DARK: Palette = { write: '#f0a35e', read: '#6cb6f5', other: '#8fd19e' };
export const LIGHT: Palette = { write: '#9a4a00', read: '#0a5299', other: '#1f6b2e' };

/** Letters drawn as lines: what fonts there are, a picture can't know. In a box of 7 by 8. */
const STROKES: Readonly<Record<string, string>> = {
  W: 'M0 0 L1.6 8 L3.5 2.6 L5.4 8 L7 0',
  R: 'M1.2 8 V0 H3.6 A2.2 2.2 0 0 1 3.6 4.4 H1.2 M3.4 4.4 L6 8',
  L: 'M1.4 0 V8 H5.8',
  '?': 'M1.4 2 A2.2 2.2 0 1 1 4.6 3.9 Q3.5 4.6 3.5 5.6 M3.5 7.8 V8',
};

const BARS: Readonly<Record<Letters, readonly { x: number; width: number }[]>> = {
  W: [{ x: 1, width: 5 }],
  R: [{ x: 3, width: 2 }],
  RW: [
    { x: 1, width: 2 },
    { x: 5, width: 2 },
  ],
  L: [
    { x: 1, width: 1 },
    { x: 5, width: 1 },
  ],
};

/** Of a bar that is broken: three pieces a line. */
const PIECES = [0, 6, 12];
const PIECE = 3;

export function markIcon({ main, others }: MarkKind, palette: Palette): string {
  const parts: string[] = [];
  if (main) {
    const colour = main.letters === 'R' ? palette.read : palette.write;
    for (const { x, width } of BARS[main.letters]) {
      const pieces = main.sometimes ? PIECES.map((y) => ({ y, height: PIECE })) : [{ y: 0, height: SIZE }];
      for (const { y, height } of pieces)
        parts.push(`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/>`);
    }
    if (main.first) parts.push(...letters(main.letters, main.sometimes, colour));
  }
  if (others) {
    const dots = others === 'always' ? [2, 6.5, 11, 15.5] : [4, 13];
    for (const y of dots) parts.push(`<circle cx="16.9" cy="${y}" r="1" fill="${palette.other}"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}" viewBox="0 0 ${SIZE} ${SIZE}"><title>${title({ main, others })}</title>${parts.join('')}</svg>`;
}

/** For those who look at the page's source, and for tests: `W?` for write held sometimes, `+ other` for another lock. */
function title({ main, others }: MarkKind): string {
  const own = main ? `${main.letters}${main.sometimes ? '?' : ''}${main.first ? '' : ' on'}` : '';
  const beside = others ? `${others === 'always' ? 'other' : 'other?'}` : '';
  return [own, beside].filter(Boolean).join(' + ');
}

/** One sign stands in the middle of the line, two above each other. */
function letters(text: Letters, sometimes: boolean, colour: string): string[] {
  const signs = text === 'RW' ? ['R', 'W'] : sometimes ? [text, '?'] : [text];
  const scale = signs.length > 1 ? 0.85 : 1;
  const rows = signs.length > 1 ? [1.2, 10] : [5];
  return signs.map((sign, index) => {
    const place = `translate(8.2 ${rows[index]}) scale(${scale})`;
    return `<path d="${STROKES[sign]}" transform="${place}" fill="none" stroke="${colour}" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round"/>`;
  });
}
