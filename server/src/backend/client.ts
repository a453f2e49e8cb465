/**
 * The simulator as its users see it: started (or connected to) when first asked, asked again afresh when it has died,
 * ended when it no longer answers.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import {
  type CancellationToken,
  CancellationTokenSource,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import { ShapeError } from '../simulator/backend/checked.js';
import {
  type DebugMessage,
  PROTOCOL_VERSION,
  type RunProgress,
  SimulatorErrors,
} from '../simulator/backend/protocol.js';
import { parseAddress } from './address.js';
import {
  checkedParams,
  connectionOver,
  notify,
  onNotification,
  type Params,
  type RequestName,
  type Result,
} from './connection.js';

export interface SimulatorOptions {
  /** Who asks, for messages. */
  readonly client: string;
  /** Of one that runs already; '' or undefined: one is started. */
  readonly address?: string | undefined;
  /** Path of the bundle that is started: dist/simulator.js. */
  readonly program: string;
  /** What it says on stderr, line by line. */
  readonly log?: (line: string) => void;
  /** Milliseconds without an answer after which it counts as run away. */
  readonly patience?: number;
}

/** The simulator is gone: the next request starts it afresh. */
export class SimulatorGone extends Error {}

/** A debug session at the simulator. */
export interface DebugChannel {
  send(message: object): void;
  close(): void;
}

interface DebugListener {
  onMessage(message: object): void;
  /** @param reason why, unless it was to end */
  onEnd(reason: string | undefined): void;
}

interface Link {
  readonly connection: MessageConnection;
  readonly debuggers: Map<number, DebugListener>;
  readonly child?: ChildProcess;
  readonly socket?: Socket;
  /** Rejects once, when it is gone. */
  readonly gone: Promise<never>;
  fail(why: string): void;
  failed: string | undefined;
  /** Requests that wait for their answer. */
  pending: number;
  watch?: NodeJS.Timeout;
}

/** Milliseconds between the end of a process's output and its own. */
const LAST_WORDS = 1000;
/** Reading a kernel tree keeps a process from answering for many seconds, on a busy machine for a minute. */
const PATIENCE = 120_000;
/** A scenario's memory map is a few MB; what needs more than this has run away. */
const MAX_HEAP_MB = 2048;

export class Simulator {
  private link: Promise<Link> | undefined;
  private readonly progress = new Map<string, (progress: RunProgress) => void>();

  constructor(private readonly options: SimulatorOptions) {}

  /**
   * @throws SimulatorGone when it can't be had, or dies meanwhile; ResponseError as it answers
   */
  async request<Name extends RequestName>(
    name: Name,
    params: Params<Name>,
    token?: CancellationToken,
  ): Promise<Result<Name>> {
    return this.ask(await this.connected(), name, params, token);
  }

  /** A run, telling how far it is. */
  async run(
    params: Params<'run'>,
    onProgress?: (progress: RunProgress) => void,
    cancel?: CancellationToken,
  ): Promise<Result<'run'>> {
    const token = params.token ?? `run-${++runs}`;
    if (onProgress) this.progress.set(token, onProgress);
    try {
      return await this.request('run', { ...params, token }, cancel);
    } finally {
      this.progress.delete(token);
    }
  }

  async debug(listener: DebugListener): Promise<DebugChannel> {
    const link = await this.connected();
    const { session } = await this.ask(link, 'debug/start', { client: this.options.client });
    link.debuggers.set(session, listener);
    return {
      send: (message) => notify(link.connection, 'debug/message', { session, message }),
      close: () => {
        link.debuggers.delete(session);
        notify(link.connection, 'debug/end', { session });
      },
    };
  }

  /** Ends a simulator that was started, and leaves one that was connected to. */
  async dispose(): Promise<void> {
    const link = await this.link?.catch(() => undefined);
    this.link = undefined;
    link?.fail('it was ended');
  }

  private async ask<Name extends RequestName>(
    link: Link,
    name: Name,
    params: Params<Name>,
    token?: CancellationToken,
  ): Promise<Result<Name>> {
    link.pending++;
    this.keepWatch(link);
    try {
      const answer = link.connection.sendRequest<Result<Name>>(name, params, token ?? NEVER);
      return await Promise.race([answer, link.gone]);
    } catch (error) {
      if (error instanceof ResponseError && link.failed === undefined) throw error;
      // It may be dead before its end was told.
      link.fail(messageOf(error));
      // A closed connection has its own words for that; ours say what to do.
      throw new SimulatorGone(link.failed ?? messageOf(error));
    } finally {
      link.pending--;
    }
  }

  private connected(): Promise<Link> {
    this.link ??= this.open().catch((error: unknown) => {
      this.link = undefined;
      throw error;
    });
    return this.link;
  }

