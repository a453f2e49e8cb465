/** Which configuration of a reference kernel a scenario means: its options in terms of CONFIG_ symbols. */
import type { SymbolTable } from '../../kernel-c/conditions.js';
import type { Scenario, ScenarioOptions } from './model.js';

type Change = Record<string, 'y' | 'n'>;

/** Options of the design guest-memfd: value → what it changes of the correct configuration. */
const GUEST_MEMFD: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  hook: {
    'get-pfn': {},
    'set-attributes': {
      CONFIG_GMEM_HOOK_GET_PFN: 'n',
      CONFIG_HAVE_KVM_ARCH_GMEM_PREPARE: 'n',
      CONFIG_GMEM_HOOK_SET_ATTRIBUTES: 'y',
    },
  },
  'retry-check': { true: {}, false: { CONFIG_GMEM_BUG_NO_RETRY_CHECK: 'y' } },
  'invalidate-end': { exact: {}, 'off-by-one': { CONFIG_GMEM_BUG_SHORT_RANGE: 'y' } },
  'invalidate-balance': { true: {}, false: { CONFIG_GMEM_BUG_UNBALANCED: 'y' } },
  directmap: { split: {}, none: { CONFIG_GMEM_BUG_NO_DIRECTMAP_SPLIT: 'y' } },
  restore: { never: {} },
  allocation: { scattered: {} },
  invalidation: { range: {} },
  alignment: { none: {} },
  attributes: { upstream: {}, operation: { CONFIG_KVM_ATTRIBUTES_OPERATION: 'y' } },
  'refuse-private-fallocate': { false: {} },
  protections: { false: {}, true: { CONFIG_KVM_PROTECTIONS: 'y' } },
  'no-exec': { true: {}, false: { CONFIG_KVM_NO_EXEC: 'n' } },
};

/** Of the design restrictedmem. */
const RESTRICTEDMEM: typeof GUEST_MEMFD = {
  'retry-check': { true: {}, false: { CONFIG_RMEM_BUG_NO_RETRY_CHECK: 'y' } },
  directmap: {
    split: {},
    remove: { CONFIG_RMEM_DIRECTMAP_SPLIT: 'n', CONFIG_RMEM_DIRECTMAP_REMOVE: 'y' },
    none: { CONFIG_RMEM_DIRECTMAP_SPLIT: 'n', CONFIG_RMEM_DIRECTMAP_NONE: 'y' },
  },
  restore: {
    'on-full-2m': {},
    never: { CONFIG_RMEM_RESTORE_ON_FULL_2M: 'n', CONFIG_RMEM_RESTORE_NEVER: 'y' },
    'when-uniform': { CONFIG_RMEM_RESTORE_ON_FULL_2M: 'n', CONFIG_RMEM_RESTORE_WHEN_UNIFORM: 'y' },
  },
  allocation: { scattered: {}, grouped: { CONFIG_RMEM_ALLOC_GROUPED: 'y' } },
  invalidation: {
    range: {},
    folio: { CONFIG_RMEM_INVALIDATE_RANGE: 'n', CONFIG_RMEM_INVALIDATE_FOLIO: 'y' },
    lazy: { CONFIG_RMEM_INVALIDATE_RANGE: 'n', CONFIG_RMEM_INVALIDATE_LAZY: 'y' },
  },
  alignment: {
    'by-size': {},
    none: { CONFIG_RMEM_ALIGN_BY_SIZE: 'n', CONFIG_RMEM_ALIGN_NONE: 'y' },
    'by-flags': { CONFIG_RMEM_ALIGN_BY_SIZE: 'n', CONFIG_RMEM_ALIGN_BY_FLAGS: 'y' },
  },
  attributes: { upstream: {} },
  'refuse-private-fallocate': { false: {}, true: { CONFIG_RMEM_REFUSE_PRIVATE_FALLOCATE: 'y' } },
  protections: { false: {} },
};

/** Of the design memfile-notifier. */
const MEMFILE: typeof GUEST_MEMFD = {
  'retry-check': { true: {}, false: { CONFIG_GMEM_BUG_NO_RETRY_CHECK: 'y' } },
  'seal-auto-allocate': { true: {}, false: { CONFIG_MEMFILE_SEAL_AUTO_ALLOCATE: 'n' } },
  unmovable: { true: {}, false: { CONFIG_MEMFILE_UNMOVABLE: 'n' } },
  invalidation: { range: {} },
  alignment: { none: {} },
  'refuse-private-fallocate': { false: {} },
  protections: { false: {} },
};

const OPTIONS: Readonly<Record<string, typeof GUEST_MEMFD>> = {
  'guest-memfd': GUEST_MEMFD,
  restrictedmem: RESTRICTEDMEM,
  'memfile-notifier': MEMFILE,
};

export interface Configured {
  symbols: SymbolTable;
  /** Why this design can't be run so. */
  refusals: string[];
}

/** @param correct symbols of the design's correct configuration */
export function configurationFor(scenario: Scenario, correct: SymbolTable): Configured {
  const refusals: string[] = [];
  const symbols: Record<string, string> = { ...correct };
  const set = (name: string, value: string): void => {
    if (value === 'n') delete symbols[name];
    else symbols[name] = value;
  };
  for (const [option, value] of Object.entries(scenario.options) as [keyof ScenarioOptions, unknown][]) {
    const change = OPTIONS[scenario.design]?.[option]?.[String(value)];
    if (!change) {
      refusals.push(`the reference kernel ${scenario.design} has no \`${option}: ${String(value)}\``);
      continue;
    }
    for (const [name, setting] of Object.entries(change)) set(name, setting);
  }
  for (const [name, value] of Object.entries(scenario.config))
    set(name, value === true ? 'y' : value === false ? 'n' : String(value));
  return { symbols, refusals };
}
