/** `gmem-lens explain RULE`: what a rule reports, why, and how it is mended. */
import { rulePage } from '../host/rule-pages.js';
import { allRules } from '../rules/all-rules.js';
import { UsageError } from './errors.js';
import { write, writeLine } from './output.js';

/** @throws UsageError naming an unknown rule */
export async function explain(id: string | undefined): Promise<number> {
  if (id === undefined) {
    const width = Math.max(...allRules.map((rule) => rule.id.length));
    for (const rule of allRules) await writeLine(`${rule.id.padEnd(width)}  ${rule.summary}`);
    return 0;
  }
  const rule = allRules.find((known) => known.id === id);
  if (!rule)
    throw new UsageError(
      `unknown rule '${id}'; known rules: ${allRules.map((known) => known.id).join(', ')}`,
    );
  await write(rulePage(id) ?? `# ${rule.id}\n\n${rule.summary}\n\n${rule.explanation}\n`);
  return 0;
}
