/** What comes before the actors' own actions: modules, the VM, its files, slots, vCPUs and attributes. */
import type { Doing } from './doing.js';
import type { KernelCode } from './kernel-code.js';
import type { Scenario } from './model.js';

export function setupActions(scenario: Scenario, kernel: KernelCode): Doing[] {
  const quiet = { expect: 'ok', after: [] };
  return [
    ...kernel.initcalls(scenario).map((call) => ({ do: 'boot' as const, ...call, ...quiet })),
    { do: 'create-vm', ...quiet },
    ...scenario.files.map((file) => ({ do: 'create-file' as const, ...file, ...quiet })),
    ...scenario.slots.map((slot) => ({ do: 'create-slot' as const, ...slot, ...quiet })),
    ...Array.from({ length: scenario.vcpus }, () => ({ do: 'create-vcpu' as const, ...quiet })),
    ...scenario.initial.map(({ gpa, size, attribute }) => ({
      do: 'set-attributes' as const,
      gpa,
      size,
      attributes: attribute === 'private' ? (['private'] as const) : [],
      flags: 0,
      ...quiet,
    })),
  ].map((action) => ({ ...action, setup: true }) as Doing);
}
