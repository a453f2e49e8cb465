/** `gmem-lens lsp --stdio`: the language server for any editor. */
import {
  createConnection,
  ProposedFeatures,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver/node';
import { serve } from './server.js';

/** Resolves with the exit status when the client has gone. */
export function serveStdio(): Promise<number> {
  const connection = createConnection(
    ProposedFeatures.all,
    new StreamMessageReader(process.stdin),
    new StreamMessageWriter(process.stdout),
  );
  serve(connection);
  return new Promise((resolve) => process.stdin.once('close', () => resolve(0)));
}
