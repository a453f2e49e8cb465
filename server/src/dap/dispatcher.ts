/**
 * Requests of the Debug Adapter Protocol, each to its handler. Answers go in the order in which handlers finish; whatever a
 * handler throws is an answer as well, and so is a request that nobody handles.
 */
import { Event, Response } from '@vscode/debugadapter/lib/messages.js';
import { ProtocolServer } from '@vscode/debugadapter/lib/protocol.js';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { ShapeError } from '../simulator/backend/checked.js';
import { badArguments, DebugError, internalError, unknownRequest } from './errors.js';

/** What is to happen behind an answer: events that must come after it. */
export class Answer<Body> {
  constructor(
    readonly body: Body,
    readonly after: () => void,
  ) {}
}

type Handler = (args: unknown) => unknown;

export class Dispatcher extends ProtocolServer {
  private readonly handlers = new Map<string, Handler>();
  private ended = false;

  /** @param handler gives the answer's body, or an `Answer`; what it throws is the answer too */
  handle<Args, Body>(
    command: string,
    handler: (args: Args) => Body | Answer<Body> | Promise<Body | Answer<Body>>,
  ): void {
    this.handlers.set(command, handler as Handler);
  }

  handles(command: string): boolean {
    return this.handlers.has(command);
  }

  event(name: string, body?: object): void {
    if (!this.ended) this.sendEvent(new Event(name, body));
  }

  /** Nothing is sent any more. */
  end(): void {
    this.ended = true;
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    void this.answer(request);
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const { command } = request;
    const response: DebugProtocol.Response = new Response(request);
    let after: (() => void) | undefined;
    try {
      const handler = this.handlers.get(command);
      if (!handler) throw unknownRequest(command);
      // A handler that needs no waiting is answered at once, before the next request is looked at.
      const given = handler(request.arguments ?? {});
      const body = given instanceof Promise ? await given : given;
      if (body instanceof Answer) after = body.after;
      const content = body instanceof Answer ? body.body : body;
      if (content !== undefined) response.body = content;
    } catch (error) {
      const known = errorOf(command, error);
      response.success = false;
      response.message = known.message;
      response.body = known.body;
    }
    if (this.ended) return;
    this.sendResponse(response);
    after?.();
  }
}

function errorOf(command: string, error: unknown): DebugError {
  if (error instanceof DebugError) return error;
  if (error instanceof ShapeError) return badArguments(command, error.message);
  return internalError(command, error);
}
