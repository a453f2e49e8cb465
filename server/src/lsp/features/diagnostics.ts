/** Findings as diagnostics; every step of the path is related information that the editor makes a link of. */
import { type Diagnostic, DiagnosticSeverity } from 'vscode-languageserver/node';
import type { Finding, Severity } from '../../rules/finding.js';
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
    message: finding.message,
    relatedInformation: finding.path.map((step) => ({
      location: locations.location(step.file, step.line, step.column),
      message: `${step.function}: ${step.text}`,
    })),
  };
}

/** Diagnostics by document URI. */
export function diagnosticsByUri(open: OpenTree): Map<string, Diagnostic[]> {
  const byUri = new Map<string, Diagnostic[]>();
  for (const finding of open.analysis.findings) {
    const uri = open.locations.uri(finding.file);
    const list = byUri.get(uri);
    if (list) list.push(diagnosticOf(open, finding));
    else byUri.set(uri, [diagnosticOf(open, finding)]);
  }
  return byUri;
}
