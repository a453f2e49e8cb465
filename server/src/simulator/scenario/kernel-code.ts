/** Which C a run executes, and how its actors enter it: a reference kernel, a real tree. Simulation knows only this interface. */
import { configurationOf, parseDotConfig } from '../../kernel-c/conditions.js';
import type { CodeSource } from '../execution/source.js';
import { textsSource } from '../execution/texts-source.js';
import { ENTRY_FILE, entryText } from '../kernel-api/entry.js';
import type { ModelEntry, ModelTable } from '../kernel-api/table-entry.js';
import { functionsIn } from './c-functions.js';
import { configurationFor } from './configure.js';
import { GuestMemfdCalls } from './guest-memfd-calls.js';
import type { CallContext, KernelCalls } from './kernel-calls.js';
import { MemfileCalls } from './memfile-calls.js';
import { MEMFILE_FUNCTIONS } from './memfile-functions.js';
import type { Scenario, ScenarioPlatform } from './model.js';
import { RestrictedmemCalls } from './restrictedmem-calls.js';
import { refusals } from './runnable.js';

export interface KernelCode {
  /** `guest-memfd`, …, `tree`. */
  readonly name: string;
  /** Why a scenario can't be run on it; nothing if it can. */
  refusals(scenario: Scenario): string[];
  /** Its C under the configuration that a scenario means, with ENTRY_FILE: the actors' way into it. */
  source(scenario: Scenario): CodeSource;
  /** Functions to be called before all else, in order: what modules are initialised by. */
  initcalls(scenario: Scenario): { function: string; file: string }[];
  /** KVM_CREATE_VM's argument, by name. */
  vmType(scenario: Scenario): string;
  /** How actions become calls of it. */
  calls(context: CallContext): KernelCalls;
  /** Functions that are modelled for this kernel alone; they come before those of the table. */
  readonly modelled?: ModelTable;
  /** Names of all its C functions, where they can be told without reading a whole tree. */
  functions?(): ReadonlySet<string>;
  /** All functions that are modelled, instead of the table of reference kernels. */
  readonly table?: ModelTable;
  /** Models of functions that no table can list. */
  modelOf?(name: string): ModelEntry | undefined;
}

/**
 * One of the kernels in server/kernels, or a tree like them.
 * @param texts its C and headers by path
 * @param config its correct .config
 */
export function referenceKernel(
  name: string,
  texts: Readonly<Record<string, string>>,
  config: string,
): KernelCode {
  const correct = parseDotConfig(config);
  const { headers, calls, modelled } = DESIGN_CODE[name] ?? DESIGN_CODE['guest-memfd']!;
  return {
    name,
    refusals: (scenario) => refusals(scenario, config),
    source: (scenario) =>
      textsSource(
        { ...texts, [ENTRY_FILE]: entryText(headers) },
        configurationOf(configurationFor(scenario, correct).symbols, true, scenario.design),
      ),
    initcalls: () => initcallsIn(texts),
    functions: () => functionsIn(texts),
    vmType: ({ platform }) => VM_TYPES[platform],
    calls,
    ...(modelled && { modelled }),
  };
}

/** What the interface of each design needs. */
const DESIGN_CODE: Readonly<
  Record<string, Pick<KernelCode, 'calls' | 'modelled'> & { headers: readonly string[] }>
> = {
  'guest-memfd': { headers: [], calls: (context) => new GuestMemfdCalls(context) },
  restrictedmem: {
    headers: ['linux/restrictedmem.h'],
    calls: (context) => new RestrictedmemCalls(context),
  },
  'memfile-notifier': {
    headers: ['linux/memfd.h', 'linux/shmem_fs.h'],
    calls: (context) => new MemfileCalls(context),
    modelled: MEMFILE_FUNCTIONS,
  },
};

const VM_TYPES: Readonly<Record<ScenarioPlatform, string>> = {
  snp: 'KVM_X86_SNP_VM',
  tdx: 'KVM_X86_TDX_VM',
  'sw-protected': 'KVM_X86_SW_PROTECTED_VM',
};

/** `module_init(svm_init)` names a function; the texts in the order of their paths. */
export const initcallsIn = (texts: Readonly<Record<string, string>>): { function: string; file: string }[] =>
  Object.entries(texts).flatMap(([file, text]) =>
    [...text.matchAll(/^module_init\((\w+)\)/gm)].map(([, name]) => ({ function: name!, file })),
  );
