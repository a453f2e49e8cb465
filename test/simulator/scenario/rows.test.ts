/** The rows of the mails: which scenario shows each, and the documents that say so. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import schema from '../../../grammars/scenario.schema.json' with { type: 'json' };
import { documents, library } from '../../../scripts/scenario-docs.ts';
import { MAIL_ROWS, mailOf } from '../../../server/src/simulator/scenario/mail-rows.ts';
import { rowsWithout, rowTable, withTable } from '../../../server/src/simulator/scenario/row-table.ts';

const root = join(import.meta.dirname, '../../..');
const scenarios = library(root);

test('every row is there once, in order, and is of a mail', () => {
  const rows = MAIL_ROWS.map(({ row }) => row);
  expect(new Set(rows).size).toBe(rows.length);
  for (const row of rows) expect(mailOf(row), row).not.toBe('');
  const counts = ['A', 'B', 'C', 'D', 'E'].map((mail) => rows.filter((row) => row.startsWith(mail)).length);
  expect(counts).toEqual([12, 10, 6, 7, 7]);
});

test('the editor completes and explains the same rows', () => {
  expect(schema.definitions.row.enum).toEqual(MAIL_ROWS.map(({ row }) => row));
  expect(schema.definitions.row.enumDescriptions).toEqual(MAIL_ROWS.map(({ says }) => says));
});

test('every row has a scenario that shows it', () => {
  expect(rowsWithout(scenarios)).toEqual([]);
});

/** Rows that a design can get wrong, and the hazard names them. */
test.each(['A1', 'A2', 'A6', 'A7', 'A9', 'A12', 'B1', 'D4', 'D5', 'E4'])(
  'a scenario shows a design failing for the reason of row %s',
  (row) => {
    const expected = scenarios.flatMap(({ scenario }) => [
      scenario.expect,
      ...scenario.variants.flatMap((variant) => variant.expect ?? []),
    ]);
    expect(expected.some(({ hazards = [] }) => hazards.some((hazard) => hazard.row === row))).toBe(true);
  },
);

test('the documents are what the library makes of them: npm run docs', () => {
  for (const [path, text] of Object.entries(documents(root)))
    expect(readFileSync(join(root, path), 'utf8'), path).toBe(text);
});

test('a table gets between its markers, and nowhere else', () => {
  const document =
    'before\n<!-- scenarios by row: npm run docs -->\nwhat was there\n<!-- end of scenarios by row -->\nafter\n';
  const table = rowTable(scenarios, 'server/scenarios');
  const made = withTable(document, table);
  expect(made).toContain('| A1 | ');
  expect(made).not.toContain('what was there');
  expect(made.startsWith('before\n')).toBe(true);
  expect(made.endsWith('after\n')).toBe(true);
  expect(withTable(made, table)).toBe(made);
  expect(withTable('no markers', table)).toBe('no markers');
});
