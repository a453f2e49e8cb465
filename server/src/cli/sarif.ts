/** Findings as SARIF 2.1.0, as code-scanning sites and editors read it. */
import { rulePage } from '../host/rule-pages.js';
import type { Finding, Severity } from '../rules/finding.js';
import type { Rule } from '../rules/rule.js';
import { version } from './version.js';

const LEVEL: Record<Severity, 'error' | 'warning' | 'note'> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
};

function location(file: string, line: number, column: number, text?: string): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: encodeURI(file), uriBaseId: 'TREE' },
      region: { startLine: line, startColumn: column },
    },
    ...(text !== undefined && { message: { text } }),
  };
}

function codeFlow(path: Finding['path']): object {
  const locations = path.map((step) => ({
    location: location(step.file, step.line, step.column, `${step.function}: ${step.text}`),
  }));
  return { threadFlows: [{ locations }] };
}

/** @param rules those that findings may be of */
export function sarifOf(findings: readonly Finding[], rules: readonly Rule[]): object {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'gmem-lens',
            version,
            rules: rules.map((rule) => ({
              id: rule.id,
              shortDescription: { text: rule.summary },
              fullDescription: { text: rule.summary },
              help: { text: rule.explanation, markdown: rulePage(rule.id) ?? rule.explanation },
            })),
          },
        },
        columnKind: 'utf16CodeUnits',
        results: findings.map((finding) => ({
          ruleId: finding.rule,
          ruleIndex: rules.findIndex((rule) => rule.id === finding.rule),
          level: LEVEL[finding.severity],
          message: { text: finding.message },
          locations: [location(finding.file, finding.line, finding.column)],
          // SARIF wants at least one step in a flow.
          ...(finding.path.length > 0 && { codeFlows: [codeFlow(finding.path)] }),
        })),
      },
    ],
  };
}
