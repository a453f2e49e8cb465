/** The rules' pages that come with the tool: docs/rules/<rule>.md. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of a rule's page, which may not be there in an installation that was cut down to the bundles. */
export function rulePagePath(rule: string): string {
  // Bundles lie in dist/, beside docs/.
  return join(dirname(fileURLToPath(import.meta.url)), '..', 'docs', 'rules', `${rule}.md`);
}

const pages = new Map<string, string | undefined>();

/** A rule's page as Markdown, or `undefined` where it isn't there. */
export function rulePage(rule: string): string | undefined {
  if (!pages.has(rule)) pages.set(rule, read(rulePagePath(rule)));
  return pages.get(rule);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
