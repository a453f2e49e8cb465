/** The xarray's functions as a real tree calls them. */

import { entriesOf, entryOf, type ModelTable } from '../kernel-api/table-entry.js';
import { XARRAY_FUNCTIONS } from '../kernel-api/xarray-functions.js';

const SOURCE = 'Documentation/core-api/xarray.rst; include/linux/xarray.h';
export const TREE_XARRAY: ModelTable = {
  ...entriesOf(
    XARRAY_FUNCTIONS,
    'xa_init',
    'xa_destroy',
    'xa_load',
    'xa_store',
    'xa_reserve',
    'xa_store_range',
  ),
  xa_init_flags: entryOf(XARRAY_FUNCTIONS, 'xa_init'),
  xa_empty: {
    source: SOURCE,
    run: (kernel, call) => kernel.find(call.address(0), 0n, (1n << 64n) - 1n) === undefined,
  },
  xa_erase: entryOf(XARRAY_FUNCTIONS, '__xa_erase'),
  __lens_xa_put: entryOf(XARRAY_FUNCTIONS, '__xa_store'),
  xa_release: { source: SOURCE, run: () => undefined },
  xa_insert: {
    source: SOURCE,
    run: (kernel, call) => {
      const [array, index] = [call.address(0), call.unsigned(1)];
      if (kernel.find(array, index, index)) return -16;
      entryOf(XARRAY_FUNCTIONS, '__xa_store').run(kernel, call);
      return 0;
    },
  },
  __lens_xa_find: {
    source: SOURCE,
    run: (kernel, call) =>
      entryOf(XARRAY_FUNCTIONS, call.int(3) === 0 ? 'xa_find' : 'xa_find_after').run(kernel, call),
  },
};
