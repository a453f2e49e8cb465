/** A run as a person reads it: who did what, in which C function and line, what changed in the machine, and the verdict. */
import type { MachineEvent } from '../machine/events.js';
import type { RunHazard, RunResult, StoryEntry } from './result.js';

const INDENT = '  ';
const QUIET_LOCK = /xa_lock$|^folio /;
/** Lines that may repeat together. */
const LONGEST_REPEAT = 32;
const hex = (value: number): string => `0x${value.toString(16)}`;
const range = (first: number, pages: number): string =>
  pages > 1 ? `${hex(first)}–${hex(first + pages - 1)}` : hex(first);

/** What an event changed, in a few words; `undefined` for what isn't worth a line. */
export function describeEvent(event: MachineEvent): string | undefined {
  switch (event.kind) {
    case 'page': {
      const pages = `pfn ${range(event.pfn, event.pages)}`;
      if (!event.after) return `${pages} is free again`;
      if (!event.before) return `${pages} is allocated for ${event.after.owner}`;
      const { file, indexDelta, owner } = event.after;
      if (file !== undefined) return `${pages} is page ${hex(event.pfn + (indexDelta ?? 0))} of file ${file}`;
      return event.before.file === undefined
        ? `${pages} is ${owner}'s, ${event.after.status}`
        : `${pages} leaves file ${event.before.file}`;
    }
    case 'rmp': {
      const { after, before } = event;
      const pages = `RMP: pfn ${range(event.pfn, event.pages)}`;
      if (!after?.assigned) return `${pages} is the host's`;
      if (before?.assigned && after.validated !== before.validated)
        return `${pages} is ${after.validated ? 'validated' : 'no longer validated'}`;
      return `${pages} is private: ASID ${after.asid}, gfn ${hex(event.pfn + after.gfnDelta)}, ${after.size}`;
    }
    case 'directmap':
      return event.after?.present === event.before?.present
        ? undefined
        : `directmap: pfn ${range(event.pfn, event.pages)} is ${event.after?.present ? 'mapped' : 'not mapped'}`;
    case 'directmap-split':
      return `directmap: ${event.from} at pfn ${hex(event.pfn)} is split to ${event.to}`;
    case 'directmap-restore':
      return `directmap: pfn ${hex(event.pfn)} is ${event.to} again`;
    case 'npt':
      return event.after
        ? `nested page table: gfn ${range(event.gfn, event.pages)} → pfn ${range(event.gfn + event.after.pfnDelta, event.pages)}, ${event.after.level}`
        : `nested page table: gfn ${range(event.gfn, event.pages)} is zapped`;
    case 'flush':
      return `TLB flush: ${event.vcpus.length} vCPU${event.vcpus.length === 1 ? '' : 's'}, ${event.entries} translations`;
    case 'guest-fault':
      return `nested page fault of vcpu${event.vcpu} at gfn ${hex(event.gfn)}: ${event.reason}, error code 0x${event.errorCode.toString(16)}`;
    case 'host-fault':
      return `page fault of the host at pfn ${hex(event.pfn)}: ${event.reason}, error code 0x${event.errorCode.toString(16)}`;
    case 'instruction':
      return event.code === 0n ? undefined : `${event.instruction} fails: ${event.name}`;
    default:
      return undefined;
  }
}

export function hazardText(hazard: RunHazard): string[] {
  const { kind, row, message, lock, path, file, line, function: name } = hazard;
  const lines = [`${kind}${row === undefined ? '' : ` (mail row ${row})`}: ${message}`];
  if (file !== undefined)
    lines.push(`at ${file}:${line}${name === undefined ? '' : ` in ${name}`}, by ${hazard.actor}`);
  if (lock)
    lines.push(
      `lock ${lock.name} (${lock.mode}), taken in ${lock.acquiredAt.function} (${lock.acquiredAt.file}:${lock.acquiredAt.line})`,
    );
  for (const call of path) lines.push(`${INDENT}${call.function}  ${call.file}:${call.line}`);
  return lines;
}

