/** What of a scenario can't be carried out on a real tree. */
import type { Action, Scenario } from '../scenario/model.js';

/** Actions that upstream's interface has a call for, or that the machine does by itself. */
const RUNNABLE: ReadonlySet<string> = new Set([
  'create-file',
  'close-file',
  'create-slot',
  'delete-slot',
  'set-attributes',
  'fallocate',
  'punch-hole',
  'write',
  'read',
  'execute',
  'accept',
  'allocate',
  'host-read',
  'host-write',
  'migrate',
  'repeat',
]);

const actionsOf = (actions: readonly Action[]): Action[] =>
  actions.flatMap((action) => [action, ...(action.do === 'repeat' ? actionsOf(action.actions) : [])]);

export function treeRefusals(scenario: Scenario): string[] {
  const found: string[] = [];
  if (scenario.platform === 'tdx')
    found.push('a tree can be run on the platforms snp and sw-protected only, not on tdx');
  const options = Object.keys(scenario.options);
  if (options.length > 0) found.push(`a tree has no options (${options.join(', ')}): change its C instead`);
  const symbols = Object.keys(scenario.config);
  if (symbols.length > 0)
    found.push(`a tree has its own configuration (${symbols.join(', ')}): set it in its .config instead`);
  const sizes = [scenario.backing, ...scenario.files.map(({ backing }) => backing ?? '4k')];
  const large = sizes.find((backing) => backing !== '4k');
  if (large !== undefined) found.push(`guest_memfd hands out 4K pages here, no \`backing: ${large}\``);
  for (const { actions } of scenario.actors)
    for (const { do: action, at } of actionsOf(actions))
      if (!RUNNABLE.has(action))
        found.push(`${at.file}:${at.line}: \`${action}\` can't be run on a tree yet`);
  return [...new Set(found)];
}
