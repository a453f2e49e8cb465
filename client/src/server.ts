/** Starts, restarts and stops the language server. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  type ErrorHandler,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type ServerOptions,
  State,
  TransportKind,
} from 'vscode-languageclient/node';
import { CrashPolicy } from './crash-policy.ts';
import { findKernelTree } from './kernel-tree.ts';
import { type InitializationOptions, ReindexRequest, type Status, StatusNotification } from './protocol.ts';
import { findRipgrep } from './ripgrep.ts';
import { section, settings } from './settings.ts';

/** Inside a tree, where edits from outside the editor (a checkout, a patch) change what we report. */
const watchedFiles = '{virt,arch,include,mm,fs,drivers,kernel}/**/*.{c,h,S}';

export class Server implements vscode.Disposable {
  private readonly statusEmitter = new vscode.EventEmitter<Status | undefined>();
  /** `undefined`: there is nothing to show, because no server is wanted here. */
  readonly onStatus = this.statusEmitter.event;

  private readonly crashes = new CrashPolicy();
  private client: LanguageClient | undefined;
  private watcher: vscode.FileSystemWatcher | undefined;
  /** Starts and stops run one after the other, however quickly they are asked for. */
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
  ) {}

  /** Starts the server if the workspace has a kernel tree, replacing the one that runs. */
  restart(): Promise<void> {
    this.crashes.forget();
    return this.enqueue(async () => {
      await this.stopClient();
      await this.startClient();
    });
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.stopClient());
  }

  /** @returns false when there is no server to ask */
  async reindex(): Promise<boolean> {
    if (this.client?.state !== State.Running) return false;
    await this.client.sendRequest(ReindexRequest);
    return true;
  }

  dispose(): void {
    this.statusEmitter.dispose();
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(task, task);
    return this.queue;
  }

  private async startClient(): Promise<void> {
    if (!settings.enable) return this.statusEmitter.fire(undefined);
    const search = await findKernelTree(settings.tree, foldersInUse());
    if (search.kind === 'none') return this.statusEmitter.fire(undefined);
    if (search.kind === 'invalid') {
      this.output.error(`${search.message} ${search.remedy}`);
      return this.statusEmitter.fire({ state: 'failed', message: search.message, remedy: search.remedy });
    }
    const { tree } = search;
    this.statusEmitter.fire({ state: 'indexing', tree });
    this.client = await this.createClient(tree);
    try {
      await this.client.start();
    } catch (error) {
      const message = `The language server did not start: ${error instanceof Error ? error.message : error}`;
      this.statusEmitter.fire({ state: 'failed', tree, message, remedy: 'The output has its last words.' });
    }
  }

  private async stopClient(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    this.watcher?.dispose();
    this.watcher = undefined;
    if (!client) return;
    try {
      await client.dispose();
    } catch {
      // A server that died can't be asked to shut down; it is gone all the same.
    }
  }

  private async createClient(tree: string): Promise<LanguageClient> {
    this.watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(tree, watchedFiles));
    const options: LanguageClientOptions = {
      documentSelector: [
        { scheme: 'file', language: 'c', pattern: '**/*.{c,h}' },
        // VS Code takes a header for C++ unless files.associations says otherwise.
        { scheme: 'file', language: 'cpp', pattern: '**/*.h' },
      ],
      outputChannel: this.output,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      initializationOptions: await this.initializationOptions(tree),
      synchronize: { configurationSection: section, fileEvents: this.watcher },
      errorHandler: this.errorHandler(tree),
      markdown: { isTrusted: { enabledCommands: ['gmemLens.showCallers'] }, supportThemeIcons: true },
    };
    const client = new LanguageClient(section, 'Guest Memory Lens', this.serverOptions(), options);
    client.onNotification(StatusNotification, (status) => {
      if (this.client === client) this.statusEmitter.fire({ tree, ...status });
    });
    return client;
  }

  private serverOptions(): ServerOptions {
    const run = {
      module: this.context.asAbsolutePath(join('dist', 'server.js')),
      transport: TransportKind.ipc,
    };
    const debugging = { execArgv: ['--nolazy', '--inspect=6009', '--enable-source-maps'] };
    return { run, debug: { ...run, options: debugging } };
  }

  private async initializationOptions(tree: string): Promise<InitializationOptions> {
    const ripgrepPath = await findRipgrep(vscode.env.appRoot);
    return {
      tree,
      storagePath: this.context.globalStorageUri.fsPath,
      settings: settings.all,
      ...(ripgrepPath !== undefined && { ripgrepPath }),
    };
  }

  private errorHandler(tree: string): ErrorHandler {
    return {
      // The messages about a broken pipe say nothing that `closed` doesn't.
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        if (this.crashes.shouldRestart(Date.now())) {
          this.statusEmitter.fire({ state: 'indexing', tree });
          return {
            action: CloseAction.Restart,
            handled: true,
            message: 'The language server died; starting it again.',
          };
        }
        const message = 'The language server died several times in a row and stays off.';
        const remedy = 'Restart it, or look at the output for the reason.';
        this.statusEmitter.fire({ state: 'failed', tree, message, remedy });
        void this.offerRestart(`Guest Memory Lens: ${message}`);
        return { action: CloseAction.DoNotRestart, handled: true, message };
      },
    };
  }

  private async offerRestart(message: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(message, 'Restart', 'Show Output');
    if (choice === 'Restart') await this.restart();
    if (choice === 'Show Output') this.output.show();
  }
}

/** The folders that the workspace stands for; without any, the folder of the file that is open. */
function foldersInUse(): string[] {
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
  const document = vscode.window.activeTextEditor?.document.uri;
  if (folders.length === 0 && document) folders.push(vscode.Uri.joinPath(document, '..'));
  return folders.filter((uri) => uri.scheme === 'file').map((uri) => uri.fsPath);
}
