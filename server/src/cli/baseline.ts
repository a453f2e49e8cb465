/** Baseline files: findings that are known, so that CI fails for new ones only. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import type { Finding } from '../rules/finding.js';
import { fingerprint } from '../rules/fingerprint.js';
import { UsageError } from './errors.js';

interface Baseline {
  version: 1;
  findings: string[];
}

const validate = new Ajv().compile<Baseline>({
  type: 'object',
  required: ['version', 'findings'],
  properties: { version: { const: 1 }, findings: { type: 'array', items: { type: 'string' } } },
});

/** @throws UsageError naming the file and what to do */
export function readBaseline(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `baseline ${file} can't be read (${(error as NodeJS.ErrnoException).code}); make it with --write-baseline ${file}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`baseline ${file} is no JSON; make it anew with --write-baseline ${file}`);
  }
  if (!validate(value))
    throw new UsageError(
      `baseline ${file}: ${validate.errors?.[0]?.instancePath || 'the document'} ${validate.errors?.[0]?.message}; make it anew with --write-baseline ${file}`,
    );
  return value.findings;
}

/** @throws UsageError where the file can't be written */
export function writeBaseline(file: string, findings: readonly Finding[]): void {
  const baseline: Baseline = { version: 1, findings: findings.map(fingerprint).sort() };
  try {
    writeFileSync(file, `${JSON.stringify(baseline, null, 2)}\n`);
  } catch (error) {
    throw new UsageError(`baseline ${file} can't be written (${(error as NodeJS.ErrnoException).code})`);
  }
}
