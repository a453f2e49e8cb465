/** A comparison as a table for a person: a column for each run. */
import { COSTS, type ComparedRun, type Comparison } from './compare.js';

/** Columns beside each other; more of them go into another table. */
const COLUMNS = 5;
const LEAST_WIDTH = 14;

export function comparisonText({ scenario, rows, runs, notRun }: Comparison): string {
  const lines = [scenario + (rows.length > 0 ? ` (mail row ${rows.join(', ')})` : ''), ''];
  for (let at = 0; at < runs.length; at += COLUMNS) lines.push(...table(runs.slice(at, at + COLUMNS)), '');
  if (runs.some(({ outcome }) => outcome !== 'ok'))
    lines.push('What went wrong may have ended a run early: its numbers are those up to there.', '');
  for (const run of runs) {
    for (const { kind, message } of run.hazards) lines.push(`${nameOf(run)}: ${kind}: ${message}`);
    if (run.message !== undefined) lines.push(`${nameOf(run)} could not be carried out: ${run.message}`);
    for (const difference of run.differences) lines.push(`${nameOf(run)}: ${difference}`);
  }
  for (const { notRun: why, ...run } of notRun) lines.push(`${nameOf(run)} can't carry it: ${why}`);
  return `${lines.join('\n').trimEnd()}\n`;
}

const nameOf = ({ design, variant }: { design: string; variant?: string }): string =>
  variant === undefined ? design : `${design} @${variant}`;

function table(runs: readonly ComparedRun[]): string[] {
  const cells: string[][] = [
    ['', ...runs.map(({ design }) => design)],
    ['', ...runs.map(({ variant }) => (variant === undefined ? '' : `@${variant}`))],
    ['outcome', ...runs.map(({ outcome }) => outcome)],
    ['hazards', ...runs.map(({ hazards }) => String(hazards.length))],
    ...COSTS.filter(({ key }) => runs.some(({ costs }) => costs[key] !== 0)).map(({ key, title }) => [
      title,
      ...runs.map(({ costs }) => costs[key]!.toLocaleString('en-US')),
    ]),
  ].filter((row) => row.some((cell) => cell !== ''));
  const widths = cells[0]!.map((_, column) =>
    Math.max(column === 0 ? 0 : LEAST_WIDTH, ...cells.map((row) => row[column]!.length)),
  );
  return cells.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}
