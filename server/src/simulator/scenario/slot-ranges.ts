/** Ranges of guest memory against memslots, and how they are told. */
import type { ScenarioSlot } from './model.js';
import { formatSize } from './sizes.js';

const PAGE = 4096;

/** Whether every page of a range is in one slot or another. */
export function insideSlots(gpa: number, size: number, slots: readonly ScenarioSlot[]): boolean {
  const sorted = [...slots].sort((a, b) => a.gpa - b.gpa);
  let next = gpa;
  for (const slot of sorted) if (slot.gpa <= next && slot.gpa + slot.size > next) next = slot.gpa + slot.size;
  return next >= gpa + Math.max(size, 1);
}

export const outsideText = (gpa: number, size: number): string =>
  `gpa 0x${gpa.toString(16)}${size > PAGE ? ` (${formatSize(size)})` : ''} is outside of every slot`;

export const slotsRemedy = (slots: readonly ScenarioSlot[]): string =>
  slots.length > 0
    ? `slots are ${slots.map((slot) => `${slot.id}: ${range(slot)}`).join(', ')}`
    : 'add a slot that has it to `slots`';

export const overlap = (a: ScenarioSlot, b: ScenarioSlot): boolean =>
  a.gpa < b.gpa + b.size && b.gpa < a.gpa + a.size;

export const range = ({ gpa, size }: { gpa: number; size: number }): string =>
  `0x${gpa.toString(16)} to 0x${(gpa + size).toString(16)}`;
