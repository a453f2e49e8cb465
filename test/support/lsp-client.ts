/** A client of `gmem-lens lsp --stdio` that knows nothing but the protocol. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  type ClientCapabilities,
  createMessageConnection,
  type InitializeResult,
  type MessageConnection,
  type Position,
  type PublishDiagnosticsParams,
  type Range,
  type ServerCapabilities,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
} from 'vscode-languageserver-protocol/node';

const root = join(import.meta.dirname, '..', '..');

export interface LspOptions {
  /** The tree, absolute. */
  readonly tree: string;
  /** The folder that the editor opened, if it isn't the tree. */
  readonly folder?: string;
  readonly settings?: object;
  readonly capabilities?: ClientCapabilities;
  readonly initializationOptions?: object;
}

export class LspClient implements AsyncDisposable {
  readonly diagnostics = new Map<string, PublishDiagnosticsParams['diagnostics']>();
  /** Names of the notifications that came, one after the other. */
  readonly notifications: string[] = [];
  /** What the server has said that it can do. */
  capabilities: ServerCapabilities = {};

  private constructor(
    private readonly server: ChildProcess,
    readonly connection: MessageConnection,
    private readonly tree: string,
  ) {}

  static async start(options: LspOptions): Promise<LspClient> {
    // A result of its own: the cache of whoever runs this stays as it is.
    const env = { ...process.env, GMEM_LENS_CACHE: 'off' };
    const server = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'lsp', '--stdio'], { env });
    const connection = createMessageConnection(
      new StreamMessageReader(server.stdout),
      new StreamMessageWriter(server.stdin),
    );
    const client = new LspClient(server, connection, options.tree);
    await client.initialize(options);
    return client;
  }

  private async initialize({ settings = {}, capabilities = {}, ...options }: LspOptions): Promise<void> {
    const { connection } = this;
    connection.onNotification((method) => void this.notifications.push(method));
    connection.onNotification('textDocument/publishDiagnostics', (published: PublishDiagnosticsParams) => {
      this.diagnostics.set(published.uri, published.diagnostics);
    });
    const ready = new Promise<void>((resolve) => {
      connection.onNotification('gmemLens/status', ({ state }: { state: string }) => {
        if (state === 'ready') resolve();
      });
    });
    connection.listen();
    const result = await connection.sendRequest<InitializeResult>('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(options.folder ?? this.tree).toString(),
      capabilities,
      initializationOptions: { settings, ...options.initializationOptions },
    });
    this.capabilities = result.capabilities;
    await connection.sendNotification('initialized', {});
    await ready;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.sendRequest('shutdown');
    await this.connection.sendNotification('exit');
    this.connection.dispose();
    this.server.kill();
  }

  /** @param path relative to the tree */
  async open(path: string): Promise<LspDocument> {
    const uri = pathToFileURL(join(this.tree, path)).toString();
    const document = new LspDocument(this, uri, readFileSync(join(this.tree, path), 'utf8'));
    await this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'c', version: 1, text: document.text },
    });
    return document;
  }

  /** Kills a process that the server has started, told by its command line, once it is there. */
  async killChild(program: string): Promise<void> {
    for (let tries = 0; tries < 400; tries++) {
      for (const pid of childrenOf(this.server.pid ?? 0))
        if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(program)) {
          process.kill(pid, 'SIGKILL');
          return;
        }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`the server has started no ${program}`);
  }

  /** The settings behind `gmemLens.`, from now on. */
  configure(gmemLens: object): Promise<void> {
    return this.connection.sendNotification('workspace/didChangeConfiguration', { settings: { gmemLens } });
  }
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);

/** A document that is open. Lines and characters count from 0. */
export class LspDocument {
  private version = 1;

  constructor(
    private readonly client: LspClient,
    readonly uri: string,
    public text: string,
  ) {}

  get textDocument(): { uri: string } {
    return { uri: this.uri };
  }

  get lines(): string[] {
    return this.text.split('\n');
  }

  /** Where the last of some texts begins, each looked for behind the one before. */
  positionOf(...texts: readonly string[]): Position {
    let offset = 0;
    for (const wanted of texts) {
      offset = this.text.indexOf(wanted, offset);
      if (offset < 0) throw new Error(`no ${wanted}`);
    }
    const before = this.text.slice(0, offset).split('\n');
    return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
  }

  /** Sends an edit as the editor would. */
  async edit({ range, newText }: TextEdit): Promise<void> {
    const offsetOf = ({ line, character }: Position) =>
      this.lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0) + character;
    this.text = this.text.slice(0, offsetOf(range.start)) + newText + this.text.slice(offsetOf(range.end));
    this.version++;
    await this.client.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri: this.uri, version: this.version },
      contentChanges: [{ range, text: newText }],
    });
  }

  /** Puts lines below one, and gives back the edit that takes them out again. */
  async insertBelow(line: number, text: string): Promise<TextEdit> {
    const start = { line: line + 1, character: 0 };
    await this.edit({ range: { start, end: start }, newText: `${text}\n` });
    const range: Range = { start, end: { line: start.line + text.split('\n').length, character: 0 } };
    return { range, newText: '' };
  }

  /** A request about a place of the document. */
  ask<R>(method: string, position?: Position, more: object = {}): Promise<R> {
    return this.client.connection.sendRequest<R>(method, {
      textDocument: this.textDocument,
      ...(position && { position }),
      ...more,
    });
  }
}
