/** Where a simulator that somebody else has started listens: the setting `gmemLens.simulator.address`. */

export interface Address {
  host: string;
  port: number;
}

const LOOPBACK = '127.0.0.1';

/** `4711`, `localhost:4711`, `[::1]:4711`; without a host the own machine. @throws Error saying what is wrong */
export function parseAddress(text: string): Address {
  const match = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]]+)):)?(\d+)$/.exec(text.trim());
  const port = Number(match?.[3]);
  if (!match || port < 1 || port > 65535)
    throw new Error(`“${text}” is no address of a simulator: give PORT or HOST:PORT, such as 127.0.0.1:4711`);
  return { host: match[1] ?? match[2] ?? LOOPBACK, port };
}
