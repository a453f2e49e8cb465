/** What a guest's instruction does to memory, and what it can do wrong: use a mapping that should be gone. */
import type { Contents } from './contents.js';
import {
  type GuestAddress,
  type GuestException,
  type NestedFault,
  type Translation,
  type WalkParts,
  walk,
} from './guest-walk.js';
import type { Pages } from './pages.js';
import { backingOf } from './state.js';
import { hexFrame } from './units.js';

export interface GuestAccess extends GuestAddress {
  /** Bytes into the page, 0 if not given. */
  offset?: number;
  /** What a write stores; `pattern` fills the whole page. */
  write?: Uint8Array | { pattern: string };
  /** Bytes to read, 8 if not given. */
  length?: number;
}

export type GuestResult =
  /** `garbled`: the guest reads something that it, or the host, stored under another key. */
  | { outcome: 'ok'; pfn: number; via: 'tlb' | 'page-table'; bytes: Uint8Array; garbled: boolean }
  | NestedFault
  | GuestException
  | { outcome: 'machine-check'; gfn: number };

export interface GuestParts extends WalkParts {
  pages: Pages;
  contents: Contents;
}

/** One access; a fault leaves everything but the TLB as it was. */
export function guestAccess(parts: GuestParts, access: GuestAccess): GuestResult {
  const found = walk(parts, access);
  if (found.outcome !== 'ok') return found;
  reportStale(parts, access, found);
  return load(parts, access, found);
}

function load(parts: GuestParts, access: GuestAccess, { pfn, via }: Translation): GuestResult {
  const { gfn, offset = 0, length = 8, kind, write } = access;
  const key = access.private && parts.platform.encrypts ? parts.vm.key : 0;
  if (kind === 'write') {
    if (write instanceof Uint8Array) parts.contents.write(pfn, offset, write, key);
    else parts.contents.fill(pfn, 1, write?.pattern ?? 'written', key);
    return { outcome: 'ok', pfn, via, bytes: new Uint8Array(0), garbled: false };
  }
  const { bytes, garbled, poisoned } = parts.contents.read(pfn, offset, length, key);
  if (!poisoned) return { outcome: 'ok', pfn, via, bytes, garbled };
  parts.journal.hazard({
    kind: 'machine-check',
    message: `vCPU ${access.vcpu} of ${access.vm} reads poisoned memory at gfn ${hexFrame(gfn)} (pfn ${hexFrame(pfn)}): machine check`,
    effect: 'guest',
    vm: access.vm,
    pfn,
    gfn,
  });
  return { outcome: 'machine-check', gfn };
}

const DOES = { read: 'reads', write: 'writes', execute: 'executes' } as const;

/** The access goes through, but to a page that was freed since the mapping was made, or given to another use. */
function reportStale(parts: GuestParts, access: GuestAccess, { pfn, via, mapping }: Translation): void {
  const { vm, gfn } = access;
  const state = parts.pages.at(pfn);
  const tdPage = mapping.backing === `td:${vm}`;
  const sound = tdPage ? parts.sept.ownerOf(pfn) === vm : state && backingOf(state) === mapping.backing;
  if (sound) return;
  const now = state ? `${state.status === 'allocated' ? `${state.owner}'s` : state.status} now` : 'free';
  const through = via === 'tlb' ? 'a TLB entry that was never flushed' : 'a mapping that was never zapped';
  parts.journal.hazard({
    kind: 'stale-guest-mapping',
    message: `vCPU ${access.vcpu} of ${vm} ${DOES[access.kind]} gfn ${hexFrame(gfn)} through ${through}: pfn ${hexFrame(pfn)} is ${now}`,
    effect: 'memory',
    row: via === 'tlb' ? 'A11' : 'A8',
    vm,
    pfn,
    gfn,
  });
}
