/** From the text of a tree's `.gmem-lens.yaml` to rules in use; the same for the command line and the editor. */
import { useProjectLocks } from '../locks/primitives.js';
import { NO_PROJECT_RULES, PROJECT_FILE, type ProjectRules } from './project-rules.js';

export interface Project {
  rules: ProjectRules;
  /** The file's text, for keys of what is kept. */
  text: string | undefined;
}

/**
 * The rules of a tree, with its locks put to use. To be called before its program is linked.
 * @param read the text of a file in the tree's root, `undefined` where there is none
 * @throws ProjectFileError with everything that is wrong in the file; what `read` throws
 */
export async function loadProjectRules(read: (file: string) => string | undefined): Promise<Project> {
  const text = read(PROJECT_FILE);
  let rules = NO_PROJECT_RULES;
  // The reader of YAML is only loaded where there is something to read.
  if (text !== undefined) rules = (await import('./project-file.js')).parseProjectFile(text);
  useProjectLocks(rules.locks);
  return { rules, text };
}
