/** The filter of the map: words, all of which a frame must answer to. Knows no drawing. */
import type { FrameView } from '../../protocol.ts';
import { BANDS } from './bands.ts';

type Test = (frame: FrameView) => boolean;

/**
 * `private`, `rmp:assigned`, `owner:gmem`, `gfn:0x203`, `pfn:0x1000-0x1fff`, `changed`; `-` before a word turns it round.
 * @returns undefined for a text without words: everything answers to it
 */
export function parseFilter(text: string): Test | undefined {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return undefined;
  const tests = words.map(testOf);
  return (frame) => tests.every((test) => test(frame));
}

function testOf(word: string): Test {
  if (word.startsWith('-') && word.length > 1) {
    const inner = testOf(word.slice(1));
    return (frame) => !inner(frame);
  }
  const [, name, value] = /^(\w+):(.+)$/.exec(word) ?? [];
  if (name === undefined || value === undefined)
    return word === 'changed' ? isChanged : (frame) => textsOf(frame).some((text) => text.includes(word));
  if (name === 'gfn' || name === 'pfn') {
    const [first, last] = rangeOf(value);
    return (frame) => {
      const start = frame[name];
      return start !== undefined && start <= last && start + frame.pages - 1 >= first;
    };
  }
  const band = BANDS.find((one) => one.name.toLowerCase() === name);
  if (!band) return () => false;
  return (frame) => (band.cell(frame).text || 'none').toLowerCase().includes(value);
}

const isChanged: Test = ({ changed }) => changed !== undefined && changed.length > 0;

const textsOf = (frame: FrameView): string[] => BANDS.map((band) => band.cell(frame).text.toLowerCase());

/** `0x10`, `16`, `0x10-0x1f`; both ends belong to it. What is no number is an empty range. */
function rangeOf(text: string): readonly [number, number] {
  const [first = Number.NaN, last = first] = text.split('-').map(Number);
  return [first, last];
}
