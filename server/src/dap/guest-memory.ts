/** The guest's memory as the kernel has it: slots, attributes, and the file pages behind them. */
import { CodeError } from '../simulator/execution/tokens.js';
import { PAGE_SIZE } from '../simulator/machine/units.js';
import type { ScenarioSlot } from '../simulator/scenario/model.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { peek } from './evaluation.js';

export interface GuestSlot {
  readonly id: number;
  readonly gfn: number;
  readonly pages: number;
  readonly file?: string;
  /** Page index in the file of its first page. */
  readonly index: number;
}

/** The slots that the scenario sets up or creates on the way, by gfn. */
export function guestSlots({ scenario }: Simulation): GuestSlot[] {
  const created = scenario.actors.flatMap(({ actions }) =>
    actions.flatMap((action) => (action.do === 'create-slot' ? [action as ScenarioSlot] : [])),
  );
  const all = [...scenario.slots, ...created].map(({ id, gpa, size, file, offset }) => ({
    id,
    gfn: Math.floor(gpa / PAGE_SIZE),
    pages: Math.ceil(size / PAGE_SIZE),
    index: Math.floor(offset / PAGE_SIZE),
    ...(file !== undefined && { file }),
  }));
  return all.sort((a, b) => a.gfn - b.gfn);
}

/** `private` or `shared`; `no VM` before there is one. */
export const privateAt = (simulation: Simulation, gfn: number): string =>
  peek(simulation, () => simulation.actors.calls.attributeOf(gfn * PAGE_SIZE));

export interface AttributeRun {
  gfn: number;
  pages: number;
  attribute: string;
}

/** Pages between two questions where nothing says at which gfns attributes change. */
const COARSE = 512;
const MOST_QUESTIONS = 8192;

/** Attributes over all slots, as ranges. */
export function attributeRuns(simulation: Simulation): AttributeRun[] {
  return peek(simulation, () => {
    const runs: AttributeRun[] = [];
    const edges = attributeEdges(simulation);
    for (const { gfn, pages } of guestSlots(simulation)) {
      for (const [from, to] of pieces(gfn, gfn + pages, edges)) {
        const attribute = simulation.actors.calls.attributeOf(from * PAGE_SIZE);
        const last = runs.at(-1);
        if (last?.attribute === attribute && last.gfn + last.pages === from) last.pages += to - from;
        else runs.push({ gfn: from, pages: to - from, attribute });
      }
    }
    return runs;
  });
}

/** Where entries of kvm->mem_attr_array begin and end; `undefined` for a kernel that keeps attributes elsewhere. */
function attributeEdges({ kernel, actors }: Simulation): number[] | undefined {
  const { kvm } = actors.state;
  if (kvm === 0n) return [];
  try {
    const array = kernel.object(kvm, 'struct kvm').addressOf('mem_attr_array');
    const entries = kernel.state.arrays.get(array) ?? [];
    return entries.flatMap(({ first, last }) => [Number(first), Number(last) + 1]).sort((a, b) => a - b);
  } catch (error) {
    if (error instanceof CodeError) return undefined;
    throw error;
  }
}

function* pieces(from: number, to: number, edges: readonly number[] | undefined): Iterable<[number, number]> {
  if (!edges) {
    const step = to - from > MOST_QUESTIONS ? COARSE : 1;
    for (let at = from; at < to; at += step) yield [at, Math.min(to, at + step)];
    return;
  }
  let at = from;
  for (const edge of edges) {
    if (edge <= at) continue;
    if (edge >= to) break;
    yield [at, edge];
    at = edge;
  }
  yield [at, to];
}

export interface FilePages {
  gfn: number;
  pages: number;
  pfn: number;
}

/** Pages of the slots' files that are allocated, by gfn. */
export function filePages(simulation: Simulation): FilePages[] {
  const { hardware } = simulation;
  const { start, pages } = hardware.pages.memory;
  const found: FilePages[] = [];
  const slots = guestSlots(simulation);
  for (const run of hardware.frames.page.runs(start, pages)) {
    const { file, indexDelta = 0 } = run.value ?? {};
    if (file === undefined) continue;
    const first = run.start + indexDelta;
    for (const slot of slots) {
      if (slot.file !== file) continue;
      const from = Math.max(first, slot.index);
      const to = Math.min(first + run.count, slot.index + slot.pages);
      if (from >= to) continue;
      found.push({ gfn: slot.gfn + from - slot.index, pages: to - from, pfn: run.start + from - first });
    }
  }
  return found.sort((a, b) => a.gfn - b.gfn);
}
