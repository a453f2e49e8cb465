/** What there is to read about a rule: its page where the installation has it, else its own explanation. */
import { pathToFileURL } from 'node:url';
import { rulePage, rulePagePath } from '../host/rule-pages.js';
import { allRules } from '../rules/all-rules.js';

/** A rule's name may come from a project's own file: it must not lead out of the folder of the pages. */
const pageOf = (rule: string): string | undefined => (/^[\w-]+$/.test(rule) ? rulePage(rule) : undefined);

/** The page's address, for a diagnostic's code to lead to. */
export function rulePageUri(rule: string): string | undefined {
  return pageOf(rule) === undefined ? undefined : pathToFileURL(rulePagePath(rule)).toString();
}

/** Markdown; undefined for a rule that isn't known. */
export function ruleExplanation(id: string): string | undefined {
  const page = pageOf(id);
  if (page !== undefined) return page;
  const rule = allRules.find((candidate) => candidate.id === id);
  return rule && `# ${rule.id}\n\n${rule.summary}.\n\n${rule.explanation}\n`;
}
