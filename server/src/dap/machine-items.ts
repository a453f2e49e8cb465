/** The machine's state as variables: whole tables, and all there is to say of one page. */
import type { Hold } from '../simulator/kernel-api/state.js';
import type { Run } from '../simulator/machine/extent-map.js';
import type { DirectmapCell, MappingCell, PageState, RmpCell, SeptCell } from '../simulator/machine/state.js';
import { guestFramesOf } from '../simulator/machine/views.js';
import type { Simulation } from '../simulator/scenario/simulation.js';
import { attributeRuns, guestSlots, privateAt } from './guest-memory.js';
import { elements, type Item, itemsOf, type Watch } from './items.js';

export const hex = (value: number): string => `0x${value.toString(16)}`;

export const rangeText = (first: number, pages: number): string =>
  pages > 1 ? `${hex(first)}–${hex(first + pages - 1)}` : hex(first);

const plain = (name: string, value: string, watch?: Watch): Item => ({
  name,
  value,
  ...(watch && { watch }),
});

// ---- what can be watched

export const watchOf = (kind: 'rmp' | 'owner' | 'directmap' | 'content', pfn: number): Watch => ({
  id: `${kind} ${hex(pfn)}`,
  what: `${WATCHED[kind]} of pfn ${hex(pfn)}`,
});

export const guestWatchOf = (kind: 'mapping' | 'attribute', gfn: number): Watch => ({
  id: `${kind} ${hex(gfn)}`,
  what: `${WATCHED[kind]} of gfn ${hex(gfn)}`,
});

export const WATCHED = {
  rmp: 'RMP entry',
  owner: 'owner',
  directmap: 'directmap entry',
  content: 'content',
  mapping: 'mapping',
  attribute: 'attribute',
} as const;

// ---- texts

export function rmpText(cell: RmpCell | undefined, pfn: number): string {
  if (!cell?.assigned) return cell?.immutable ? 'the firmware’s, immutable' : 'the host’s';
  const { asid, gfnDelta, size, validated, immutable, vmsa } = cell;
  const more = [
    validated ? 'validated' : 'not validated',
    ...(immutable ? ['immutable'] : []),
    ...(vmsa ? ['VMSA'] : []),
  ];
  return `private: ASID ${asid}, gfn ${hex(pfn + gfnDelta)}, ${size}, ${more.join(', ')}`;
}

export function pageText(page: PageState | undefined, pfn: number): string {
  if (!page) return 'free';
  const { status, owner, order, file, indexDelta, unmovable } = page;
  const parts = [`${status === 'allocated' ? '' : `${status}, `}${owner}`];
  if (file !== undefined) parts.push(`page ${hex(pfn + (indexDelta ?? 0))} of file ${file}`);
  if (order > 0) parts.push(`order ${order}`);
  if (unmovable) parts.push('unmovable');
  return parts.join(', ');
}

export const directmapText = ({ level, present }: DirectmapCell): string =>
  present ? `mapped, ${level}` : `not mapped (${level})`;

export function mappingText(cell: MappingCell | undefined, gfn: number): string {
  if (!cell) return 'not mapped';
  const rights = `r${cell.writable ? 'w' : '-'}${cell.executable ? 'x' : '-'}`;
  return `pfn ${hex(gfn + cell.pfnDelta)}, ${cell.level}, ${rights}`;
}

export const septText = (cell: SeptCell | undefined, gfn: number): string =>
  cell ? `pfn ${hex(gfn + cell.pfnDelta)}, ${cell.level}, ${cell.state}` : 'not mapped';

// ---- the Machine scope

export function machineItems(simulation: Simulation): Item[] {
  const { hardware, kernel } = simulation;
  const { start, pages } = hardware.pages.memory;
  const { frames, platform } = hardware;
  const groups: Item[] = [];
  if (platform.rmp)
    groups.push(
      tableItem('RMP', frames.rmp.runs(start, pages), 'assigned', (run) => ({
        name: `pfn ${rangeText(run.start, run.count)}`,
        value: rmpText(run.value, run.start),
        watch: watchOf('rmp', run.start),
      })),
    );
  if (vmIsThere(simulation)) groups.push(...guestTables(simulation));
  groups.push(
    tableItem('Directmap', frames.directmap.runs(start, pages), '', (run) => ({
      name: `pfn ${rangeText(run.start, run.count)}`,
      value: directmapText(run.value ?? hardware.directmap.at(run.start)),
      watch: watchOf('directmap', run.start),
    })),
    tableItem('Pages', frames.page.runs(start, pages), 'in use', (run) => ({
      name: `pfn ${rangeText(run.start, run.count)}`,
      value: pageText(run.value, run.start),
      watch: watchOf('owner', run.start),
    })),
  );
  const attributes = attributeRuns(simulation);
  groups.push({
    name: 'Attributes',
    value: `${attributes.filter(({ attribute }) => attribute === 'private').reduce((sum, run) => sum + run.pages, 0)} pages private`,
    children: elements(attributes.length, (i) => {
      const { gfn, pages: count, attribute } = attributes[i]!;
      return plain(`gfn ${rangeText(gfn, count)}`, attribute, guestWatchOf('attribute', gfn));
    }),
  });
  const counters = Object.entries({
    ...hardware.counters,
    ...kernel.state.counters,
    steps: simulation.steps,
  });
  groups.push({
    name: 'Counters',
    value: '',
    children: itemsOf(() => counters.map(([name, value]) => plain(name, String(value)))),
  });
  return groups;
}

