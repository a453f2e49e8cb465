/** The library as a document: which scenario shows which row of the mails, and what each of its variants must come to. */
import { MAIL_ROWS, mailOf } from './mail-rows.js';
import type { Expectation, Scenario } from './model.js';

export interface LibraryScenario {
  /** File name without `.yaml`. */
  name: string;
  scenario: Scenario;
}

/** Rows that no scenario shows. */
export function rowsWithout(library: readonly LibraryScenario[]): string[] {
  const shown = new Set(library.flatMap(({ scenario }) => scenario.rows));
  return MAIL_ROWS.filter(({ row }) => !shown.has(row)).map(({ row }) => row);
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replace(/\s+/g, ' ').trim();

/** What must come out, in a few words: `ok`, or the hazards. */
function outcomeText({ outcome = 'ok', hazards = [] }: Expectation): string {
  const kinds = [...new Set(hazards.filter(({ count }) => count.atMost > 0).map(({ kind }) => kind))];
  return outcome === 'violation' && kinds.length > 0 ? kinds.join(', ') : outcome;
}

/** A table of rows for the README: one line a row. `folder` is where the scenarios are, as seen from the document. */
export function rowTable(library: readonly LibraryScenario[], folder: string): string {
  const lines = ['| row | what the mail says | scenarios |', '|---|---|---|'];
  for (const { row, says } of MAIL_ROWS) {
    const shown = library.filter(({ scenario }) => scenario.rows.includes(row));
    const links = shown.map(({ name }) => `[${name}](${folder}/${name}.yaml)`);
    lines.push(`| ${row} | ${cell(says)} | ${links.join(', ') || '–'} |`);
  }
  return `${lines.join('\n')}\n`;
}

/** The page about all scenarios: by row, each with its variants and what they must come to. */
export function scenarioPage(library: readonly LibraryScenario[], folder: string): string {
  const parts = [
    '# Scenarios by row of the mails',
    '',
    'Made by `npm run docs` from `server/scenarios` and `grammars/mail-rows.json`. `gmem-lens run NAME` runs one,',
    '`gmem-lens run NAME@VARIANT` one of its variants, `gmem-lens run --all` all of them.',
  ];
  let section = '';
  for (const { row, says } of MAIL_ROWS) {
    if (row[0] !== section) parts.push('', `## ${row[0]}. ${mailOf(row)}`);
    section = row[0]!;
    parts.push('', `### ${row}`, '', says, '');
    const shown = library.filter(({ scenario }) => scenario.rows.includes(row));
    if (shown.length === 0) {
      parts.push('No scenario shows it.');
      continue;
    }
    parts.push('| scenario | design | platform | must come to |', '|---|---|---|---|');
    for (const one of shown) parts.push(...linesOf(one, folder));
  }
  return `${parts.join('\n')}\n`;
}

function linesOf({ name, scenario }: LibraryScenario, folder: string): string[] {
  const line = (shown: string, title: string, design: string, platform: string, expect: Expectation) =>
    `| ${shown}: ${cell(title)} | ${design} | ${platform} | ${outcomeText(expect)} |`;
  return [
    line(
      `[${name}](${folder}/${name}.yaml)`,
      scenario.title,
      scenario.design,
      scenario.platform,
      scenario.expect,
    ),
    ...scenario.variants.map((variant) =>
      line(
        `\`${name}@${variant.name}\``,
        variant.about,
        variant.design ?? scenario.design,
        variant.platform ?? scenario.platform,
        variant.expect ?? scenario.expect,
      ),
    ),
  ];
}

const BEGIN = '<!-- scenarios by row: npm run docs -->';
const END = '<!-- end of scenarios by row -->';

/** A document with the table between its two markers; unchanged where it has none. */
export function withTable(document: string, table: string): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) return document;
  return `${document.slice(0, begin + BEGIN.length)}\n\n${table}\n${document.slice(end)}`;
}
