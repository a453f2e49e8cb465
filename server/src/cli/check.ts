/** `gmem-lens check`: findings as text, JSON or SARIF. */
import { ResultCache } from '../host/result-cache.js';
import { resultKey, takeSnapshot } from '../host/snapshot.js';
import type { HostNote } from '../host/tree.js';
import { ruleById, rulesOf } from '../rules/all-rules.js';
import { type Finding, isAtLeast, type Severity } from '../rules/finding.js';
import { newFindings } from '../rules/fingerprint.js';
import type { ProjectRules } from '../rules/project-rules.js';
import { readBaseline, writeBaseline } from './baseline.js';
import { findingsAt } from './check-revision.js';
import { FOUND } from './errors.js';
import { type LoadedTree, loadProject, loadTree, snapshotOptions, type TreeOptions } from './load.js';
import { log, plural, writeJson, writeLine } from './output.js';
import { sarifOf } from './sarif.js';

export interface CheckOptions extends TreeOptions {
  rule?: string;
  format: 'text' | 'json' | 'sarif';
  failOn: Severity;
  /** File of known findings: only others are reported. */
  baseline?: string;
  /** File to write the findings into as known ones. */
  writeBaseline?: string;
  /** A git revision: only findings that it didn't have are reported. */
  diff?: string;
}

/** A finding as a person reads it: the place, what is wrong, and the path as file:line lines to click. */
export function findingText(finding: Finding): string {
  const width = Math.max(...finding.path.map((step) => `${step.file}:${step.line}`.length), 0);
  const path = finding.path.map(
    (step) => `    ${`${step.file}:${step.line}`.padEnd(width)}  ${step.function}  ${step.text}`,
  );
  return [
    `${finding.file}:${finding.line}:${finding.column}: ${finding.severity}: ${finding.message} [${finding.rule}]`,
    ...path,
  ].join('\n');
}

/** What is found in a tree, before anything is taken back. */
interface Checked {
  files: number;
  functions: number;
  findings: readonly Finding[];
  notes: readonly HostNote[];
}

/** Results are kept for the tree as it is: an unchanged tree needs neither facts nor links. */
async function checkedOnce(
  tree: string,
  rules: readonly string[],
  options: CheckOptions,
): Promise<{ tree: string; checked: Checked; project: ProjectRules; loaded?: LoadedTree }> {
  const snapshot = takeSnapshot(snapshotOptions(tree, options));
  const project = await loadProject(snapshot.tree);
  for (const rule of rules) ruleById(rule, project.rules);
  const command = { command: 'check', rules, project: project.text };
  const results = new ResultCache(snapshot.cache);
  const key = resultKey(snapshot, command);
  const known = key === undefined || options.diff !== undefined ? undefined : results.get(key);
  if (known !== undefined)
    return { tree: snapshot.tree, checked: JSON.parse(known) as Checked, project: project.rules };
  const loaded = await loadTree(tree, options, snapshot, project);
  const { analysis } = loaded;
  let functions = 0;
  for (const _ of analysis.program.functions()) functions++;
  const checked: Checked = {
    files: snapshot.files.length,
    functions,
    findings: analysis.check(rules),
    notes: [...analysis.projectNotes, ...loaded.loaded.notes],
  };
  // The key is made of what the cache knows of the files.
  await loaded.loaded.saved;
  const keyNow = resultKey(snapshot, command);
  if (keyNow !== undefined) await results.set(keyNow, JSON.stringify(checked));
  for (const warning of snapshot.cache.warnings) log(`note: ${warning}`);
  return { tree: snapshot.tree, checked, project: project.rules, loaded };
}

/** @returns the exit status */
export async function check(tree: string, options: CheckOptions): Promise<number> {
  const started = performance.now();
  const rules =
    options.rule
      ?.split(',')
      .map((rule) => rule.trim())
      .filter(Boolean) ?? [];
  const baseline = options.baseline === undefined ? [] : readBaseline(options.baseline);
  const { tree: root, checked, project, loaded } = await checkedOnce(tree, rules, options);
  if (options.writeBaseline !== undefined) writeBaseline(options.writeBaseline, checked.findings);
  const before =
    options.diff === undefined || !loaded
      ? []
      : await findingsAt(loaded.loaded, options.diff, rules, project);
  const findings = newFindings(checked.findings, [...baseline, ...before]);
  const { files, functions, notes } = checked;
  if (options.format === 'json')
    await writeJson({
      tree: root,
      files,
      functions,
      ms: Math.round(performance.now() - started),
      findings,
      notes,
    });
  else if (options.format === 'sarif') await writeJson(sarifOf(findings, rulesOf(project)));
  else {
    for (const finding of findings) await writeLine(findingText(finding));
    const serious = findings.filter((finding) => finding.severity !== 'info').length;
    await writeLine(
      `${plural(serious, 'finding')} in ${plural(files, 'file')}, ${plural(functions, 'function')}`,
    );
    for (const note of notes) log(`note: ${note.file}:${note.line}: ${note.message}`);
  }
  return findings.some((finding) => isAtLeast(finding.severity, options.failOn)) ? FOUND : 0;
}
