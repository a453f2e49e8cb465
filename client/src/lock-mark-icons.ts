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

/** Letters drawn as lines: what fonts there are, a picture can't know. In a box of 5 by 7. */
const STROKES: Readonly<Record<string, string>> = {
  W: 'M0 0 L1.2 7 L2.5 2.5 L3.8 7 L5 0',
  R: 'M0.4 7 V0 H2.6 A1.9 1.9 0 0 1 2.6 3.8 H0.4 M2.4 3.8 L4.6 7',
  L: 'M0.6 0 V7 H4.4',
  '?': 'M0.6 1.7 A1.9 1.9 0 1 1 3.4 3.2 Q2.5 3.8 2.5 4.8 M2.5 6.2 V7',
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
    for (const y of dots) parts.push(`<circle cx="16.8" cy="${y}" r="1.1" fill="${palette.other}"/>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE}" viewBox="0 0 ${SIZE} ${SIZE}">${parts.join('')}</svg>`;
}

function letters(text: Letters, sometimes: boolean, colour: string): string[] {
  const wide = text.length > 1;
  const stroke = (letter: string, x: number, y: number, scale: number): string =>
    `<path d="${STROKES[letter]}" transform="translate(${x} ${y}) scale(${scale})" fill="none" stroke="${colour}" stroke-width="${1.4 / scale}" stroke-linecap="round" stroke-linejoin="round"/>`;
  const row = sometimes ? 1.5 : 5.5;
  const drawn = [...text].map((letter, index) =>
    stroke(letter, (wide ? 8 : 9) + index * 4.3, row, wide ? 0.75 : 1),
  );
  return sometimes ? [...drawn, stroke('?', wide ? 10 : 9, 10, wide ? 0.9 : 0.9)] : drawn;
}
