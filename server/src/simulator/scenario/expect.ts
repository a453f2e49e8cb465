/** Whether a run came out as its scenario says. */
import type { Kernel } from '../kernel-api/kernel.js';
import { spaceOf } from '../machine/guest-walk.js';
import { LEVELS, type Level, ORDER_OF, PAGE_SIZE } from '../machine/units.js';
import type { Actors } from './actors.js';
import { ALL_ATTRIBUTES, attributesIn, attributesOf, protectionText } from './memory-attributes.js';
import type { Attribute, Bound, Expectation, ExpectedHazard, ExpectedState, Scenario } from './model.js';
import type { CheckedExpectation, Outcome, RunHazard } from './result.js';

interface Came {
  outcome: Outcome;
  message: string | undefined;
  hazards: readonly RunHazard[];
  counters: Readonly<Record<string, number>>;
  /** C functions in the order in which they were entered. */
  entered: readonly string[];
  /** Lines of the kernel's log. */
  log: readonly string[];
}

export function checkExpectation(scenario: Scenario, came: Came, state: StateReader): CheckedExpectation[] {
  const { expect } = scenario;
  const place = expect.at && { file: expect.at.file, line: expect.at.line };
  const outcome = expect.outcome ?? 'ok';
  const checks: CheckedExpectation[] = [
    {
      what: 'outcome',
      expected: outcome,
      actual: came.outcome,
      ok: outcome === came.outcome,
      ...(place && { at: place }),
    },
    ...checkHazards(expect, came.hazards),
    ...expect.counters.map(({ name, bound, at }) => {
      const value = came.counters[name];
      const ok = value !== undefined && value >= bound.atLeast && value <= bound.atMost;
      return {
        what: `counter ${name}`,
        expected: boundText(bound),
        actual: String(value ?? 'not counted'),
        ok,
        at: lineOf(at),
      };
    }),
    ...checkCalls(expect.calls, came.entered),
    ...expect.log.map((text) => ({
      what: 'the kernel’s log',
      expected: text,
      actual: came.log.find((line) => line.includes(text)) ?? (came.log.join('; ') || 'empty'),
      ok: came.log.some((line) => line.includes(text)),
      ...(place && { at: place }),
    })),
  ];
  if (expect.message !== undefined) {
    const said = [came.message ?? '', ...came.hazards.map(({ message }) => message)];
    const ok = said.some((text) => text.includes(expect.message!));
    checks.push({
      what: 'message',
      expected: expect.message,
      actual: said.filter(Boolean).join('; ') || 'none',
      ok,
    });
  }
  // A run that stopped early has no final state to speak of.
  if (came.outcome !== 'error') for (const one of expect.final) checks.push(...checkState(one, state));
  return checks;
}

const lineOf = ({ file, line }: { file: string; line: number }) => ({ file, line });

function checkHazards({ hazards }: Expectation, came: readonly RunHazard[]): CheckedExpectation[] {
  if (!hazards) return [];
  const matched = new Set<RunHazard>();
  const checks = hazards.map((wanted) => {
    const found = came.filter((hazard) => matches(wanted, hazard));
    for (const hazard of found) matched.add(hazard);
    const ok = found.length >= wanted.count.atLeast && found.length <= wanted.count.atMost;
    const others = came.map(({ kind, row }) => (row === undefined ? kind : `${kind} (${row})`)).join(', ');
    return {
      what: `hazard ${wanted.kind}${wanted.row === undefined ? '' : ` (${wanted.row})`}`,
      expected: boundText(wanted.count),
      actual: ok ? `${found.length} times` : `${found.length} times; hazards: ${others || 'none'}`,
      ok,
      at: lineOf(wanted.at),
    };
  });
  const others = came.filter((hazard) => !matched.has(hazard));
  return [
    ...checks,
    {
      what: 'other hazards',
      expected: 'none',
      actual: others.map(({ kind, message }) => `${kind}: ${message}`).join('; ') || 'none',
      ok: others.length === 0,
    },
  ];
}

const matches = (
  wanted: ExpectedHazard,
  { kind, row, function: name, actor, gfn, message }: RunHazard,
): boolean =>
  wanted.kind === kind &&
  (wanted.row === undefined || wanted.row === row) &&
  (wanted.function === undefined || wanted.function === name) &&
  (wanted.actor === undefined || wanted.actor === actor) &&
  (wanted.gpa === undefined || Math.floor(wanted.gpa / PAGE_SIZE) === gfn) &&
  (wanted.message === undefined || message.includes(wanted.message));

function boundText({ atLeast, atMost }: Bound): string {
  if (atLeast === atMost) return String(atLeast);
  if (atMost === Number.POSITIVE_INFINITY) return `${atLeast} or more`;
  return `${atLeast} to ${atMost}`;
}

/** The wanted functions are entered in this order, with others between them. */
function checkCalls(wanted: readonly string[], entered: readonly string[]): CheckedExpectation[] {
  if (wanted.length === 0) return [];
  let at = 0;
  for (const name of entered) if (name === wanted[at]) at++;
  const actual =
    at === wanted.length
      ? wanted.join(', ')
      : `${wanted[at]} is not called after ${wanted[at - 1] ?? 'the start'}`;
  return [{ what: 'calls', expected: wanted.join(', '), actual, ok: at === wanted.length }];
}

