/** Findings as diagnostics; every step of the path is related information that the editor makes a link of. */
import {
  type Diagnostic,
  type DiagnosticRelatedInformation,
  DiagnosticSeverity,
} from 'vscode-languageserver/node';
import type { Finding, Severity } from '../../rules/finding.js';
import type { ProjectFileProblem } from '../../rules/project-file.js';
import { PROJECT_FILE } from '../../rules/project-rules.js';
import type { OpenTree } from '../kernel-workspace.js';
import { rangeAt } from '../locations.js';
import { rulePageUri } from '../rule-pages.js';
import type { SettingSeverity, Settings } from '../settings.js';

export const SOURCE = 'gmem-lens';

type Severities = Settings['severities'];

const OWN: Record<Severity, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
};

const CHOSEN: Record<Exclude<SettingSeverity, 'off'>, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  information: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

/** What the user wants a finding to be; undefined for one that isn't wanted. */
function severityOf({ rule, severity }: Finding, severities: Severities): DiagnosticSeverity | undefined {
  const own = OWN[severity];
  const chosen = severities[rule];
  if (chosen === undefined) return own;
  if (chosen === 'off') return undefined;
  // A mark at the lock holder's call stays one: it may become less, never an error of its own.
  return severity === 'info' ? (Math.max(own, CHOSEN[chosen]) as DiagnosticSeverity) : CHOSEN[chosen];
}

/** Findings that are wanted, the marks at the lock holders' calls left out. */
export function countFindings(open: OpenTree, severities: Severities): number {
  return open.analysis.findings.filter(
    (finding) => finding.severity !== 'info' && severityOf(finding, severities) !== undefined,
  ).length;
}

/** Findings by the places that their paths lead through. */
function byStep(findings: readonly Finding[]): Map<string, Finding[]> {
  const through = new Map<string, Finding[]>();
  for (const finding of findings) {
    if (finding.severity === 'info') continue;
    for (const { file, line, column } of finding.path.slice(1)) {
      const key = placeKey(finding.rule, file, line, column);
      through.set(key, [...(through.get(key) ?? []), finding]);
    }
  }
  return through;
}

const placeKey = (rule: string, file: string, line: number, column: number): string =>
  `${rule} ${file}:${line}:${column}`;

function diagnosticOf(
  { locations }: OpenTree,
  finding: Finding,
  severity: DiagnosticSeverity,
  leadsTo: readonly Finding[],
): Diagnostic {
  const last = finding.path[finding.path.length - 1]?.text ?? '';
  const written = /by (\w+)$/.exec(last)?.[1] ?? /calls (\w+)/.exec(last)?.[1] ?? ' ';
  const page = rulePageUri(finding.rule);
  const steps: DiagnosticRelatedInformation[] = finding.path.map((step) => ({
    location: locations.location(step.file, step.line, step.column),
    message: `${step.function}: ${step.text}`,
  }));
  const ends = leadsTo.map((end) => ({
    location: locations.location(end.file, end.line, end.column),
    message: `leads to ${end.function}: ${end.path[end.path.length - 1]?.text ?? end.message}`,
  }));
  return {
    range: rangeAt(finding.line, finding.column, written.length),
    severity,
    source: SOURCE,
    code: finding.rule,
    ...(page !== undefined && { codeDescription: { href: page } }),
    message: finding.message,
    relatedInformation: [...steps, ...ends],
  };
}

const projectDiagnostic = ({ line, column, message, remedy }: ProjectFileProblem): Diagnostic => ({
  range: rangeAt(line, column, 1),
  severity: DiagnosticSeverity.Error,
  source: SOURCE,
  message: `${message}. ${remedy}`,
});

/** Diagnostics by document URI. */
export function diagnosticsByUri(open: OpenTree, severities: Severities = {}): Map<string, Diagnostic[]> {
  const byUri = new Map<string, Diagnostic[]>();
  const problems = open.projectProblems.map(projectDiagnostic);
  if (problems.length > 0) byUri.set(open.locations.uri(PROJECT_FILE), problems);
  const { findings } = open.analysis;
  const through = byStep(findings);
  for (const finding of findings) {
    const severity = severityOf(finding, severities);
    if (severity === undefined) continue;
    const uri = open.locations.uri(finding.file);
    const key = placeKey(finding.rule, finding.file, finding.line, finding.column);
    const leadsTo = finding.severity === 'info' ? (through.get(key) ?? []) : [];
    const diagnostic = diagnosticOf(open, finding, severity, leadsTo);
    const list = byUri.get(uri);
    if (list) list.push(diagnostic);
    else byUri.set(uri, [diagnostic]);
  }
  return byUri;
}
