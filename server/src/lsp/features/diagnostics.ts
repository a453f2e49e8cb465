/** Findings as diagnostics; every step of the path is related information that the editor makes a link of. */
import { pathToFileURL } from 'node:url';
import { type Diagnostic, DiagnosticSeverity } from 'vscode-languageserver/node';
import { rulePage, rulePagePath } from '../../host/rule-pages.js';
import type { Finding, Severity } from '../../rules/finding.js';
import type { ProjectFileProblem } from '../../rules/project-file.js';
import { PROJECT_FILE } from '../../rules/project-rules.js';
import type { OpenTree } from '../kernel-workspace.js';
import { rangeAt } from '../locations.js';

const SEVERITY: Record<Severity, DiagnosticSeverity> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
};

function diagnosticOf({ locations }: OpenTree, finding: Finding): Diagnostic {
  const last = finding.path[finding.path.length - 1]?.text ?? '';
  const written = /by (\w+)$/.exec(last)?.[1] ?? /calls (\w+)/.exec(last)?.[1] ?? ' ';
  return {
    range: rangeAt(finding.line, finding.column, written.length),
    severity: SEVERITY[finding.severity],
    source: 'gmem-lens',
    code: finding.rule,
    ...pageOf(finding.rule),
    message: finding.message,
    relatedInformation: finding.path.map((step) => ({
      location: locations.location(step.file, step.line, step.column),
      message: `${step.function}: ${step.text}`,
    })),
  };
}

/** A link to the rule's page, for rules that have one. */
function pageOf(rule: string): Pick<Diagnostic, 'codeDescription'> {
  if (rulePage(rule) === undefined) return {};
  return { codeDescription: { href: pathToFileURL(rulePagePath(rule)).toString() } };
}

const projectDiagnostic = ({ line, column, message, remedy }: ProjectFileProblem): Diagnostic => ({
  range: rangeAt(line, column, 1),
  severity: DiagnosticSeverity.Error,
  source: 'gmem-lens',
  message: `${message}. ${remedy}`,
});

/** Diagnostics by document URI. */
export function diagnosticsByUri(open: OpenTree): Map<string, Diagnostic[]> {
  const byUri = new Map<string, Diagnostic[]>();
  const problems = open.projectProblems.map(projectDiagnostic);
  if (problems.length > 0) byUri.set(open.locations.uri(PROJECT_FILE), problems);
  for (const finding of open.analysis.findings) {
    const uri = open.locations.uri(finding.file);
    const list = byUri.get(uri);
    if (list) list.push(diagnosticOf(open, finding));
    else byUri.set(uri, [diagnosticOf(open, finding)]);
  }
  return byUri;
}
