/** What is wrong with scenario files that are open, while they are typed. */
import { pathToFileURL } from 'node:url';
import { type Diagnostic, DiagnosticSeverity } from 'vscode-languageserver/node';
import type { ScenarioEntry } from '../scenarios/catalogue.js';
import { protocolRange } from '../scenarios/text-range.js';
import { SOURCE } from './diagnostics.js';

/** By document URI: a mistake may be in a file that is included. The scenario's own file is always there. */
export function scenarioDiagnostics({ path, problems }: ScenarioEntry): Map<string, Diagnostic[]> {
  const byUri = new Map<string, Diagnostic[]>([[pathToFileURL(path).toString(), []]]);
  for (const problem of problems) {
    const uri = pathToFileURL(problem.file).toString();
    const diagnostics = byUri.get(uri) ?? [];
    diagnostics.push({
      range: protocolRange(problem),
      severity: DiagnosticSeverity.Error,
      source: SOURCE,
      message: `${problem.message}; ${problem.remedy}`,
    });
    byUri.set(uri, diagnostics);
  }
  return byUri;
}
