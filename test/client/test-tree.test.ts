import { expect, test } from 'vitest';
import type { ScenarioItem } from '../../client/src/protocol.ts';
import { type TestNode, testTree } from '../../client/src/tests/test-tree.ts';

const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 8 } };

const item = (given: Partial<ScenarioItem>): ScenarioItem => ({
  id: given.name ?? '',
  name: '',
  uri: `file:///s/${given.name}.yaml`,
  title: `About ${given.name}`,
  about: '',
  rows: [],
  design: 'guest-memfd',
  platform: 'snp',
  bundled: true,
  range,
  variants: [],
  problems: [],
  ...given,
});

const outline = (nodes: readonly TestNode[], depth = 0): string[] =>
  nodes.flatMap(({ label, children }) => [`${' '.repeat(depth)}${label}`, ...outline(children, depth + 1)]);

test('workspace before library, rows in the order of their numbers, a scenario under each of its rows', () => {
  const tree = testTree([
    item({ name: 'one', rows: ['A10', 'A2'] }),
    item({ name: 'two', rows: ['A2'], variants: [{ name: 'wrong', about: '', range }] }),
    item({ name: 'mine', bundled: false, id: '/w/mine.gmem.yaml' }),
  ]);
  expect(outline(tree)).toEqual([
    'Workspace',
    ' without a row',
    '  About mine',
    'Library',
    ' A2',
    '  About one',
    '  About two',
    '   as it stands',
    '   wrong',
    ' A10',
    '  About one',
  ]);
});

test('ids are unique, and leaves know what they run', () => {
  const tree = testTree([
    item({ name: 'one', rows: ['A1', 'A2'], variants: [{ name: 'wrong', about: '', range }] }),
  ]);
  const all = (nodes: readonly TestNode[]): TestNode[] =>
    nodes.flatMap((node) => [node, ...all(node.children)]);
  const nodes = all(tree);
  expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
  const leaves = nodes.filter(({ children }) => children.length === 0);
  expect(leaves.map(({ scenario }) => scenario)).toEqual([
    { scenario: 'one' },
    { scenario: 'one', variant: 'wrong' },
    { scenario: 'one' },
    { scenario: 'one', variant: 'wrong' },
  ]);
});

test('a file with mistakes is there, and says so', () => {
  const [group] = testTree([
    item({ name: 'bad', title: '', problems: ['3: there is no key `x`; remove it'] }),
  ]);
  expect(group?.children[0]?.children[0]).toMatchObject({
    label: 'bad',
    error: expect.stringContaining('no key'),
  });
});
