/** JSON-RPC over two streams, with the protocol's messages by name and type. */
import type { Readable, Writable } from 'node:stream';
import {
  type CancellationToken,
  ConnectionError,
  createMessageConnection,
  type MessageConnection,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import { checked, ShapeError, type Shapes } from '../simulator/backend/checked.js';
import type { SimulatorNotifications, SimulatorRequests } from '../simulator/backend/protocol.js';

export type RequestName = keyof SimulatorRequests;
export type NotificationName = keyof SimulatorNotifications;
export type Params<Name extends RequestName> = SimulatorRequests[Name]['params'];
export type Result<Name extends RequestName> = SimulatorRequests[Name]['result'];

/** JSON-RPC's own code for parameters of the wrong shape. */
const INVALID_PARAMS = -32602;

/** Errors on the stream itself end in the connection's closing; nobody else is to be told. */
const SILENT = { error: () => {}, warn: () => {}, info: () => {}, log: () => {} };

export function connectionOver(input: Readable, output: Writable): MessageConnection {
  return createMessageConnection(new StreamMessageReader(input), new StreamMessageWriter(output), SILENT);
}

/** @throws ResponseError naming what is wrong */
export function checkedParams<Name extends keyof Shapes>(shape: Name, value: unknown): Shapes[Name] {
  try {
    return checked(shape, value);
  } catch (error) {
    if (error instanceof ShapeError) throw new ResponseError(INVALID_PARAMS, error.message);
    throw error;
  }
}

/**
 * Answers a request. Parameters come as they were sent, `{}` where there were none.
 */
export function onRequest<Name extends RequestName>(
  connection: MessageConnection,
  name: Name,
  handler: (params: unknown, token: CancellationToken) => Result<Name> | Promise<Result<Name>>,
): void {
  connection.onRequest(name, async (...sent: unknown[]): Promise<unknown> => {
    const token = sent.at(-1) as CancellationToken;
    return handler(sent.length > 1 ? sent[0] : {}, token);
  });
}

export function onNotification<Name extends NotificationName>(
  connection: MessageConnection,
  name: Name,
  handler: (params: unknown) => void,
): void {
  connection.onNotification(name, (...sent: unknown[]) => handler(sent[0]));
}

/** A message to one that has gone is no error of ours. */
export function notify<Name extends NotificationName>(
  connection: MessageConnection,
  name: Name,
  params: SimulatorNotifications[Name],
): void {
  try {
    connection.sendNotification(name, params).catch(() => {});
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
  }
}
