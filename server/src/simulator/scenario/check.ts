/** What a scenario says that no machine could be: memory that isn't there, slots on top of each other, actors that don't exist. */
import { checkActions } from './check-actions.js';
import type { Tops } from './load.js';
import type { Scenario, ScenarioSlot } from './model.js';
import type { Part } from './part.js';
import type { Report, ScenarioProblem, TextRange } from './problem.js';
import { formatSize } from './sizes.js';
import { insideSlots, outsideText, overlap, range, slotsRemedy } from './slot-ranges.js';
import { meant } from './validate.js';

const PAGE = 4096;
/** Larger machines are possible, but then nearly always a mistake; what needs 512G is about numbers, not about pages. */
const MOST_MEMORY = 512 * 2 ** 30;
const LEAST_MEMORY = 2 ** 22;

export function checkScenario(scenario: Scenario, tops: Tops): ScenarioProblem[] {
  const problems: ScenarioProblem[] = [];
  const report = (at: TextRange, message: string, remedy: string): void => {
    problems.push({ ...at, message, remedy });
  };
  checkMemory(scenario, tops, report);
  checkFiles(scenario, tops, report);
  checkSlots(scenario, tops, report);
  checkInitial(scenario, tops, report);
  checkPlatform(scenario, report);
  checkActions(scenario, tops, report);
  return problems;
}

function checkMemory({ memory }: Scenario, tops: Tops, report: Report): void {
  const at = tops.around('memory')!.placeOf('memory');
  if (memory > MOST_MEMORY)
    report(
      at,
      `${formatSize(memory)} of memory is more than a simulated machine has`,
      'use 512G at most; most scenarios show the same with 1G',
    );
  else if (memory < LEAST_MEMORY)
    report(
      at,
      `${formatSize(memory)} of memory is too little`,
      'use 4M or more; 1G shows 1G mappings as well',
    );
  else if (memory % PAGE !== 0)
    report(at, `${formatSize(memory)} of memory is no whole number of 4K pages`, 'use a multiple of 4K');
}

function checkFiles({ files }: Scenario, tops: Tops, report: Report): void {
  for (const [index, part] of tops.parts('files').entries()) {
    const file = files[index]!;
    checkAligned(file.size, part.placeOf('size'), `file ${file.name}`, report);
    if (files.findIndex(({ name }) => name === file.name) !== index)
      report(
        part.placeOf('name'),
        `there are two files called ${file.name}`,
        'give one of them another name',
      );
  }
}

function checkSlots(scenario: Scenario, tops: Tops, report: Report): void {
  const { slots, files } = scenario;
  for (const [index, part] of tops.parts('slots').entries()) {
    const slot = slots[index]!;
    checkSlotItself(slot, part, report);
    const before = slots.slice(0, index);
    if (before.some(({ id }) => id === slot.id))
      report(part.placeOf('id'), `there are two slots with id ${slot.id}`, 'give one of them another id');
    const other = before.find((candidate) => overlap(candidate, slot));
    if (other)
      report(
        part.placeOf('gpa'),
        `slot ${slot.id} (${range(slot)}) overlaps slot ${other.id} (${range(other)})`,
        `begin it at 0x${(other.gpa + other.size).toString(16)} or later, or make one of them smaller`,
      );
    if (slot.file !== undefined) checkSlotFile(slot, slot.file, files, part, report);
    if (slot.sharedFile !== undefined && !files.some(({ name }) => name === slot.sharedFile))
      report(
        part.placeOf('shared-file'),
        `there is no file ${slot.sharedFile}`,
        meant(
          slot.sharedFile,
          files.map(({ name }) => name),
        ),
      );
  }
}

/** The offset's alignment to larger pages is not checked: that the kernel does, or doesn't, is what rows C1 to C5 show. */
function checkSlotItself(slot: ScenarioSlot, part: Part, report: Report): void {
  for (const key of ['gpa', 'offset'] as const)
    if (!(slot[key] % PAGE === 0))
      report(
        part.placeOf(key),
        `slot ${slot.id} has ${key} 0x${slot[key].toString(16)}, which is not aligned to 4K`,
        'use a multiple of 0x1000',
      );
  checkAligned(slot.size, part.placeOf('size'), `slot ${slot.id}`, report);
}

function checkSlotFile(
  slot: ScenarioSlot,
  name: string,
  files: Scenario['files'],
  part: Part,
  report: Report,
): void {
  const file = files.find((candidate) => candidate.name === name);
  if (!file)
    report(
      part.placeOf('file'),
      `there is no file ${name}`,
      files.length > 0
        ? meant(
            name,
            files.map((each) => each.name),
          )
        : 'add it to `files`',
    );
  else if (slot.offset + slot.size > file.size)
    report(
      part.placeOf(slot.offset > 0 ? 'offset' : 'size'),
      `slot ${slot.id} needs ${formatSize(slot.offset + slot.size)} of file ${name}, which has ${formatSize(file.size)}`,
      'make the file larger or the slot smaller',
    );
}

function checkInitial({ initial, slots }: Scenario, tops: Tops, report: Report): void {
  for (const [index, part] of tops.parts('initial').entries()) {
    const { gpa, size } = initial[index]!;
    if (!insideSlots(gpa, size, slots))
      report(part.placeOf('gpa'), outsideText(gpa, size), slotsRemedy(slots));
  }
}

function checkPlatform(scenario: Scenario, report: Report): void {
  const all = [scenario.expect, ...scenario.variants.flatMap(({ expect }) => expect ?? [])];
  const hasRmp = [scenario, ...scenario.variants].some(({ platform }) => platform === 'snp');
  for (const { at, rmp, rmpSize } of all.flatMap(({ final }) => final))
    if (!hasRmp && (rmp !== undefined || rmpSize !== undefined))
      report(at, `the platform ${scenario.platform} has no RMP`, 'leave `rmp` out, or use `platform: snp`');
}

function checkAligned(size: number, at: TextRange, what: string, report: Report): void {
  if (size === 0) report(at, `${what} has no size`, 'use 4K or more');
  else if (!(size % PAGE === 0))
    report(at, `${what} has ${size} bytes, which are no whole pages`, 'use a multiple of 4K');
}
