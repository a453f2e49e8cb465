import { expect, test } from 'vitest';
import { pathText, placeName, stepAt } from '../../client/src/lock-path-text.ts';
import type { LockPathStep } from '../../client/src/protocol.ts';

const files: Record<string, string[]> = {
  'file:///t/virt/kvm/a.c': [
    'static void outer(struct kvm *kvm)',
    '{',
    '\tint r;',
    '',
    '\twrite_lock(&kvm->mmu_lock);',
    '\tinner(kvm);',
    '\twrite_unlock(&kvm->mmu_lock);',
    '}',
    '',
    'void unrelated(void)',
  ],
  'file:///t/b%20c.c': [
    '#ifdef CONFIG_X',
    'void inner(struct kvm *kvm)',
    '{',
    '\trmp_make_shared(1, 0);',
    '}',
  ],
};

const step = (uri: string, line: number, name: string, text: string): LockPathStep => ({
  function: name,
  text,
  location: { uri, range: { start: { line, character: 1 }, end: { line, character: 1 } } },
});

const steps = [
  step('file:///t/virt/kvm/a.c', 4, 'outer', 'kvm.mmu_lock taken for write'),
  step('file:///t/virt/kvm/a.c', 5, 'outer', 'calls inner()'),
  step('file:///t/b%20c.c', 1, 'inner', 'kvm.mmu_lock is held here */'),
];

const { text, headings } = pathText({ title: 'why', steps }, (uri) => files[uri] ?? []);

test('each step has its function, what happens, its place and the lines around it', () => {
  expect(text).toBe(`/* 1. outer: kvm.mmu_lock taken for write — a.c:5 */
	int r;

	write_lock(&kvm->mmu_lock);
	inner(kvm);
	write_unlock(&kvm->mmu_lock);

/* 2. outer: calls inner() — a.c:6 */
	write_lock(&kvm->mmu_lock);
	inner(kvm);
	write_unlock(&kvm->mmu_lock);

/* 3. inner: kvm.mmu_lock is held here * / — b c.c:2 */
void inner(struct kvm *kvm)
{
	rmp_make_shared(1, 0);
`);
});

test('headings say where they are, and where the function is named', () => {
  const lines = text.split('\n');
  expect(headings.map(({ line, start, end }) => lines[line]?.slice(start, end))).toEqual([
    'outer',
    'outer',
    'inner',
  ]);
  expect(headings.map(({ own }) => lines[own ?? 0]?.trim())).toEqual([
    'write_lock(&kvm->mmu_lock);',
    'inner(kvm);',
    'void inner(struct kvm *kvm)',
  ]);
  const lineOf = (part: string) => lines.findIndex((line) => line.includes(part));
  expect(
    [lineOf('int r;'), lineOf('2. outer'), lineOf('rmp_make')].map((line) => stepAt(headings, line)),
  ).toEqual([0, 1, 2]);
});

test('a file that is gone leaves the words', () => {
  expect(
    pathText({ title: 'why', steps }, () => [])
      .text.split('\n')
      .filter(Boolean),
  ).toHaveLength(3);
  expect(placeName(steps[2]!)).toBe('b c.c:2');
});
