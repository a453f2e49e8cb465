/** Errors that a client is answered with. Each is made here, so that all say what to do, and none is silent. */
import type { DebugProtocol } from '@vscode/debugprotocol';

export class DebugError extends Error {
  constructor(
    readonly id: number,
    message: string,
    /** Whether the client shows it by itself. */
    readonly showUser: boolean,
  ) {
    super(message);
  }

  get body(): { error: DebugProtocol.Message } {
    return { error: { id: this.id, format: this.message, showUser: this.showUser } };
  }
}

export const unknownRequest = (command: string): DebugError =>
  new DebugError(1001, `This debug adapter doesn't know the request “${command}”.`, false);

export const badArguments = (command: string, what: string): DebugError =>
  new DebugError(1002, `${command}: ${what}.`, false);

export const internalError = (command: string, error: unknown): DebugError =>
  new DebugError(1003, `${command} failed inside of the debug adapter: ${messageOf(error)}`, true);

export const notLaunched = (command: string): DebugError =>
  new DebugError(1004, `${command} comes before a scenario was launched.`, false);

export const alreadyLaunched = (): DebugError =>
  new DebugError(1005, 'A scenario was launched already in this session.', false);

export const cannotLaunch = (why: string): DebugError => new DebugError(1100, why, true);

export const attachIsNone = (): DebugError =>
  new DebugError(1101, 'A scenario is launched; there is nothing to attach to.', true);

export const running = (command: string): DebugError =>
  new DebugError(1200, `${command} asks for a stopped simulation: pause it first.`, false);

export const noSuchThread = (id: number): DebugError =>
  new DebugError(1201, `There is no thread ${id}.`, false);

export const staleFrame = (): DebugError =>
  new DebugError(1202, 'This stack frame is gone: the simulation has gone on.', false);

export const staleVariables = (): DebugError =>
  new DebugError(1203, 'These variables are gone: the simulation has gone on.', false);

export const noC = (): DebugError =>
  new DebugError(1204, 'There is no C in this frame: nothing can be evaluated in it.', false);

export const notInC = (why: string): DebugError => new DebugError(1205, why, false);

export const notThere = (what: string): DebugError => new DebugError(1206, what, false);

export const noMachineCode = (command: string): DebugError =>
  new DebugError(
    1300,
    `${command}: the simulator executes C statements; there are no machine instructions, registers or code addresses.`,
    true,
  );

export const notSupported = (command: string, why: string): DebugError =>
  new DebugError(1301, `${command} can't be done: ${why}.`, false);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
