/** Listens on the own machine; each connection is served by itself. */
import { createServer, type Socket } from 'node:net';

export const LOOPBACK = '127.0.0.1';

/**
 * Resolves never while it listens; rejects when the port can't be had.
 * @param name said on stderr with the address
 * @param port 0: any that is free
 */
export function listen(name: string, port: number, serve: (socket: Socket) => void): Promise<never> {
  return new Promise((_, reject) => {
    const server = createServer((socket) => {
      // A client that goes away in the middle of a message is gone, not an error.
      socket.on('error', () => socket.destroy());
      serve(socket);
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'somebody else listens there' : error.message;
      reject(new Error(`port ${port} can't be listened on: ${why}`));
    });
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      const actual = typeof address === 'object' && address !== null ? address.port : port;
      process.stderr.write(`${name}: listening on ${LOOPBACK}:${actual}\n`);
    });
  });
}
