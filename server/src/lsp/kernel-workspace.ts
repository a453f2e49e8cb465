/**
 * The tree that an editor works on: read once, then kept in step with unsaved texts and with the disk.
 * Requests are answered from what is there; nothing here knows a protocol message.
 */
import { readFileSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { bundleFiles } from '../host/bundle-files.js';
import { type LoadedProgram, loadProgram } from '../host/load-program.js';
import { readProjectText } from '../host/project-text.js';
import { editedFacts } from '../kernel-c/edited-facts.js';
import { type CParser, loadParser } from '../kernel-c/parser.js';
import { readFileFacts } from '../kernel-c/templates.js';
import { LOCK_WORDS } from '../locks/primitives.js';
import type { Program } from '../program/program.js';
import { loadProjectRules } from '../rules/load-project-rules.js';
import type { ProjectFileProblem } from '../rules/project-file.js';
import { NO_PROJECT_RULES, type ProjectRules } from '../rules/project-rules.js';
import { TreeAnalysis } from '../rules/tree-analysis.js';
import { TreeLocations } from './locations.js';
import type { Settings } from './settings.js';

/** A tree that was read. */
export interface OpenTree {
  loaded: LoadedProgram;
  analysis: TreeAnalysis;
  locations: TreeLocations;
  /** What is wrong with the tree's `.gmem-lens.yaml`; the tree is then read as if it had none. */
  projectProblems: readonly ProjectFileProblem[];
}

export interface WorkspaceEvents {
  onProgress(done: number, total: number): void;
  /** The program is new or changed. */
  onChange(): void;
}

export class KernelWorkspace {
  private current: OpenTree | undefined;
  private loading: AbortController | undefined;
  /** Unsaved or open texts by path in the tree. */
  private readonly texts = new Map<string, string>();
  private readonly dirty = new Set<string>();
  /** Texts that the facts of open files were read from: what an edit is measured against. */
  private readonly readTexts = new Map<string, string>();

  constructor(private readonly events: WorkspaceEvents) {}

  get open(): OpenTree | undefined {
    return this.current;
  }

  /**
   * Reads the tree anew; a reading under way is given up.
   * @param cacheFolder where the editor keeps such things, absolute; else the user's folder for caches
   * @throws TreeError, or the abort's reason when a later call took over
   */
  async load(tree: string, settings: Settings, cacheFolder?: string): Promise<OpenTree> {
    this.loading?.abort();
    const loading = new AbortController();
    this.loading = loading;
    const { project, problems } = await projectOf(tree);
    const loaded = await loadProgram({
      tree,
      scope: settings.scope,
      architecture: settings.architecture,
      watched: LOCK_WORDS,
      workers: settings.workers,
      signal: loading.signal,
      onProgress: (done, total) => this.events.onProgress(done, total),
      ...(settings.config !== '' && { config: resolve(tree, settings.config) }),
      ...(cacheFolder !== undefined && { cacheFolder }),
    });
    loading.signal.throwIfAborted();
    this.current = {
      loaded,
      analysis: new TreeAnalysis(loaded.program, project),
      locations: new TreeLocations(tree, realpathSync(tree)),
      projectProblems: problems,
    };
    this.readTexts.clear();
    for (const file of this.texts.keys()) this.dirty.add(file);
    await this.update();
    return this.current;
  }

  /** The text of an open document; takes effect with the next `update`. */
  setText(uri: string, text: string): boolean {
    const file = this.current?.locations.file(uri);
    if (file === undefined || !this.isInScope(file)) return false;
    this.texts.set(file, text);
    this.dirty.add(file);
    return true;
  }

  /** A document was closed: what is on the disk counts again. */
  closeText(uri: string): boolean {
    const file = this.current?.locations.file(uri);
    if (file === undefined || !this.texts.delete(file)) return false;
    this.dirty.add(file);
    return true;
  }

  /** A file changed on the disk. Open documents go before it. */
  touchFile(uri: string): boolean {
    const file = this.current?.locations.file(uri);
    if (file === undefined || this.texts.has(file) || !this.isInScope(file)) return false;
    this.dirty.add(file);
    return true;
  }

  isInScope(file: string): boolean {
    return this.current?.loaded.program.file(file) !== undefined;
  }

  /** Reads the changed files; true when the program changed. */
  async update(): Promise<boolean> {
    const open = this.current;
    if (!open || this.dirty.size === 0) return false;
    const parser = await loadParser(bundleFiles());
    const { program } = open.loaded;
    const templates = program.templates();
    for (const file of this.dirty) {
      const text = this.texts.get(file) ?? readOrEmpty(join(open.loaded.tree, file));
      const { configuration } = open.loaded.configuration;
      const knownText = this.readTexts.get(file);
      const known = program.file(file);
      const instances = templates.get(file);
      if (knownText !== undefined && known && !instances) {
        if (knownText !== text)
          program.setFile(file, editedFacts(parser, knownText, known, text, configuration));
      } else program.setFile(file, readFileFacts(parser, text, configuration, instances));
      if (this.texts.has(file)) this.readTexts.set(file, text);
      else this.readTexts.delete(file);
    }
    this.dirty.clear();
    this.readTemplatesAgain(open, parser, templates);
    open.analysis.refresh();
    this.events.onChange();
    return true;
  }

  /** An edit of the includer can change what a template's inclusions are. */
  private readTemplatesAgain(
    open: OpenTree,
    parser: CParser,
    before: ReturnType<Program['templates']>,
  ): void {
    const { program, configuration, tree } = open.loaded;
    for (const [file, instances] of program.templates()) {
      if (JSON.stringify(instances) === JSON.stringify(before.get(file))) continue;
      const text = this.texts.get(file) ?? readOrEmpty(join(tree, file));
      program.setFile(file, readFileFacts(parser, text, configuration.configuration, instances));
    }
  }

  dispose(): void {
    this.loading?.abort();
  }
}

/** A file that went away since is as good as empty until the tree is read again. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The project's rules, or what is wrong with them. */
async function projectOf(
  tree: string,
): Promise<{ project: ProjectRules; problems: readonly ProjectFileProblem[] }> {
  try {
    const { rules } = await loadProjectRules((file) => readProjectText(tree, file));
    return { project: rules, problems: [] };
  } catch (error) {
    const { ProjectFileError } = await import('../rules/project-file.js');
    if (!(error instanceof ProjectFileError)) throw error;
    return { project: NO_PROJECT_RULES, problems: error.problems };
  }
}
