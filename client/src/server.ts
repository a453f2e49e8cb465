/** When the language server starts, starts again and stops. */
import * as vscode from 'vscode';
import { type CancellationToken, type LanguageClient, State } from 'vscode-languageclient/node';
import { CrashPolicy } from './crash-policy.ts';
import { findKernelTree } from './kernel-tree.ts';
import { createLanguageClient } from './language-client.ts';
import type {
  ClientNotifications,
  RunScenarioProgress,
  ServerNotifications,
  ServerRequests,
  Status,
} from './protocol.ts';
import { settings } from './settings.ts';

/** Inside a tree, where edits from outside the editor (a checkout, a patch) change what we report. */
const watchedFolders = ['virt', 'arch', 'include', 'mm', 'fs', 'drivers', 'kernel'];
/** Groups of a glob don't nest, so every folder is named with every ending. */
const watchedFiles = `{${[
  '.gmem-lens.yaml',
  ...watchedFolders.flatMap((folder) => ['c', 'h', 'S'].map((ending) => `${folder}/**/*.${ending}`)),
].join(',')}}`;

/** One server process, from its start to its end. */
interface Run {
  readonly tree: string;
  readonly client: LanguageClient;
  readonly watcher: vscode.FileSystemWatcher;
  /** It has answered `initialize`. */
  started: boolean;
  /** It ended without having been asked to. */
  dead: boolean;
}

export class Server implements vscode.Disposable {
  private readonly statusEmitter = new vscode.EventEmitter<Status | undefined>();
  /** `undefined`: there is nothing to show, because no server is wanted here. */
  readonly onStatus = this.statusEmitter.event;

  private readonly marksEmitter = new vscode.EventEmitter<void>();
  /** Lock marks may be others now. */
  readonly onMarksChanged = this.marksEmitter.event;

  private readonly startedEmitter = new vscode.EventEmitter<void>();
  /** A server, perhaps a new one, takes messages. */
  readonly onStarted = this.startedEmitter.event;

  private readonly scenariosEmitter = new vscode.EventEmitter<void>();
  /** Scenarios came, went or were edited. */
  readonly onScenariosChanged = this.scenariosEmitter.event;

  private readonly progressEmitter = new vscode.EventEmitter<RunScenarioProgress>();
  readonly onRunProgress = this.progressEmitter.event;

