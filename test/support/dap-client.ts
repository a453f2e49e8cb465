/** A debugger's client as small as can be: speaks the protocol to a real `gmem-lens dap` over its stdin and stdout. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');

export interface StoppedBody {
  reason: string;
  description?: string;
  text?: string;
  threadId: number;
  hitBreakpointIds?: number[];
}

export class DapClient {
  readonly process: ChildProcessWithoutNullStreams;
  /** All that came in and went out, in order. */
  readonly log: DebugProtocol.ProtocolMessage[] = [];
  private bytes = Buffer.alloc(0);
  private seq = 1;
  private readonly answers = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly waiting: { event: string; seen: (event: DebugProtocol.Event) => void }[] = [];
  private readonly early: DebugProtocol.Event[] = [];

  constructor(args: readonly string[] = []) {
    this.process = spawn(process.execPath, [cli, 'dap', ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.process.stdout.on('data', (data: Buffer) => this.received(data));
    this.process.stdin.on('error', () => {});
  }

  /** The answer, whether it is an error or not. */
  ask(command: string, args?: object): Promise<DebugProtocol.Response> {
    const request: DebugProtocol.Request = {
      seq: this.seq++,
      type: 'request',
      command,
      ...(args && { arguments: args }),
    };
    this.log.push(request);
    const json = JSON.stringify(request);
    this.process.stdin.write(`Content-Length: ${Buffer.byteLength(json)}\r\n\r\n${json}`);
    return new Promise((resolve) => this.answers.set(request.seq, resolve));
  }

  /** The body of the answer. @throws for an answer that is an error */
  async request<Body = unknown>(command: string, args?: object): Promise<Body> {
    const response = await this.ask(command, args);
    if (!response.success) throw new Error(`${command}: ${response.message}`);
    return response.body as Body;
  }

  /** The next event of a name that nobody has waited for yet. */
  event<Body = unknown>(name: string): Promise<Body> {
    const at = this.early.findIndex(({ event }) => event === name);
    if (at >= 0) return Promise.resolve(this.early.splice(at, 1)[0]!.body as Body);
    return new Promise((resolve) =>
      this.waiting.push({ event: name, seen: ({ body }) => resolve(body as Body) }),
    );
  }

  /** Up to the first stop. */
  async launch(
    config: object,
    breakpoints?: () => Promise<unknown>,
    capabilities: object = {},
  ): Promise<StoppedBody> {
    await this.request('initialize', { adapterID: 'gmem', clientID: 'test', ...capabilities });
    const launched = this.request('launch', config);
    await this.event('initialized');
    await breakpoints?.();
    await this.request('configurationDone');
    await launched;
    return this.event<StoppedBody>('stopped');
  }

  /** A move and the stop that it ends with. */
  async move(command: string, args: object = {}): Promise<StoppedBody> {
    await this.request(command, { threadId: 1, ...args });
    return this.event<StoppedBody>('stopped');
  }

  async stack(threadId = 1): Promise<DebugProtocol.StackFrame[]> {
    const { stackFrames } = await this.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', {
      threadId,
    });
    return stackFrames;
  }

  async scope(frameId: number, name: string): Promise<DebugProtocol.Variable[]> {
    const { scopes } = await this.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    const found = scopes.find((scope) => scope.name === name);
    if (!found) throw new Error(`there is no scope ${name}`);
    return this.variables(found.variablesReference);
  }

  async variables(variablesReference: number, more: object = {}): Promise<DebugProtocol.Variable[]> {
    const { variables } = await this.request<DebugProtocol.VariablesResponse['body']>('variables', {
      variablesReference,
      ...more,
    });
    return variables;
  }

  /** Resolves with the exit status, or the signal. */
  exit(): Promise<number | NodeJS.Signals | null> {
    const { exitCode, signalCode } = this.process;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode ?? signalCode);
    return new Promise((resolve) => this.process.once('exit', (code, signal) => resolve(code ?? signal)));
  }

  async disconnect(): Promise<void> {
    await this.request('disconnect');
    await this.exit();
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }

  private received(data: Buffer): void {
    this.bytes = Buffer.concat([this.bytes, data]);
    for (;;) {
      const end = this.bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.bytes.toString('utf8', 0, end))?.[1]);
      if (this.bytes.length < end + 4 + length) return;
      const message = JSON.parse(this.bytes.toString('utf8', end + 4, end + 4 + length));
      this.bytes = this.bytes.subarray(end + 4 + length);
      this.take(message);
    }
  }

  private take(message: DebugProtocol.ProtocolMessage): void {
    this.log.push(message);
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      this.answers.get(response.request_seq)?.(response);
      return;
    }
    const event = message as DebugProtocol.Event;
    const at = this.waiting.findIndex((one) => one.event === event.event);
    if (at >= 0) this.waiting.splice(at, 1)[0]!.seen(event);
    else this.early.push(event);
  }
}
