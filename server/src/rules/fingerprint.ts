/** What makes a finding the same one after lines have moved: rule, place by name, and the call. */
import type { Finding } from './finding.js';

export function fingerprint(finding: Finding): string {
  const last = finding.path[finding.path.length - 1]?.text ?? '';
  return [finding.rule, finding.file, finding.function, last.replace(/ through .*$/, '')].join('|');
}

/** Findings that a known set doesn't hold. A fingerprint that is known once takes back one finding. */
export function newFindings(findings: readonly Finding[], known: readonly string[]): Finding[] {
  const left = new Map<string, number>();
  for (const one of known) left.set(one, (left.get(one) ?? 0) + 1);
  return findings.filter((finding) => {
    const key = fingerprint(finding);
    const count = left.get(key) ?? 0;
    if (count > 0) left.set(key, count - 1);
    return count === 0;
  });
}
