/** Scenarios as the Test Explorer shows them: workspace and library, by row of the mails; knows nothing of VS Code. */
import type { LensScenario, Range, ScenarioItem } from '../protocol.ts';

export interface TestNode {
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly uri?: string;
  readonly range?: Range;
  /** What is wrong with the file. */
  readonly error?: string;
  readonly sortText?: string;
  readonly children: readonly TestNode[];
  /** What running it runs; groups run their children. */
  readonly scenario?: LensScenario;
}

const NO_ROW = 'without a row';

export function testTree(items: readonly ScenarioItem[]): TestNode[] {
  const groups = [
    { id: 'workspace', label: 'Workspace', items: items.filter(({ bundled }) => !bundled) },
    { id: 'library', label: 'Library', items: items.filter(({ bundled }) => bundled) },
  ];
  return groups
    .filter((group) => group.items.length > 0)
    .map(({ id, label, items: own }) => ({ id, label, children: byRow(id, own) }));
}

/** A scenario stands under each of its rows. */
function byRow(group: string, items: readonly ScenarioItem[]): TestNode[] {
  const rows = new Map<string, ScenarioItem[]>();
  for (const item of items)
    for (const row of item.rows.length > 0 ? item.rows : [NO_ROW])
      rows.set(row, [...(rows.get(row) ?? []), item]);
  return [...rows]
    .sort(([a], [b]) => compareRows(a, b))
    .map(([row, own]) => ({
      id: `${group}/${row}`,
      label: row,
      sortText: sortTextOf(row),
      children: own.map((item) => scenarioNode(`${group}/${row}`, item)),
    }));
}

/** `A2` before `A10`; what has no row comes last. */
const sortTextOf = (row: string): string =>
  row === NO_ROW ? '~' : row.replace(/\d+$/, (digits) => digits.padStart(3, '0'));

const compareRows = (a: string, b: string): number => (sortTextOf(a) < sortTextOf(b) ? -1 : 1);

function scenarioNode(group: string, item: ScenarioItem): TestNode {
  const { id, name, title, uri, range, variants, problems } = item;
  const base = { id: `${group}/${id}`, uri, range, description: name };
  if (problems.length > 0)
    return { ...base, label: name, error: problems.join('\n'), children: [], scenario: { scenario: id } };
  if (variants.length === 0) return { ...base, label: title, children: [], scenario: { scenario: id } };
  return {
    ...base,
    label: title,
    children: [
      {
        id: `${base.id}@`,
        label: 'as it stands',
        uri,
        range,
        sortText: '!',
        children: [],
        scenario: { scenario: id },
      },
      ...variants.map((variant) => ({
        id: `${base.id}@${variant.name}`,
        label: variant.name,
        uri,
        range: variant.range,
        children: [],
        scenario: { scenario: id, variant: variant.name },
      })),
    ],
  };
}
