/** `gmem-lens dap`: a debug adapter for any client, over stdin and stdout or on a port of the own machine. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Simulator } from './client.js';
import { relayDebugSession } from './relay.js';
import { listen } from './socket-server.js';

export interface AdapterOptions {
  /** Of a simulator that runs already. */
  readonly address?: string | undefined;
}

/** The built simulator, beside the running bundle; where the sources run themselves (tests), that of the last build. */
export function simulatorProgram(): string {
  const here = fileURLToPath(import.meta.url);
  const folder = here.endsWith('.ts') ? join(dirname(here), '..', '..', '..', 'dist') : dirname(here);
  return join(folder, 'simulator.js');
}

function newSimulator({ address }: AdapterOptions): Simulator {
  return new Simulator({
    client: 'gmem-lens dap',
    program: simulatorProgram(),
    address,
    log: (line) => process.stderr.write(`${line}\n`),
  });
}

/** Resolves with the exit status when the session is over. */
export async function debugOverStdio(options: AdapterOptions): Promise<number> {
  const simulator = newSimulator(options);
  await relayDebugSession(process.stdin, process.stdout, simulator);
  await simulator.dispose();
  // An open stdin would keep the process.
  process.stdin.destroy();
  return 0;
}

/** Each connection is a session with a simulator of its own. */
export function debugOnPort(port: number, options: AdapterOptions): Promise<never> {
  return listen('gmem-lens dap', port, (socket) => {
    const simulator = newSimulator(options);
    void relayDebugSession(socket, socket, simulator).then(async () => {
      await simulator.dispose();
      socket.end();
    });
  });
}
