/** `gmem-lens simulator`: the process that runs scenarios, over stdin and stdout or on a port of the own machine. */
import { connectionOver } from './connection.js';
import { filesOnDisk } from './files.js';
import { Runs } from './runs.js';
import { type Shared, serveConnection } from './server.js';
import { listen } from './socket-server.js';

const shared = (): Shared => ({ files: filesOnDisk, runs: new Runs(filesOnDisk) });

/** Resolves with the exit status when the client has gone. */
export async function serveStdio(): Promise<number> {
  await serveConnection(connectionOver(process.stdin, process.stdout), shared());
  return 0;
}

export function serveOnPort(port: number): Promise<never> {
  const all = shared();
  return listen('gmem-lens simulator', port, (socket) => {
    void serveConnection(connectionOver(socket, socket), all);
  });
}
