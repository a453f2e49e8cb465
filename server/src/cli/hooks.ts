/** `gmem-lens hooks`, and the report that `npm start` prints. */
import { type HookReport, hookReports } from '../rules/hook-report.js';
import { kindMeaning } from '../rules/hooks.js';
import { findingText } from './check.js';
import { loadTree, type TreeOptions } from './load.js';
import { plural, writeJson, writeLine } from './output.js';

export interface HooksOptions extends TreeOptions {
  format: 'text' | 'json';
}

function textOf(report: HookReport): string[] {
  const [place] = report.definitions.length > 0 ? report.definitions : report.declarations;
  const where = place
    ? `${place.file}:${place.line}${report.definitions.length > 0 ? '' : ' (declared only)'}`
    : '';
  const lines = [
    `  ${report.name}  ${where}`,
    `      ${report.role}  mmu_lock held at entry: ${report.mmuLock}`,
  ];
  for (const caller of report.callers)
    lines.push(
      `      <- ${caller.function}  ${caller.file}:${caller.line}${caller.via === 'call' ? '' : `  [${caller.via}${caller.slot ? ` ${caller.slot}` : ''}]`}`,
    );
  return lines;
}

async function printHooks(reports: readonly HookReport[]): Promise<void> {
  const kinds = new Map<string, HookReport[]>();
  for (const report of reports) kinds.set(report.kind, [...(kinds.get(report.kind) ?? []), report]);
  for (const [kind, members] of kinds) {
    await writeLine(`${kind}: ${kindMeaning(kind)}`);
    for (const report of members) await writeLine(textOf(report).join('\n'));
    await writeLine('');
  }
}

export async function hooksCommand(tree: string, options: HooksOptions): Promise<number> {
  const { analysis } = await loadTree(tree, options);
  const reports = hookReports(analysis);
  if (options.format === 'json') await writeJson(reports);
  else if (reports.length === 0) await writeLine('no guest-memory hook is defined or declared in this scope');
  else await printHooks(reports);
  return 0;
}

export interface ReportOptions extends HooksOptions {
  title?: string;
  /** Only what is found, and nothing at all where that is nothing: the hooks were shown already. */
  findingsOnly?: boolean;
}

/** Hooks with their callers, then the findings with their paths. @returns whether anything was found or noted */
export async function report(tree: string, options: ReportOptions): Promise<boolean> {
  const { loaded, analysis } = await loadTree(tree, options);
  const found = analysis.findings.length > 0 || loaded.notes.length > 0;
  if (options.findingsOnly && !found) return false;
  await writeLine(`${options.title ?? loaded.tree}: ${plural(loaded.files.length, 'file')} read\n`);
  if (!options.findingsOnly) await printHooks(hookReports(analysis));
  const findings = analysis.findings;
  await writeLine(findings.length === 0 ? 'findings: none' : `findings: ${findings.length}`);
  for (const finding of findings) await writeLine(`\n${findingText(finding)}`);
  for (const note of loaded.notes) await writeLine(`note: ${note.file}:${note.line}: ${note.message}`);
  await writeLine('');
  return found;
}
