/** `gmem-lens check`: findings as text, JSON or SARIF. */
import { allRules } from '../rules/all-rules.js';
import { type Finding, isAtLeast, type Severity } from '../rules/finding.js';
import { FOUND } from './errors.js';
import { loadTree, type TreeOptions } from './load.js';
import { log, plural, writeJson, writeLine } from './output.js';
import { sarifOf } from './sarif.js';

export interface CheckOptions extends TreeOptions {
  rule?: string;
  format: 'text' | 'json' | 'sarif';
  failOn: Severity;
}

/** A finding as a person reads it: the place, what is wrong, and the path as file:line lines to click. */
export function findingText(finding: Finding): string {
  const width = Math.max(...finding.path.map((step) => `${step.file}:${step.line}`.length), 0);
  const path = finding.path.map((step) => `    ${`${step.file}:${step.line}`.padEnd(width)}  ${step.function}  ${step.text}`);
  return [`${finding.file}:${finding.line}:${finding.column}: ${finding.severity}: ${finding.message} [${finding.rule}]`, ...path].join('\n');
}

/** @returns the exit status */
export async function check(tree: string, options: CheckOptions): Promise<number> {
  const started = performance.now();
  const rules = options.rule?.split(',').map((rule) => rule.trim()).filter(Boolean) ?? [];
  const unknown = rules.find((rule) => !allRules.some((known) => known.id === rule));
  if (unknown !== undefined) throw new RangeError(`unknown rule '${unknown}'; known rules: ${allRules.map((known) => known.id).join(', ')}`);
  const { loaded, analysis } = await loadTree(tree, options);
  const findings = analysis.check(rules);
  let functions = 0;
  for (const _ of loaded.program.functions()) functions++;
  const summary = { tree: loaded.tree, files: loaded.files.length, functions, ms: Math.round(performance.now() - started), findings, notes: loaded.notes };
  if (options.format === 'json') await writeJson(summary);
  else if (options.format === 'sarif') await writeJson(sarifOf(findings));
  else {
    for (const finding of findings) await writeLine(findingText(finding));
    const serious = findings.filter((finding) => finding.severity !== 'info').length;
    await writeLine(`${plural(serious, 'finding')} in ${plural(summary.files, 'file')}, ${plural(functions, 'function')}`);
    for (const note of loaded.notes) log(`note: ${note.file}:${note.line}: ${note.message}`);
  }
  return findings.some((finding) => isAtLeast(finding.severity, options.failOn)) ? FOUND : 0;
}
