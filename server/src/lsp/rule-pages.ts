/** What there is to read about a rule: its page under docs/rules where the installation has it, else its own explanation. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleFiles } from '../host/bundle-files.js';
import { allRules } from '../rules/all-rules.js';

/** Beside the folder of the running bundle, as in the repository. */
const folder = join(dirname(bundleFiles().worker), '..', 'docs', 'rules');

function pageFile(rule: string): string | undefined {
  // A rule's name may come from a project's own file: it must not lead out of the folder.
  if (!/^[\w-]+$/.test(rule)) return undefined;
  const path = join(folder, `${rule}.md`);
  return existsSync(path) ? path : undefined;
}

const links = new Map<string, string | undefined>();

/** The page's address, for a diagnostic's code to lead to. */
export function rulePageUri(rule: string): string | undefined {
  if (!links.has(rule)) {
    const path = pageFile(rule);
    links.set(rule, path === undefined ? undefined : pathToFileURL(path).toString());
  }
  return links.get(rule);
}

/** Markdown; undefined for a rule that isn't known. */
export function ruleExplanation(id: string): string | undefined {
  const page = pageFile(id);
  if (page !== undefined) return readFileSync(page, 'utf8');
  const rule = allRules.find((candidate) => candidate.id === id);
  return rule && `# ${rule.id}\n\n${rule.summary}.\n\n${rule.explanation}\n`;
}
