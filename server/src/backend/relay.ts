/**
 * `gmem-lens dap`: what a debugger's client says goes to a simulator's process, and what that says comes back. When the
 * process dies the client hears why, no request stays without an answer, and the session is over.
 */
import type { Readable, Writable } from 'node:stream';
import {
  type DataCallback,
  type Message,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import type { DebugChannel, Simulator } from './client.js';

/** The messages of the Debug Adapter Protocol have the same headers as those of JSON-RPC, and other members. */
interface DapMessage {
  seq: number;
  type: string;
  command?: string;
  request_seq?: number;
}

class Relay {
  private readonly writer: StreamMessageWriter;
  private readonly unanswered = new Map<number, string>();
  private channel: Promise<DebugChannel> | undefined;
  private seq = 0;
  private over: string | undefined;
  private resolve: () => void = () => {};
  readonly done = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });

  constructor(
    input: Readable,
    output: Writable,
    private readonly simulator: Simulator,
  ) {
    const reader = new StreamMessageReader(input);
    this.writer = new StreamMessageWriter(output);
    output.on('error', () => this.close());
    reader.onClose(() => this.close());
    reader.onError(() => this.close());
    reader.listen(((message: Message) => this.received(message as unknown as DapMessage)) as DataCallback);
  }

  private received(message: DapMessage): void {
    if (message.type === 'request') this.unanswered.set(message.seq, message.command ?? '');
    if (this.over !== undefined) {
      this.answerMyself();
      return;
    }
    this.channel ??= this.simulator.debug({
      onMessage: (sent) => this.sent(sent as DapMessage),
      onEnd: (reason) => this.ended(reason),
    });
    this.channel.then(
      (channel) => channel.send(message),
      (error: Error) => this.ended(error.message),
    );
  }

  private sent(message: DapMessage): void {
    this.seq = Math.max(this.seq, message.seq);
    if (message.type === 'response') this.unanswered.delete(message.request_seq ?? -1);
    this.write(message);
  }

  private ended(reason: string | undefined): void {
    if (this.over !== undefined) return;
    this.over = reason ?? 'The debug session is over.';
    if (reason === undefined) {
      this.answerMyself();
      this.close();
      return;
    }
    this.answerMyself();
    this.event('output', { category: 'important', output: `${reason}\n` });
    this.event('terminated', {});
  }

  /** The simulator doesn't any more: ending is granted, everything else is an error that says why. */
  private answerMyself(): void {
    for (const [request_seq, command] of this.unanswered) {
      const success = command === 'disconnect' || command === 'terminate';
      this.write({
        seq: ++this.seq,
        type: 'response',
        request_seq,
        command,
        success,
        ...(!success && {
          message: this.over,
          body: { error: { id: 1400, format: this.over, showUser: true } },
        }),
      } as DapMessage);
      if (command === 'disconnect') this.close();
    }
    this.unanswered.clear();
  }

  private event(event: string, body: object): void {
    this.write({ seq: ++this.seq, type: 'event', event, body } as unknown as DapMessage);
  }

  private write(message: DapMessage): void {
    this.writer.write(message as unknown as Message).catch(() => this.close());
  }

  private close(): void {
    this.over ??= 'The debug session is over.';
    void this.channel?.then(
      (channel) => channel.close(),
      () => {},
    );
    this.resolve();
  }
}

/** Resolves when the client has gone, or the session is over. */
export function relayDebugSession(input: Readable, output: Writable, simulator: Simulator): Promise<void> {
  return new Relay(input, output, simulator).done;
}