  private async open(): Promise<Link> {
    const { address, client } = this.options;
    const link = address ? await this.attach(address) : this.start();
    try {
      await this.ask(link, 'initialize', { version: PROTOCOL_VERSION, client });
    } catch (error) {
      link.fail(messageOf(error));
      throw error;
    }
    return link;
  }

  private start(): Link {
    const child = spawn(
      process.execPath,
      [`--max-old-space-size=${MAX_HEAP_MB}`, this.options.program, '--stdio'],
      {
        stdio: ['pipe', 'pipe', 'pipe'],
        // In an editor `execPath` is the editor's own program.
        env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
        windowsHide: true,
      },
    );
    const link = this.linked(connectionOver(child.stdout, child.stdin), { child });
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.split('\n')) if (line !== '') this.options.log?.(line);
    });
    child.once('error', (error) => link.fail(`it can't be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      link.fail(`its process has ended (${signal === null ? `exit status ${code}` : `signal ${signal}`})`),
    );
    return link;
  }

  private attach(text: string): Promise<Link> {
    const { host, port } = parseAddress(text);
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const refuse = (error: Error): void =>
        reject(new SimulatorGone(`There is no simulator at ${host}:${port}: ${error.message}`));
      socket.once('error', refuse);
      socket.once('connect', () => {
        socket.removeListener('error', refuse);
        const link = this.linked(connectionOver(socket, socket), { socket });
        socket.once('error', (error) => link.fail(error.message));
        socket.once('close', () => link.fail(`the connection to ${host}:${port} was closed`));
        resolve(link);
      });
    });
  }

  private linked(connection: MessageConnection, process_: Pick<Link, 'child' | 'socket'>): Link {
    let reject: (error: Error) => void = () => {};
    const gone = new Promise<never>((_, no) => {
      reject = no;
    });
    // Those who wait race against it; nobody waiting is fine too.
    gone.catch(() => {});
    const debuggers = new Map<number, DebugListener>();
    const link: Link = {
      connection,
      debuggers,
      gone,
      failed: undefined,
      pending: 0,
      ...process_,
      fail: (why) => {
        if (link.failed !== undefined) return;
        link.failed = `The simulator is gone: ${why}. The next run or debug session starts it afresh.`;
        clearInterval(link.watch);
        this.link = undefined;
        reject(new SimulatorGone(link.failed));
        for (const { onEnd } of debuggers.values()) onEnd(link.failed);
        debuggers.clear();
        connection.dispose();
        process_.child?.kill('SIGKILL');
        process_.socket?.destroy();
      },
    };
    onNotification(connection, 'run/progress', (params) => {
      const progress = params as RunProgress;
      this.progress.get(progress?.token)?.(progress);
    });
    onNotification(connection, 'debug/message', (params) => {
      const { session, message } = incoming(() => checkedParams('DebugMessage', params)) ?? NO_MESSAGE;
      debuggers.get(session)?.onMessage(message);
    });
    onNotification(connection, 'debug/end', (params) => {
      const end = incoming(() => checkedParams('DebugEnd', params));
      const listener = end && debuggers.get(end.session);
      if (!listener) return;
      debuggers.delete(end.session);
      listener.onEnd(end.reason);
    });
    connection.onClose(() => {
      const closed = (): void => link.fail('it has closed the connection');
      // A process that is about to end says more by how it ended.
      if (process_.child) setTimeout(closed, LAST_WORDS).unref();
      else closed();
    });
    connection.listen();
    return link;
  }

  /** One that is asked something must at least say that it is alive. */
  private keepWatch(link: Link): void {
    if (link.watch) return;
    const patience = this.options.patience ?? PATIENCE;
    let heard = Date.now();
    let asking = false;
    link.watch = setInterval(() => {
      const idle = link.pending === 0 && link.debuggers.size === 0;
      if (!asking) heard = Date.now();
      else if (Date.now() - heard > patience) {
        link.fail(`it has not answered for ${Math.round(patience / 1000)} s, and was ended`);
        return;
      }
      if (idle || asking) return;
      asking = true;
      heard = Date.now();
      link.connection.sendRequest('status', {}).then(
        () => {
          asking = false;
        },
        () => {},
      );
    }, patience / 4);
    link.watch.unref();
  }
}

let runs = 0;
const NEVER: CancellationToken = new CancellationTokenSource().token;
const NO_MESSAGE: DebugMessage = { session: -1, message: {} };

/** What a simulator sends in another shape is left out. */
function incoming<T>(check: () => T): T | undefined {
  try {
    return check();
  } catch (error) {
    if (error instanceof ResponseError || error instanceof ShapeError) return undefined;
    throw error;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Whether an answer says that the request was cancelled. */
export const isCancelled = (error: unknown): boolean =>
  error instanceof ResponseError && error.code === SimulatorErrors.cancelled;
