/** Findings of a tree as it was at a git revision: changed files are put back in memory, the rest is shared. */
import { bundleFiles } from '../host/bundle-files.js';
import { filesAt } from '../host/git.js';
import type { LoadedProgram } from '../host/load-program.js';
import { loadParser } from '../kernel-c/parser.js';
import { readFileFacts } from '../kernel-c/templates.js';
import { fingerprint } from '../rules/fingerprint.js';
import type { ProjectRules } from '../rules/project-rules.js';
import { TreeAnalysis } from '../rules/tree-analysis.js';

/**
 * Fingerprints of the findings at a revision. The program is left as it was at that revision.
 * @throws TreeError when git can't tell
 */
export async function findingsAt(
  loaded: LoadedProgram,
  revision: string,
  rules: readonly string[],
  project: ProjectRules,
): Promise<string[]> {
  const files = await filesAt(loaded.tree, revision);
  const parser = await loadParser(bundleFiles());
  const { program } = loaded;
  const templates = program.templates();
  for (const [file, text] of files) {
    if (!program.file(file)) continue;
    if (text === null) program.removeFile(file);
    else
      program.setFile(
        file,
        readFileFacts(parser, text, loaded.configuration.configuration, templates.get(file)),
      );
  }
  return new TreeAnalysis(program, project).check(rules).map(fingerprint);
}
