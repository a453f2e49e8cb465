/** The hooks of guest memory by name: grammars/hooks.json, where each has its source. */
import table from '../../../grammars/hooks.json' with { type: 'json' };
import type { ProjectRules } from './project-rules.js';

export interface Hook {
  name: string;
  kind: string;
  role: string;
  source: string;
  mailRow: string | null;
}

export const hooks: readonly Hook[] = table.functions as Hook[];

const byName = new Map(hooks.map((hook) => [hook.name, hook]));

export const hookOf = (name: string): Hook | undefined => byName.get(name);

/** What a kind of hook is for, in a few words. */
export const kindMeaning = (kind: string): string => (table.kinds as Record<string, string>)[kind] ?? kind;

/** Hooks of a tree: the table's and the project's own. */
export const hooksOf = (project: ProjectRules): readonly Hook[] => [...hooks, ...project.hooks];

export const hooksOfKind = (kind: string, project: ProjectRules): ReadonlySet<string> =>
  new Set(
    hooksOf(project)
      .filter((hook) => hook.kind === kind)
      .map((hook) => hook.name),
  );
