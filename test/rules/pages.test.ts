/** Each rule's page: it says what it has to, and its own examples are reported, or not, as it says. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allRules } from '../../server/src/rules/all-rules.ts';
import { analyse } from '../support/c-program.ts';

const folder = join(import.meta.dirname, '../../docs/rules');
const pageOf = (rule: string) => readFileSync(join(folder, `${rule}.md`), 'utf8');

/** C blocks of a section. */
function blocks(page: string, heading: string): string[] {
  const section = page.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/```c\n([\s\S]*?)```/g)].map((match) => `\n${match[1]!}`);
}

const rulesSaid = async (source: string) => [
  ...new Set((await analyse(source)).findings.map((finding) => finding.rule)),
];

describe.each(allRules.map(({ id }) => id))('%s', (rule) => {
  test('has a page with all its parts', () => {
    const page = pageOf(rule);
    expect(page.split('\n')[0]).toBe(`# ${rule}`);
    expect(page.match(/^## .*$/gm)).toEqual([
      '## What happens on the machine',
      '## Where it is said',
      '## Example',
      '## How it is mended',
      '## Taking a finding back',
    ]);
    expect(page).toMatch(/rows? [A-E]\d/);
  });

  test('its examples are what they are said to be', async () => {
    const [wrong, right] = blocks(pageOf(rule), 'Example') as [string, string];
    expect(await rulesSaid(wrong)).toEqual(expect.arrayContaining([rule]));
    expect(await rulesSaid(right)).toEqual([]);
  });

  test('its comment takes the finding back', async () => {
    const page = pageOf(rule);
    const [wrong] = blocks(page, 'Example') as [string];
    const [comment] = blocks(page, 'Taking a finding back') as [string];
    const lines = wrong.split('\n');
    const before = (await analyse(wrong)).findings.filter((finding) => finding.rule === rule);
    const at = new Set(before.map((finding) => finding.line));
    const commented = lines.map((line, index) => (at.has(index + 1) ? `${comment.trim()} ${line}` : line));
    const after = (await analyse(commented.join('\n'))).findings.map((finding) => finding.rule);
    expect(before.length).toBeGreaterThan(0);
    expect(after).not.toContain(rule);
  });
});

test('the list of pages has them all, and every link leads somewhere', () => {
  const index = readFileSync(join(folder, 'README.md'), 'utf8');
  for (const { id } of allRules) expect(index).toContain(`](${id}.md)`);
  for (const file of ['README', ...allRules.map(({ id }) => id)])
    for (const [, link] of readFileSync(join(folder, `${file}.md`), 'utf8').matchAll(/\]\(([^)#]+)\)/g))
      expect(existsSync(join(folder, link!)), `${file}.md → ${link}`).toBe(true);
});
