/** The language server: protocol in, answers out. Each feature has a file of its own under features/. */
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  CodeLensRefreshRequest,
  type Connection,
  type Diagnostic,
  DidChangeConfigurationNotification,
  type InitializeParams,
  type InitializeResult,
  InlayHintRefreshRequest,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { findTree, TreeError } from '../host/tree.js';
import { PROJECT_FILE } from '../rules/project-rules.js';
import { scenarioFiles } from './checked-params.js';
import { countFindings, diagnosticsByUri } from './features/diagnostics.js';
import { scenarioDiagnostics } from './features/scenario-diagnostics.js';
import { KernelWorkspace, type OpenTree } from './kernel-workspace.js';
import { releaseMemory } from './memory.js';
import type { InitializationOptions, ServerNotifications, Status } from './protocol.js';
import { type Answering, answerRequests, capabilities, onRequest } from './requests.js';
import { isScenarioFile } from './scenarios/catalogue.js';
import { pathOf, ScenarioService } from './scenarios/service.js';
import { readSettings, type Settings } from './settings.js';

/** Milliseconds without an edit before the tree is analysed again. */
const QUIET = 80;
/** Milliseconds between two progress reports. */
const PROGRESS_EVERY = 100;

class Server implements Answering {
  private readonly documents = new TextDocuments(TextDocument);
  private readonly workspace: KernelWorkspace;
  readonly scenarios: ScenarioService;
  /** Documents on the disk by path, as they are in the editor. */
  private readonly byPath = new Map<string, TextDocument>();
  settings: Settings = readSettings(undefined).settings;
  private tree: string | undefined;
  private cacheFolder: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private scenarioTimer: NodeJS.Timeout | undefined;
  private published = new Set<string>();
  /** Documents that have problems of scenarios. */
  private publishedScenarios = new Set<string>();
  private lastProgress = 0;
  commandLinks = false;
  snippetEdits = false;
  private showsMarks = false;
  private refreshesLenses = false;
  private refreshesHints = false;
  private watchesConfiguration = false;

  constructor(private readonly connection: Connection) {
    this.workspace = new KernelWorkspace({
      onProgress: (done, total) => this.progress(done, total),
      onChange: () => this.publish(),
    });
    this.scenarios = new ScenarioService({
      unsaved: (path) => this.byPath.get(path)?.getText(),
      overlays: () =>
        Object.fromEntries([...this.byPath].map(([path, document]) => [path, document.getText()])),
      log: (line) => connection.console.info(`simulator: ${line}`),
      onProgress: (progress) => this.tell('gmemLens/runProgress', progress),
      onChange: (what) => {
        if (what === 'scenarios') this.tell('gmemLens/scenarios/changed', undefined);
        this.refresh();
      },
    });
    connection.onInitialize((parameters) => this.initialize(parameters));
    connection.onInitialized(() => this.initialized());
    connection.onDidChangeConfiguration(({ settings }) =>
      this.configure((settings as { gmemLens?: unknown } | null)?.gmemLens),
    );
    connection.onDidChangeWatchedFiles(({ changes }) => {
      if (changes.some(({ uri }) => uri.endsWith(`/${PROJECT_FILE}`))) return void this.index();
      let touched = false;
      let areScenarios = false;
      for (const { uri } of changes) {
        touched = this.workspace.touchFile(uri) || touched;
        areScenarios = this.scenarios.touch(uri) || areScenarios;
      }
      if (touched) this.schedule();
      if (areScenarios) this.scheduleScenarios();
    });
    onRequest(connection, 'gmemLens/reindex', () => this.index().then(() => null));
    connection.onShutdown(() => {
      this.workspace.dispose();
      this.scenarios.dispose();
    });
    connection.onNotification('gmemLens/scenarioFiles', (given: unknown) =>
      this.scenarios.setFiles(scenarioFiles(given).uris),
    );
    this.documents.onDidOpen(({ document }) => this.edited(document));
    this.documents.onDidChangeContent(({ document }) => this.edited(document));
    this.documents.onDidClose(({ document }) => {
      const path = pathOf(document.uri);
      if (path !== undefined) this.byPath.delete(path);
      if (this.scenarios.touch(document.uri)) this.scheduleScenarios();
      if (this.workspace.closeText(document.uri)) this.schedule();
    });
    answerRequests(connection, this);
    this.documents.listen(connection);
  }

