/** What of a scenario a reference kernel can carry out, and its actions one by one. */
import { parseDotConfig } from '../../kernel-c/conditions.js';
import { configurationFor } from './configure.js';
import type { Action, Scenario } from './model.js';

/** A scenario that can't be run at all: why, each with its place if it has one. */
export class NotRunnable extends Error {}

/** Actions that the reference kernel's interface has a call for. */
const RUNNABLE: ReadonlySet<string> = new Set([
  'create-file',
  'close-file',
  'create-slot',
  'delete-slot',
  'set-attributes',
  'get-attributes',
  'supported-attributes',
  'fallocate',
  'punch-hole',
  'destroy-vm',
  'write',
  'read',
  'execute',
  'accept',
  'allocate',
  'host-read',
  'host-write',
  'migrate',
  'discard',
  'repeat',
]);

/** What each design has beside that. */
const DESIGNS: Readonly<
  Record<
    string,
    {
      actions: ReadonlySet<string>;
      backings: ReadonlySet<string>;
      platforms: readonly string[];
      sharedFiles?: true;
    }
  >
> = {
  'guest-memfd': { actions: new Set(), backings: new Set(['4k']), platforms: ['snp', 'tdx', 'sw-protected'] },
  restrictedmem: {
    actions: new Set(['encrypt-region', 'unencrypt-region', 'enlarge-pages', 'unregister']),
    backings: new Set(['4k', 'thp', 'hugetlb-2m', 'hugetlb-1g']),
    platforms: ['snp', 'sw-protected'],
  },
  'memfile-notifier': {
    actions: new Set([
      'encrypt-region',
      'unencrypt-region',
      'read-file',
      'write-file',
      'map-file',
      'reclaim',
      'signal',
    ]),
    backings: new Set(['4k']),
    platforms: ['sw-protected'],
    sharedFiles: true,
  },
};

/** Why a scenario can't be run; nothing if it can. */
export function refusals(scenario: Scenario, config: string): string[] {
  const { refusals: found } = configurationFor(scenario, parseDotConfig(config));
  const {
    actions: own,
    backings,
    platforms,
    sharedFiles,
  } = DESIGNS[scenario.design] ?? DESIGNS['guest-memfd']!;
  if (!platforms.includes(scenario.platform))
    found.push(
      `the reference kernel ${scenario.design} is for the platform ${platforms.join(' or ')} only, not for ${scenario.platform}`,
    );
  const sizes = [scenario.backing, ...scenario.files.map(({ backing }) => backing ?? '4k')];
  const large = sizes.find((backing) => !backings.has(backing));
  if (large !== undefined)
    found.push(`the reference kernel ${scenario.design} hands out no \`backing: ${large}\``);
  const shared = scenario.slots.find(({ sharedFile }) => sharedFile !== undefined);
  if (shared && !sharedFiles) found.push(`slot ${shared.id} has a \`shared-file\`, which can't be run yet`);
  for (const { actions } of scenario.actors)
    for (const action of flatten(actions)) {
      if (!RUNNABLE.has(action.do) && !own.has(action.do))
        found.push(
          `${action.at.file}:${action.at.line}: \`${action.do}\` can't be run yet on the design ${scenario.design}`,
        );
      if (
        action.do === 'set-attributes' &&
        action.operation !== undefined &&
        scenario.options.attributes !== 'operation'
      )
        found.push(
          `${action.at.file}:${action.at.line}: \`operation\` is for \`options: {attributes: operation}\` only`,
        );
    }
  return [...new Set(found)];
}

const flatten = (actions: readonly Action[]): Action[] =>
  actions.flatMap((action) => [action, ...(action.do === 'repeat' ? flatten(action.actions) : [])]);

/** Repetitions as the actions that they stand for. */
export function repeated(actions: readonly Action[], moved = 0): Action[] {
  return actions.flatMap((action) => {
    if (action.do !== 'repeat') return [moved === 0 ? action : shifted(action, moved)];
    const turns = Array.from({ length: action.times }, (_, time) =>
      repeated(action.actions, moved + time * action.stride),
    ).flat();
    return beginningAndEnd(turns, action);
  });
}

/** What a repetition waits for is for its first action, and its label is there when the last one is done. */
function beginningAndEnd(turns: readonly Action[], { after, label }: Action): Action[] {
  return turns.map((action, index) => ({
    ...action,
    ...(index === 0 && { after: [...after, ...action.after] }),
    ...(index === turns.length - 1 && label !== undefined && { label }),
  }));
}

function shifted(action: Action, by: number): Action {
  const moved: Action = structuredClone(action);
  if ('gpa' in moved) moved.gpa += by;
  if ('offset' in moved) moved.offset += by;
  if ('target' in moved) {
    if (moved.target.kind === 'gpa') moved.target.gpa += by;
    if (moved.target.kind === 'file') moved.target.offset += by;
  }
  return moved;
}
