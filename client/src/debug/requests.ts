/** Our own requests to the debug adapter, typed. */
import type * as vscode from 'vscode';
import type { GmemRequests } from '../protocol.ts';

export function askSession<M extends keyof GmemRequests>(
  session: vscode.DebugSession,
  method: M,
  args: GmemRequests[M]['arguments'],
): Thenable<GmemRequests[M]['body']> {
  return session.customRequest(method, args);
}