  private initialize(parameters: InitializeParams): InitializeResult {
    const options = (parameters.initializationOptions ?? {}) as InitializationOptions;
    this.tree = options.tree ?? openedTree(parameters);
    this.cacheFolder = options.storagePath;
    this.refreshesLenses = parameters.capabilities.workspace?.codeLens?.refreshSupport === true;
    this.refreshesHints = parameters.capabilities.workspace?.inlayHint?.refreshSupport === true;
    this.commandLinks = options.commandLinks === true;
    this.snippetEdits = parameters.capabilities.workspace?.workspaceEdit?.snippetEditSupport === true;
    this.watchesConfiguration =
      parameters.capabilities.workspace?.didChangeConfiguration?.dynamicRegistration === true;
    this.take(options.settings);
    return {
      serverInfo: { name: 'gmem-lens' },
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        ...capabilities(this),
      },
    };
  }

  private initialized(): void {
    if (this.watchesConfiguration)
      void this.connection.client.register(DidChangeConfigurationNotification.type, { section: 'gmemLens' });
    void this.index();
  }

  private take(section: unknown): void {
    const { settings, problems } = readSettings(section);
    this.settings = settings;
    for (const problem of problems) this.connection.console.warn(problem);
  }

  private configure(section: unknown): void {
    if (section === undefined) return;
    const before = this.settings;
    this.take(section);
    const rereads = (['architecture', 'config', 'scope'] as const).some(
      (name) => before[name] !== this.settings[name],
    );
    if (rereads) void this.index();
    else if (JSON.stringify(before) !== JSON.stringify(this.settings)) this.publish();
  }

  private tell<M extends keyof ServerNotifications>(method: M, params: ServerNotifications[M]): void {
    void this.connection.sendNotification(method, params);
  }

  private status(status: Status): void {
    this.tell('gmemLens/status', status);
  }

  private progress(done: number, total: number): void {
    const now = Date.now();
    if (done < total && now - this.lastProgress < PROGRESS_EVERY) return;
    this.lastProgress = now;
    this.status({ state: 'indexing', done, total, ...(this.tree !== undefined && { tree: this.tree }) });
  }

  /** Reads the tree; what went wrong is told as a status, never as a failed request. */
  private async index(): Promise<void> {
    if (this.tree === undefined) {
      this.status({
        state: 'failed',
        message: 'No kernel tree is open: no folder here contains virt/kvm.',
        remedy: 'Open a kernel tree, or set gmemLens.tree.',
      });
      return;
    }
    this.status({ state: 'indexing', tree: this.tree });
    try {
      const { loaded } = await this.workspace.load(this.tree, this.settings, this.cacheFolder);
      for (const { file, line, message } of loaded.notes)
        this.connection.console.info(`note: ${file}:${line}: ${message}`);
      for (const document of this.documents.all()) this.workspace.setText(document.uri, document.getText());
      if (!(await this.workspace.update())) this.publish();
      releaseMemory();
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError') return;
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (!(error instanceof TreeError))
      this.connection.console.error(error instanceof Error ? (error.stack ?? message) : message);
    const remedy =
      error instanceof TreeError
        ? error.remedy
        : 'See the output for details; "Guest Memory Lens: Reindex" tries again.';
    this.status({ state: 'failed', message, remedy, ...(this.tree !== undefined && { tree: this.tree }) });
  }

  private edited(document: TextDocument): void {
    const path = pathOf(document.uri);
    if (path !== undefined) this.byPath.set(path, document);
    if (this.scenarios.touch(document.uri)) this.scheduleScenarios();
    if (this.workspace.setText(document.uri, document.getText())) this.schedule();
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.workspace.update().catch((error: unknown) => this.fail(error));
    }, QUIET);
  }

  private scheduleScenarios(): void {
    clearTimeout(this.scenarioTimer);
    this.scenarioTimer = setTimeout(() => {
      this.publishScenarios();
      this.tell('gmemLens/scenarios/changed', undefined);
      this.refresh();
    }, QUIET);
  }

  /** What is wrong with the scenario files that are open. */
  private publishScenarios(): void {
    const byUri = new Map<string, Diagnostic[]>();
    for (const [path, document] of this.byPath) {
      if (!isScenarioFile(path)) continue;
      const own = pathToFileURL(path).toString();
      for (const [uri, diagnostics] of scenarioDiagnostics(this.scenarios.catalogue.at(path)))
        byUri.set(uri === own ? document.uri : uri, diagnostics);
    }
    for (const uri of this.publishedScenarios) if (!byUri.has(uri)) byUri.set(uri, []);
    for (const [uri, diagnostics] of byUri) void this.connection.sendDiagnostics({ uri, diagnostics });
    this.publishedScenarios = new Set([...byUri].flatMap(([uri, { length }]) => (length > 0 ? [uri] : [])));
  }

  /** The tree with all edits taken in, for an answer must speak of the text that the user sees. */
  async upToDate(): Promise<OpenTree | undefined> {
    if (this.timer) {
      clearTimeout(this.timer);
      this.timer = undefined;
      await this.workspace.update();
    }
    return this.workspace.open;
  }

  async onDocument<T>(uri: string, otherwise: T, answer: (open: OpenTree, file: string) => T): Promise<T> {
    const open = await this.upToDate();
    const file = open?.locations.file(uri);
    return open && file !== undefined && this.workspace.isInScope(file) ? answer(open, file) : otherwise;
  }

  onText<T>(uri: string, otherwise: T, answer: (open: OpenTree, document: TextDocument) => T): Promise<T> {
    const document = this.documents.get(uri);
    return document
      ? this.onDocument(uri, otherwise, (open) => answer(open, document))
      : Promise.resolve(otherwise);
  }

  marksAsked(): void {
    this.showsMarks = true;
  }

  /** What the editor shows and asks for by itself is asked for again. */
  private refresh(): void {
    const { connection } = this;
    if (this.refreshesLenses) void connection.sendRequest(CodeLensRefreshRequest.type).catch(() => {});
    if (this.refreshesHints) void connection.sendRequest(InlayHintRefreshRequest.type).catch(() => {});
    if (this.showsMarks) this.tell('gmemLens/lockMarks/refresh', undefined);
  }

  private publish(): void {
    const open = this.workspace.open;
    if (!open) return;
    const { diagnostics: isReporting, severities } = this.settings;
    const byUri = isReporting ? diagnosticsByUri(open, severities) : new Map();
    for (const uri of this.published)
      if (!byUri.has(uri)) void this.connection.sendDiagnostics({ uri, diagnostics: [] });
    for (const [uri, diagnostics] of byUri) void this.connection.sendDiagnostics({ uri, diagnostics });
    this.published = new Set(byUri.keys());
    this.refresh();
    let functions = 0;
    for (const _ of open.analysis.program.functions()) functions++;
    this.status({
      state: 'ready',
      files: open.loaded.files.length,
      functions,
      findings: countFindings(open, severities),
      notes: open.loaded.notes.length,
      tree: open.loaded.tree,
    });
  }
}

/** The kernel tree of an editor that names none: a folder it opened, or one around it. */
function openedTree({ workspaceFolders, rootUri }: InitializeParams): string | undefined {
  const uris = [...(workspaceFolders ?? []).map((folder) => folder.uri), ...(rootUri ? [rootUri] : [])];
  for (const uri of uris) {
    const tree = uri.startsWith('file:') ? findTree(fileURLToPath(uri)) : undefined;
    if (tree !== undefined) return tree;
  }
  return undefined;
}

/** Serves a connection until its client goes away. */
export function serve(connection: Connection): void {
  new Server(connection);
  connection.listen();
}
