/** What is modelled around a real tree's C, by name, each with the source of its contract. */
import { BASIC_FUNCTIONS } from '../kernel-api/basic-functions.js';
import { entriesOf, entryOf, type ModelEntry, type ModelTable } from '../kernel-api/table-entry.js';
import { BOOT } from './boot.js';
import { TREE_FILES } from './file-models.js';
import { TREE_HARDWARE } from './hardware-models.js';
import { TREE_LOCKS } from './lock-models.js';
import { TREE_MEMORY } from './memory-models.js';
import { SEV } from './sev-models.js';
import { SYSTEM } from './system-models.js';
import { VCPU } from './vcpu-models.js';
import { TREE_XARRAY } from './xarray-models.js';

export const TREE_MODELLED: ModelTable = {
  ...TREE_LOCKS,
  ...entriesOf(BASIC_FUNCTIONS, '__warn', 'need_resched', 'cond_resched'),
  __might_sleep: entryOf(BASIC_FUNCTIONS, 'might_sleep'),
  printk: entryOf(BASIC_FUNCTIONS, 'pr_err'),
  ...TREE_MEMORY,
  ...TREE_XARRAY,
  ...TREE_FILES,
  ...SYSTEM,
  ...TREE_HARDWARE,
  ...BOOT,
  ...SEV,
  ...VCPU,
};

/** Families of functions that have one model. */
const FAMILIES: readonly [RegExp, string][] = [
  [/^trace_\w+$/, 'Documentation/trace/tracepoints.rst: nobody listens'],
  [/^security_\w+$/, 'Documentation/security/lsm.rst: no security module is loaded'],
  [/^fsnotify\w*$/, 'Documentation/filesystems/inotify.rst: nobody watches a file'],
  [/^(__)?mem_cgroup_\w+$/, 'Documentation/admin-guide/cgroup-v2.rst: no limits'],
];

/** Models of functions that no table can list. */
export function treeModelOf(name: string): ModelEntry | undefined {
  const family = FAMILIES.find(([pattern]) => pattern.test(name));
  return family && { source: family[1], run: () => 0 };
}