/** The story's lines; setup and steps only where the whole trace is wanted, or of the verdict only what went wrong. */
export function storyText(
  result: RunResult,
  { trace, verdict: wanted = 'all' }: { trace: boolean; verdict?: 'all' | 'hazards' },
): string {
  const lines: string[] = [];
  lines.push(result.scenario, '');
  let actor = '';
  for (const entry of result.story) {
    if (entry.actor === 'setup' && !trace) continue;
    const said = entryText(entry, trace);
    if (said === undefined) continue;
    if (entry.actor !== actor) lines.push(`${entry.actor}:`);
    actor = entry.actor;
    const deep = entry.kind === 'action' || entry.kind === 'result' ? 1 : trace ? 1 + entry.depth : 2;
    const at = placeText(entry);
    const left = `${INDENT.repeat(deep)}${said}`;
    lines.push(at === '' ? left : `${left.padEnd(84)} ${at}`);
  }
  const told = trace ? lines : folded(lines);
  told.push('', ...(wanted === 'all' ? verdict(result) : hazardLines(result)));
  return `${told.join('\n')}\n`;
}

/** The same lines over and over, but for their numbers, once: what a loop over pages says. */
function folded(lines: readonly string[]): string[] {
  const shapes = lines.map((line) => line.replace(/0x[0-9a-f]+(–0x[0-9a-f]+)?|\b\d+ translations/g, '#'));
  const told: string[] = [];
  for (let at = 0; at < lines.length; ) {
    const { length, times } = repeatAt(shapes, at);
    told.push(...lines.slice(at, at + length));
    if (times > 1)
      told.push(
        `${INDENT.repeat(2)}… the last ${length === 1 ? 'line' : `${length} lines`} ${times - 1} times more`,
      );
    at += length * times;
  }
  return told;
}

/** The block from a line on that repeats most lines; one line once if none does. */
function repeatAt(shapes: readonly string[], at: number): { length: number; times: number } {
  let best = { length: 1, times: 1 };
  for (let length = 1; length <= LONGEST_REPEAT && at + 2 * length <= shapes.length; length++) {
    let times = 1;
    while (matches(shapes, at, at + times * length, length)) times++;
    if (times > 2 && length * times > best.length * best.times) best = { length, times };
  }
  return best;
}

const matches = (shapes: readonly string[], at: number, next: number, length: number): boolean =>
  next + length <= shapes.length &&
  shapes.slice(at, at + length).every((shape, i) => shape === shapes[next + i]);

const placeText = ({ at, kind }: StoryEntry): string =>
  at === undefined || kind === 'enter'
    ? at
      ? `${at.file}:${at.line}`
      : ''
    : `${at.function}, ${at.file}:${at.line}`;

function entryText(entry: StoryEntry, trace: boolean): string | undefined {
  switch (entry.kind) {
    case 'action':
      return entry.text;
    case 'result':
      return `= ${entry.text}`;
    case 'enter':
      return trace ? `${entry.function}()` : undefined;
    case 'leave':
      return trace ? `return from ${entry.function}` : undefined;
    case 'step':
      return 'step';
    case 'lock':
      // The page cache's own locks say nothing about guest memory.
      if (!trace && QUIET_LOCK.test(entry.name)) return undefined;
      return `${entry.change}${entry.name} (${entry.mode})`;
    case 'log':
      return `printk: ${entry.text}`;
    case 'machine':
      return describeEvent(entry.event);
    case 'hazard':
      return `!! ${entry.hazard.kind}`;
  }
}

const hazardLines = ({ hazards }: RunResult): string[] =>
  hazards.flatMap((hazard) => hazardText(hazard).map((line, i) => (i === 0 ? line : `${INDENT}${line}`)));

function verdict(result: RunResult): string[] {
  const lines = hazardLines(result);
  if (result.message !== undefined) lines.push(`could not be carried out: ${result.message}`);
  for (const { name, file, line } of result.coverage.unmodelled)
    lines.push(`not modelled: ${name}(), called at ${file}:${line}`);
  const failed = result.expectations.filter(({ ok }) => !ok);
  for (const { what, expected, actual, at } of failed)
    lines.push(`${at ? `${at.file}:${at.line}: ` : ''}${what}: expected ${expected}, got ${actual}`);
  const files = Object.values(result.coverage.treeLines);
  const executed = files.reduce((sum, one) => sum + one.length, 0);
  lines.push(
    `${result.passed ? 'as expected' : 'NOT AS EXPECTED'}: ${result.outcome}; ${result.steps} steps, ${executed} lines of C in ${files.length} files`,
  );
  return lines;
}