  private readonly crashes = new CrashPolicy();
  private run: Run | undefined;
  /** Starts and stops run one after the other, however quickly they are asked for. */
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly output: vscode.LogOutputChannel,
  ) {}

  /** Starts the server if the workspace has a kernel tree, replacing the one that runs. */
  restart(): Promise<void> {
    this.crashes.forget();
    return this.enqueue(() => this.replace());
  }

  stop(): Promise<void> {
    return this.enqueue(() => this.end());
  }

  /** @returns false when there is no server to ask */
  async reindex(): Promise<boolean> {
    return (await this.ask('gmemLens/reindex', undefined)) !== undefined;
  }

  /** @returns undefined when there is no server to ask */
  async ask<M extends keyof ServerRequests>(
    method: M,
    params: ServerRequests[M]['params'],
    token?: CancellationToken,
  ): Promise<ServerRequests[M]['result'] | undefined> {
    return this.run?.client.state === State.Running
      ? this.run.client.sendRequest<ServerRequests[M]['result']>(method, params, token)
      : undefined;
  }

  /** Nothing happens when there is no server to tell. */
  async tell<M extends keyof ClientNotifications>(method: M, params: ClientNotifications[M]): Promise<void> {
    if (this.run?.client.state === State.Running) await this.run.client.sendNotification(method, params);
  }

  dispose(): void {
    for (const emitter of [
      this.statusEmitter,
      this.marksEmitter,
      this.startedEmitter,
      this.scenariosEmitter,
      this.progressEmitter,
    ])
      emitter.dispose();
  }

  private enqueue(task: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(task, task);
    return this.queue;
  }

  private async replace(): Promise<void> {
    await this.end();
    const tree = await this.findTree();
    if (tree !== undefined) await this.begin(tree);
  }

  private async findTree(): Promise<string | undefined> {
    const search = settings.enable ? await findKernelTree(settings.tree, foldersInUse()) : undefined;
    if (search?.kind === 'found') return search.tree;
    if (search?.kind === 'invalid') {
      this.statusEmitter.fire({ state: 'failed', message: search.message, remedy: search.remedy });
    } else this.statusEmitter.fire(undefined);
    return undefined;
  }

  private async begin(tree: string): Promise<void> {
    this.statusEmitter.fire({ state: 'indexing', tree });
    const watcher = vscode.workspace.createFileSystemWatcher(new vscode.RelativePattern(tree, watchedFiles));
    const { context, output } = this;
    const onDeath = (): void => {
      run.dead = true;
      void this.enqueue(() => this.replaceDead(run));
    };
    const client = await createLanguageClient({ context, output, tree, watcher, onDeath });
    const run: Run = { tree, client, watcher, started: false, dead: false };
    this.run = run;
    const on = <M extends keyof ServerNotifications>(
      method: M,
      take: (params: ServerNotifications[M]) => void,
    ): void => {
      client.onNotification(method, (params: ServerNotifications[M]) => {
        if (this.run === run) take(params);
      });
    };
    on('gmemLens/status', (status) => this.statusEmitter.fire({ tree, ...status }));
    on('gmemLens/lockMarks/refresh', () => this.marksEmitter.fire());
    on('gmemLens/scenarios/changed', () => this.scenariosEmitter.fire());
    on('gmemLens/runProgress', (progress) => this.progressEmitter.fire(progress));
    try {
      await client.start();
      run.started = true;
      this.startedEmitter.fire();
    } catch (error) {
      const reason = run.dead
        ? 'it ended before it was ready'
        : error instanceof Error
          ? error.message
          : error;
      this.giveUp(tree, `The language server did not start: ${reason}.`);
    }
  }

  private async end(): Promise<void> {
    const run = this.run;
    this.run = undefined;
    if (!run) return;
    run.watcher.dispose();
    try {
      if (run.dead) await stopped(run.client);
      await run.client.dispose();
    } catch {
      // One that never came up can't be asked to go; it is gone all the same.
    }
  }

  /** One that never started is left alone: `begin` has told the user, and the next would end the same way. */
  private async replaceDead(run: Run): Promise<void> {
    if (run !== this.run || !run.started) return;
    if (this.crashes.shouldRestart(Date.now())) return this.replace();
    this.giveUp(run.tree, 'The language server died several times in a row and stays off.');
  }

  private giveUp(tree: string, message: string): void {
    const remedy = 'Restart it, or look at the output for the reason.';
    this.statusEmitter.fire({ state: 'failed', tree, message, remedy });
    void this.offerRestart(`Guest Memory Lens: ${message}`);
  }

  private async offerRestart(message: string): Promise<void> {
    const choice = await vscode.window.showErrorMessage(message, 'Restart', 'Show Output');
    if (choice === 'Restart') await this.restart();
    if (choice === 'Show Output') this.output.show();
  }
}

/** A client notices the end of its server in two steps; between them it would still try to say goodbye to it. */
function stopped(client: LanguageClient): Promise<void> {
  return new Promise((resolve) => {
    if (client.state !== State.Running) return resolve();
    const listener = client.onDidChangeState(({ newState }) => {
      if (newState === State.Running) return;
      listener.dispose();
      resolve();
    });
  });
}

/** The folders that the workspace stands for; without any, the folder of the file that is open. */
function foldersInUse(): string[] {
  const folders = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
  const document = vscode.window.activeTextEditor?.document.uri;
  if (folders.length === 0 && document) folders.push(vscode.Uri.joinPath(document, '..'));
  return folders.filter((uri) => uri.scheme === 'file').map((uri) => uri.fsPath);
}
