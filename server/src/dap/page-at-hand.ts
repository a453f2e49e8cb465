/** Which page a frame's C is about, told from its variables. */
import { callStack, children, type Variable, variables } from '../simulator/execution/inspect.js';
import type { Thread } from '../simulator/execution/thread.js';
import { PAGE_SIZE } from '../simulator/machine/units.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { peek } from './evaluation.js';

export interface AtHand {
  readonly gfn?: number;
  readonly pfn?: number;
}

type Found = { gfn: number } | { pfn: number };

/** Names that kernel code has for numbers of frames and for guest addresses. */
const NAMES: Readonly<Record<string, 'gfn' | 'pfn' | 'gpa'>> = {
  gfn: 'gfn',
  start_gfn: 'gfn',
  pfn: 'pfn',
  gpa: 'gpa',
  cr2_or_gpa: 'gpa',
  fault_address: 'gpa',
};

/** Pointers to structs whose members say it: `fault->gfn`, `range->start`. */
const POINTERS: Readonly<Record<string, readonly string[]>> = {
  'struct kvm_page_fault *': ['gfn', 'pfn'],
  'struct kvm_gfn_range *': ['start'],
};

/** The page that a frame, or one of its callers, has at hand. */
export function pageAtHand(simulation: Simulation, thread: Thread, from: number | undefined): AtHand {
  if (from === undefined) return {};
  return peek(simulation, () => {
    let found: AtHand = {};
    for (const { index, modelled } of callStack(thread)) {
      if (modelled || index > from) continue;
      for (const variable of variables(simulation.c, thread, index)) {
        for (const one of foundIn(simulation, variable)) found = { ...one, ...found };
      }
      if (found.gfn !== undefined && found.pfn !== undefined) return found;
    }
    return found;
  });
}

function foundIn(simulation: Simulation, variable: Variable): Found[] {
  const { name, type, number } = variable;
  if (number === undefined) return [];
  const page = simulation.kernel.state.pfnOfPage.get(number);
  if (page !== undefined) return [{ pfn: page }];
  const known = numberNamed(simulation, name, number);
  if (known) return [known];
  const members = POINTERS[type];
  if (!members || number === 0n) return [];
  return children(simulation.c, variable).flatMap((member) => {
    if (!members.includes(member.name) || member.number === undefined) return [];
    return numberNamed(simulation, member.name === 'start' ? 'gfn' : member.name, member.number) ?? [];
  });
}

/** Numbers that can't be frames, such as an error or a value that wasn't set yet, are none. */
function numberNamed({ hardware }: Simulation, name: string, number: bigint): Found | undefined {
  const kind = NAMES[name];
  if (kind === undefined || number < 0n || number > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const value = Number(number);
  if (kind === 'pfn') return hardware.pages.contains(value) ? { pfn: value } : undefined;
  return { gfn: kind === 'gfn' ? value : Math.floor(value / PAGE_SIZE) };
}
