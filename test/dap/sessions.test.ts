/** Sessions beside each other, and their ends: nobody's death is silent, nothing is left behind. */
import { execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DapClient } from '../support/dap-client.js';

const clients: DapClient[] = [];
const newClient = (args: readonly string[] = []): DapClient => {
  const client = new DapClient(args);
  clients.push(client);
  return client;
};

afterEach(() => {
  for (const client of clients.splice(0)) client.kill();
});

const scenario = 'punch-hole-private-page';

/** Processes that a process has started. */
const childrenOf = (pid: number): number[] =>
  execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(Number)
    // `ps` itself is none of ours.
    .filter((child) => isAlive(child));

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('two sessions at one simulator don’t mix', async () => {
  const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');
  const server = spawn(process.execPath, [cli, 'simulator', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    const address = await new Promise<string>((resolve) =>
      server.stderr.on('data', (data: Buffer) => resolve(/listening on (\S+)/.exec(String(data))?.[1] ?? '')),
    );
    const [one, two] = [newClient(['--simulator', address]), newClient(['--simulator', address])];
    await Promise.all([one.launch({ scenario }), two.launch({ scenario: 'rmp-in-set-attributes' })]);
    const before = await two.stack(1);
    for (let i = 0; i < 5; i++) await one.move('stepIn');
    expect(await two.stack(1)).toEqual(before);
    const [stop] = await Promise.all([two.move('continue'), one.move('continue')]);
    expect(stop).toMatchObject({ reason: 'exception' });
    await one.disconnect();
    expect((await two.stack(stop.threadId)).length).toBeGreaterThan(1);
  } finally {
    server.kill('SIGKILL');
  }
});

test('a simulator that dies ends the session with a message, and every request has an answer', async () => {
  const client = newClient();
  await client.launch({ scenario });
  const [simulator] = childrenOf(client.process.pid!);
  process.kill(simulator!, 'SIGKILL');
  const output = await client.event<{ category: string; output: string }>('output');
  expect(output.category).toBe('important');
  expect(output.output).toMatch(/simulator is gone: its process has ended \(signal SIGKILL\)/);
  await client.event('terminated');
  const after = await client.ask('stackTrace', { threadId: 1 });
  expect(after).toMatchObject({ success: false, message: expect.stringContaining('SIGKILL') });
  await client.disconnect();
  expect((await newClient().launch({ scenario })).reason).toBe('entry');
});

test('an adapter that is killed, or left by its client, leaves no process behind', async () => {
  const killed = newClient();
  await killed.launch({ scenario });
  const [first] = childrenOf(killed.process.pid!);
  killed.process.kill('SIGKILL');
  await killed.exit();
  await expect.poll(() => isAlive(first!), { timeout: 10_000 }).toBe(false);
  const left = newClient();
  await left.launch({ scenario });
  const [second] = childrenOf(left.process.pid!);
  left.process.stdin.end();
  expect(await left.exit()).toBe(0);
  await expect.poll(() => isAlive(second!), { timeout: 10_000 }).toBe(false);
});

test('on a port each connection is a session', async () => {
  const client = newClient(['--port', '0']);
  const port = await new Promise<number>((resolve) =>
    client.process.stderr.on('data', (data: Buffer) =>
      resolve(Number(/listening on 127\.0\.0\.1:(\d+)/.exec(String(data))?.[1])),
    ),
  );
  const json = JSON.stringify({ seq: 1, type: 'request', command: 'initialize', arguments: {} });
  const answers = [0, 1].map(
    () =>
      new Promise<string>((resolve) => {
        const socket = connect(port, '127.0.0.1', () =>
          socket.write(`Content-Length: ${json.length}\r\n\r\n${json}`),
        );
        let answer = '';
        socket.on('data', (data: Buffer) => {
          answer += data;
          if (!answer.endsWith('}}')) return;
          socket.destroy();
          resolve(answer);
        });
      }),
  );
  for (const answer of await Promise.all(answers)) expect(answer).toContain('"supportsStepBack":true');
});
