/** The simulator's side of the protocol: one connection, its runs and its debug sessions. */
import {
  type CancellationToken,
  CancellationTokenSource,
  type MessageConnection,
  ResponseError,
} from 'vscode-jsonrpc/node';
import manifest from '../../../package.json' with { type: 'json' };
import { DebugSession } from '../dap/session.js';
import { NotFound, ScenarioProblems, type SimulatorFiles } from '../simulator/backend/prepare.js';
import {
  type InitializeResult,
  PROTOCOL_VERSION,
  type ScenariosParams,
  type ScenariosResult,
  SimulatorErrors,
} from '../simulator/backend/protocol.js';
import { summarise } from '../simulator/backend/summaries.js';
import { NotRunnable } from '../simulator/scenario/runnable.js';
import {
  checkedParams,
  notify,
  onNotification,
  onRequest,
  type RequestName,
  type Result,
} from './connection.js';
import { Cancelled, type Runs } from './runs.js';
import { scenarioFilesBelow } from './scenario-search.js';

/** What a process has once, whoever connects. */
export interface Shared {
  readonly files: SimulatorFiles;
  readonly runs: Runs;
}

/** @returns resolves when the client has gone, and nothing of it goes on */
export function serveConnection(connection: MessageConnection, shared: Shared): Promise<void> {
  const served = new ServedConnection(connection, shared);
  connection.listen();
  return served.closed;
}

class ServedConnection {
  readonly closed: Promise<void>;
  private initialized = false;
  private sessions = new Map<number, DebugSession>();
  private nextSession = 1;
  /** Of all runs of this client. */
  private cancelAll = new CancellationTokenSource();

  constructor(
    private readonly connection: MessageConnection,
    private readonly shared: Shared,
  ) {
    this.answer('initialize', (params) => this.initialize(params));
    this.answer('scenarios', (params) => this.scenarios(checkedParams('ScenariosParams', params)));
    this.answer('run', (params, token) => this.run(params, token));
    this.answer('debug/start', (params) => this.startDebugging(params));
    this.answer('status', () => ({
      ...shared.runs.status,
      sessions: this.sessions.size,
      memory: process.memoryUsage().rss,
    }));
    this.answer('shutdown', () => {
      this.stopAll();
      return null;
    });
    onNotification(connection, 'debug/message', (params) => {
      const { session, message } = checkedParams('DebugMessage', params);
      const of = this.sessions.get(session);
      if (of) of.receive(message);
      else notify(connection, 'debug/end', { session, reason: `There is no debug session ${session}.` });
    });
    onNotification(connection, 'debug/end', (params) => {
      const { session } = checkedParams('DebugEnd', params);
      this.sessions.get(session)?.dispose();
      this.sessions.delete(session);
    });
    this.closed = new Promise((resolve) => {
      connection.onClose(() => {
        this.stopAll();
        resolve();
      });
    });
  }

  private stopAll(): void {
    this.cancelAll.cancel();
    this.cancelAll = new CancellationTokenSource();
    for (const session of this.sessions.values()) session.dispose();
    this.sessions.clear();
  }

  /** Errors of ours become answers with a code. */
  private answer<Name extends RequestName>(
    name: Name,
    handler: (params: unknown, token: CancellationToken) => Result<Name> | Promise<Result<Name>>,
  ): void {
    onRequest(this.connection, name, async (params, token) => {
      if (name !== 'initialize' && !this.initialized)
        throw new ResponseError(SimulatorErrors.notInitialized, '`initialize` comes first.');
      try {
        return await handler(params, token);
      } catch (error) {
        throw asResponse(error);
      }
    });
  }

  private initialize(params: unknown): InitializeResult {
    const { version, client = 'the client' } = checkedParams('InitializeParams', params);
    if (version !== PROTOCOL_VERSION)
      throw new ResponseError(
        SimulatorErrors.version,
        `This simulator (${manifest.version}) speaks version ${PROTOCOL_VERSION} of its protocol, ${client} speaks version ${version}: start the simulator that comes with ${client}.`,
      );
    this.initialized = true;
    return { version: PROTOCOL_VERSION, server: manifest.version, pid: process.pid };
  }

  private async scenarios(params: ScenariosParams): Promise<ScenariosResult> {
    const files = readOnce(this.shared.files);
    const { overlays = {}, library = true } = params;
    const ids = new Map<string, string>();
    for (const name of library ? files.library : []) ids.set(files.scenarioPath(name) ?? name, name);
    for (const path of [...(params.files ?? []), ...(params.folders ?? []).flatMap(scenarioFilesBelow)])
      if (!ids.has(path)) ids.set(path, path);
    const scenarios = [];
    for (const [path, id] of ids) scenarios.push(await summarise(path, id, files, overlays));
    return { scenarios };
  }

  private async run(params: unknown, token: CancellationToken): Promise<Result<'run'>> {
    const checked = checkedParams('RunParams', params);
    const cancel = new CancellationTokenSource();
    const listeners = [token, this.cancelAll.token].map((one) =>
      one.onCancellationRequested(() => cancel.cancel()),
    );
    try {
      return await this.shared.runs.run(checked, cancel.token, (progress) =>
        notify(this.connection, 'run/progress', progress),
      );
    } finally {
      for (const listener of listeners) listener.dispose();
    }
  }

  private startDebugging(params: unknown): Result<'debug/start'> {
    checkedParams('DebugStartParams', params);
    const number = this.nextSession++;
    const session = new DebugSession(this.shared.files, {
      send: (message) => notify(this.connection, 'debug/message', { session: number, message }),
      ended: () => {
        if (this.sessions.delete(number)) notify(this.connection, 'debug/end', { session: number });
      },
    });
    this.sessions.set(number, session);
    return { session: number };
  }
}

/** Each kernel is read once for all of the scenarios of a list. */
function readOnce(files: SimulatorFiles): SimulatorFiles {
  const kernels = new Map<string, ReturnType<SimulatorFiles['kernel']>>();
  return {
    ...files,
    library: files.library,
    kernel: (design, tree, overlays) => {
      let kernel = kernels.get(design);
      if (!kernel) kernels.set(design, (kernel = files.kernel(design, tree, overlays)));
      return kernel;
    },
  };
}

function asResponse(error: unknown): unknown {
  if (error instanceof ScenarioProblems)
    return new ResponseError(SimulatorErrors.notRunnable, error.message, { problems: error.problems });
  if (error instanceof NotRunnable)
    return new ResponseError(SimulatorErrors.notRunnable, `This scenario can't be run: ${error.message}.`, {
      problems: [],
    });
  if (error instanceof NotFound) return new ResponseError(SimulatorErrors.notFound, error.message);
  if (error instanceof Cancelled) return new ResponseError(SimulatorErrors.cancelled, error.message);
  return error;
}