/** The machine as it is at the end. */
export class StateReader {
  constructor(
    private readonly kernel: Kernel,
    private readonly actors: Actors,
    private readonly scenario: Scenario,
  ) {}

  /** What a state's key is at the end of the run; `undefined` where nothing can be said. */
  read(key: keyof ExpectedState, target: ExpectedState['target'], offset: number): string | undefined {
    const { hardware } = this.kernel;
    if (key === 'attribute')
      return target.kind === 'gpa' ? this.actors.calls.attributeOf(target.gpa + offset) : undefined;
    if (key === 'attributes') return target.kind === 'gpa' ? this.attributes(target.gpa + offset) : undefined;
    if (key === 'mapped') return target.kind === 'gpa' ? this.mapped(target.gpa + offset) : undefined;
    if (key === 'sept')
      return target.kind === 'gpa'
        ? (hardware.sept.at(this.kernel.vm, (target.gpa + offset) / PAGE_SIZE)?.state ?? 'absent')
        : undefined;
    if (key === 'protection') return target.kind === 'gpa' ? this.protection(target.gpa + offset) : undefined;
    const pfn = this.pfnOf(target, offset);
    if (key === 'page') return pfn === undefined ? 'absent' : 'present';
    if (pfn === undefined) return 'no page';
    if (key === 'rmp') return hardware.rmp.peek(pfn).assigned ? 'assigned' : 'shared';
    if (key === 'rmpSize') return hardware.rmp.peek(pfn).size;
    if (key === 'directmap') {
      const { level, present } = hardware.directmap.at(pfn);
      return present ? level : 'no';
    }
    if (key === 'folio') return folioSize(hardware.pages.at(pfn)?.order ?? 0);
    if (key === 'content') return this.content(pfn);
    return undefined;
  }

  private attributes(gpa: number): string {
    const { kvm } = this.actors.state;
    return attributesIn(this.kernel, attributesOf(this.kernel, kvm, gpa / PAGE_SIZE)).join(', ');
  }

  /** What the leaf lets the guest do. */
  private protection(gpa: number): string {
    const leaf = this.leafOf(gpa);
    return protectionText({
      read: leaf !== undefined,
      write: leaf?.writable ?? false,
      execute: leaf?.executable ?? false,
    });
  }

  private mapped(gpa: number): string {
    return this.leafOf(gpa)?.level ?? 'no';
  }

  /** By which the guest reaches a page as the attributes have it: with a Secure EPT, private memory is in that one. */
  private leafOf(gpa: number): { level: Level; writable: boolean; executable: boolean } | undefined {
    const { hardware, vm } = this.kernel;
    const gfn = gpa / PAGE_SIZE;
    const space = spaceOf(hardware.platform, this.actors.calls.attributeOf(gpa) === 'private');
    if (space !== 'private') return hardware.npt(vm).leaf(gfn, space);
    const cell = hardware.sept.at(vm, gfn);
    return cell?.state === 'mapped' ? { level: cell.level, writable: true, executable: true } : undefined;
  }

  private content(pfn: number): string {
    const { hardware, vm } = this.kernel;
    const key = hardware.contents.at(pfn).key;
    if (key !== 0 && key !== hardware.vms.get(vm).key) return 'garbled';
    return hardware.contents.patternOf(pfn, key) ?? 'something else';
  }

  /** The private page behind a gpa, or the page in a file. */
  private pfnOf(target: ExpectedState['target'], offset: number): number | undefined {
    if (target.kind === 'file') return this.actors.calls.pageInFile(target.file, target.offset + offset);
    const gpa = target.gpa + offset;
    // Those that actors made, and those that are gone by now.
    const slots = [...this.actors.state.slots.values(), ...this.scenario.slots];
    const slot = slots.find((one) => gpa >= one.gpa && gpa < one.gpa + one.size);
    return slot?.file === undefined
      ? undefined
      : this.actors.calls.pageInFile(slot.file, gpa - slot.gpa + slot.offset);
  }
}

const folioSize = (order: number): string =>
  LEVELS.find((level) => ORDER_OF[level] === order) ?? `order ${order}`;

const STATE_KEYS = [
  'attribute',
  'attributes',
  'protection',
  'mapped',
  'sept',
  'rmp',
  'rmpSize',
  'directmap',
  'page',
  'folio',
  'content',
] as const;

/** A list of attributes as the state reader writes it. */
const inOrder = (attributes: readonly Attribute[]): string =>
  ALL_ATTRIBUTES.filter((one) => attributes.includes(one)).join(', ');

function checkState(wanted: ExpectedState, state: StateReader): CheckedExpectation[] {
  const { target } = wanted;
  const size = target.size ?? PAGE_SIZE;
  return STATE_KEYS.flatMap((key) => {
    const wish = wanted[key];
    if (wish === undefined) return [];
    const expected = typeof wish === 'string' ? wish : inOrder(wish);
    let actual: string | undefined;
    for (let offset = 0; offset < size; offset += PAGE_SIZE) {
      actual = state.read(key, target, offset);
      if (actual !== expected) break;
    }
    const where =
      target.kind === 'gpa'
        ? `gpa 0x${target.gpa.toString(16)}`
        : `${target.file} at 0x${target.offset.toString(16)}`;
    return [
      {
        what: `${key} of ${where}`,
        expected,
        actual: actual ?? 'unknown',
        ok: actual === expected,
        at: lineOf(wanted.at),
      },
    ];
  });
}