function tableItem<V>(
  name: string,
  runs: readonly Run<V>[],
  what: string,
  item: (run: Run<V>) => Item,
): Item {
  const filled = runs.filter(({ value }) => value !== undefined);
  const pages = filled.reduce((sum, { count }) => sum + count, 0);
  return {
    name,
    value: what === '' ? `${filled.length} ranges` : `${pages} pages ${what}`,
    children: elements(filled.length, (i) => item(filled[i]!)),
  };
}

function guestTables(simulation: Simulation): Item[] {
  const { hardware, kernel } = simulation;
  const slots = guestSlots(simulation);
  const runs = slots.flatMap(({ gfn, pages }) => guestFramesOf(hardware, kernel.vm, gfn, pages));
  const mapped = runs.filter(({ npt, sept }) => npt ?? sept);
  const pages = mapped.reduce((sum, run) => sum + run.pages, 0);
  return [
    {
      name: 'Nested page table',
      value: `${pages} pages mapped`,
      children: elements(mapped.length, (i) => {
        const { gfn, pages: count, npt, sept, cachedBy } = mapped[i]!;
        const text = sept ? `Secure EPT: ${septText(sept, gfn)}` : mappingText(npt, gfn);
        const cached =
          cachedBy.length > 0 ? `, in the TLB of ${cachedBy.map((id) => `vcpu${id}`).join(', ')}` : '';
        return plain(`gfn ${rangeText(gfn, count)}`, `${text}${cached}`, guestWatchOf('mapping', gfn));
      }),
    },
  ];
}

// ---- one page

/** All that there is to say of a guest frame. */
export function guestPageItems(simulation: Simulation, gfn: number): Item[] {
  const { hardware, kernel } = simulation;
  const items: Item[] = [plain('gfn', hex(gfn))];
  const slot = guestSlots(simulation).find((one) => gfn >= one.gfn && gfn < one.gfn + one.pages);
  items.push(plain('slot', slot ? `${slot.id}, gfn ${rangeText(slot.gfn, slot.pages)}` : 'none'));
  if (!vmIsThere(simulation)) return items;
  items.push(plain('attribute', privateAt(simulation, gfn), guestWatchOf('attribute', gfn)));
  const [frame] = guestFramesOf(hardware, kernel.vm, gfn, 1);
  if (!frame) return items;
  items.push(plain('mapping', mappingText(frame.npt, gfn), guestWatchOf('mapping', gfn)));
  if (hardware.platform.sept)
    items.push(plain('Secure EPT', septText(frame.sept, gfn), guestWatchOf('mapping', gfn)));
  const pfnText = (pfn: number | undefined): string => (pfn === undefined ? 'none' : `pfn ${hex(pfn)}`);
  items.push(
    plain('private page', pfnText(frame.privatePfn)),
    plain('shared page', pfnText(frame.sharedPfn)),
  );
  if (frame.cachedBy.length > 0)
    items.push(plain('in the TLB of', frame.cachedBy.map((id) => `vcpu${id}`).join(', ')));
  return items;
}

/** All that there is to say of a frame of the machine; nothing of one that there isn't. */
export function hostPageItems({ hardware }: Simulation, pfn: number): Item[] {
  const items: Item[] = [plain('pfn', hex(pfn))];
  if (!hardware.pages.contains(pfn)) return [plain('pfn', `${hex(pfn)}, outside of memory`)];
  items.push(plain('owner', pageText(hardware.pages.at(pfn), pfn), watchOf('owner', pfn)));
  if (hardware.platform.rmp)
    items.push(plain('RMP', rmpText(hardware.frames.rmp.get(pfn), pfn), watchOf('rmp', pfn)));
  const td = hardware.sept.ownerOf(pfn);
  if (td !== undefined) items.push(plain('trust domain', td));
  items.push(plain('directmap', directmapText(hardware.directmap.at(pfn)), watchOf('directmap', pfn)));
  const { pattern, key, blocks } = hardware.contents.at(pfn);
  const under = key === 0 ? '' : `, encrypted under key ${key}`;
  const written = blocks && blocks.length > 0 ? `, ${blocks.length} blocks written since` : '';
  items.push(plain('content', `“${pattern}”${under}${written}`, watchOf('content', pfn)));
  return items;
}

const vmIsThere = ({ hardware, kernel }: Simulation): boolean =>
  hardware.vms.all().some(({ id }) => id === kernel.vm);

// ---- locks

export function lockItems({ kernel }: Simulation, thread: number): Item[] {
  const text = ({ mode, at }: Hold): string => `${mode}, taken in ${at.function} (${at.file}:${at.line})`;
  const own = kernel.state.holds.filter((hold) => hold.thread === thread);
  const others = kernel.state.holds.filter((hold) => hold.thread !== thread);
  const items = own.map((hold) => plain(hold.name, text(hold)));
  if (others.length > 0)
    items.push({
      name: 'held by others',
      value: others.map(({ name, actor }) => `${name}: ${actor}`).join(', '),
      children: itemsOf(() => others.map((hold) => plain(hold.name, `${hold.actor}: ${text(hold)}`))),
    });
  return items;
}
