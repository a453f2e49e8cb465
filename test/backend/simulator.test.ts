/** The simulator's process: what it answers, that it can be stopped, and that nothing of it is left behind. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { CancellationTokenSource, ResponseError } from 'vscode-jsonrpc/node';
import { parseAddress } from '../../server/src/backend/address.ts';
import { isCancelled, Simulator, SimulatorGone } from '../../server/src/backend/client.ts';
import { connectionOver } from '../../server/src/backend/connection.ts';
import { PROTOCOL_VERSION, SimulatorErrors } from '../../server/src/simulator/backend/protocol.ts';

const root = join(import.meta.dirname, '..', '..');
const program = join(root, 'dist', 'simulator.js');
const kernel = join(root, 'server', 'kernels', 'guest-memfd');
const guestMemfd = join(kernel, 'virt/kvm/guest_memfd.c');
const punch = 'truncate_inode_pages_range(mapping, offset, offset + len - 1);';

/** The file with a loop that never ends before it frees pages. */
const endless = (): string => {
  const text = readFileSync(guestMemfd, 'utf8');
  expect(text).toContain(punch);
  return text.replace(punch, `for (;;)\n\t\tlen++;\n\t${punch}`);
};

const simulators: Simulator[] = [];
const processes: { kill(signal: 'SIGKILL'): unknown }[] = [];

afterEach(async () => {
  for (const simulator of simulators.splice(0)) await simulator.dispose();
  for (const one of processes.splice(0)) one.kill('SIGKILL');
});

function newSimulator(address?: string): Simulator {
  const simulator = new Simulator({ client: 'a test', program, address });
  simulators.push(simulator);
  return simulator;
}

/** A process with a connection to it, not yet initialised. */
function bare() {
  const child = spawn(process.execPath, [program, '--stdio'], { stdio: ['pipe', 'pipe', 'inherit'] });
  processes.push(child);
  const connection = connectionOver(child.stdout, child.stdin);
  connection.listen();
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return { child, connection, exited };
}

async function errorOf(promise: Promise<unknown>): Promise<ResponseError<unknown>> {
  const error = await promise.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(ResponseError);
  return error as ResponseError<unknown>;
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('nothing is answered before initialize, and another version is refused by both numbers', async () => {
  const { connection } = bare();
  expect((await errorOf(connection.sendRequest('status', {}))).code).toBe(SimulatorErrors.notInitialized);
  const wrong = await errorOf(connection.sendRequest('initialize', { version: 99, client: 'vim' }));
  expect(wrong.code).toBe(SimulatorErrors.version);
  expect(wrong.message).toMatch(new RegExp(`version ${PROTOCOL_VERSION} .*, vim speaks version 99`));
  const shapeless = await errorOf(connection.sendRequest('initialize', { version: 'one' }));
  expect(shapeless.message).toBe('version must be integer');
  await connection.sendRequest('initialize', { version: PROTOCOL_VERSION });
  expect(await connection.sendRequest('status', {})).toMatchObject({
    running: null,
    waiting: 0,
    sessions: 0,
  });
  expect((await errorOf(connection.sendRequest('nothing', {}))).code).toBe(-32601);
});

test('scenarios are listed with their places, variants, refusals and problems', async () => {
  const broken = '/nowhere/broken.gmem.yaml';
  const { scenarios } = await newSimulator().request('scenarios', {
    files: [broken],
    overlays: { [broken]: 'scenario: Broken\nplatform: moon\nmemory: 1G\nactors: {}\n' },
  });
  const found = scenarios.find(({ id }) => id === 'rmp-in-set-attributes');
  expect(found).toMatchObject({ bundled: true, rows: ['A3', 'A6'], problems: [], refusals: [] });
  expect(found?.range.line).toBe(1);
  const text = readFileSync(found!.path, 'utf8').split('\n');
  const [variant] = found!.variants;
  expect(text[variant!.range.line - 1]).toContain(`${variant!.name}:`);
  const wrong = scenarios.find(({ path }) => path === broken);
  expect(wrong).toMatchObject({ id: broken, bundled: false });
  expect(wrong?.problems[0]).toMatchObject({ file: broken, line: 2 });
});

test('a run gives its result, its coverage, and the functions it went through', async () => {
  const answer = await newSimulator().run({ scenario: 'rmp-in-set-attributes' });
  expect(answer.result).toMatchObject({ outcome: 'violation', passed: true, design: 'guest-memfd' });
  expect(answer.result.hazards[0]).toMatchObject({ kind: 'sleeping-while-atomic', row: 'A6' });
  expect(answer.root).toBe(kernel);
  const { functions, lines } = answer;
  expect(functions.map((one) => one.function)).toContain('kvm_vm_ioctl_set_mem_attributes');
  const { executed, missed } = lines['virt/kvm/kvm_main.c']!;
  expect(executed.length).toBeGreaterThan(50);
  expect(missed.length).toBeGreaterThan(0);
  expect(executed.filter((line) => missed.includes(line))).toEqual([]);
});

test('a variant, an unsaved C file and an unsaved scenario change the run', async () => {
  const simulator = newSimulator();
  const variant = await simulator.run({ scenario: 'rmp-in-set-attributes@hook-get-pfn' });
  expect(variant.result).toMatchObject({ outcome: 'ok', variant: 'hook-get-pfn' });
  const leaky = readFileSync(guestMemfd, 'utf8').replace(punch, '');
  const edited = await simulator.run({
    scenario: 'punch-hole-private-page',
    overlays: { [guestMemfd]: leaky },
  });
  expect(edited.result.passed).toBe(false);
  const path = join(root, 'server/scenarios/punch-hole-private-page.yaml');
  const quiet = readFileSync(path, 'utf8').replace(/^expect:[\s\S]*/m, 'expect: {outcome: violation}\n');
  const other = await simulator.run({ scenario: path, overlays: { [path]: quiet } });
  expect(other.result).toMatchObject({ outcome: 'ok', passed: false });
  expect(other.result.expectations.find(({ ok }) => !ok)?.at?.file).toBe(path);
});

test('what is not there, or can’t be run, is said with what there is', async () => {
  const simulator = newSimulator();
  const none = await errorOf(simulator.run({ scenario: 'no-such' }));
  expect(none.code).toBe(SimulatorErrors.notFound);
  expect(none.message).toContain('punch-hole-private-page');
  const variant = await errorOf(simulator.run({ scenario: 'rmp-in-set-attributes', variant: 'x' }));
  expect(variant.message).toContain('hook-get-pfn');
  const tree = await errorOf(simulator.run({ scenario: 'rmp-in-set-attributes', tree: '/nowhere' }));
  expect(tree.message).toContain('/nowhere is no kernel tree');
});

test('a run that never ends tells how far it is, leaves room for messages, and is cancelled', async () => {
  const simulator = newSimulator();
  const cancel = new CancellationTokenSource();
  const overlays = { [guestMemfd]: endless() };
  const steps: number[] = [];
  let told: () => void = () => {};
  const twice = new Promise<void>((resolve) => {
    told = resolve;
  });
  const run = simulator.run(
    { scenario: 'punch-hole-private-page', overlays, maxSteps: 1_000_000_000 },
    (progress) => {
      steps.push(progress.steps);
      if (steps.length === 2) told();
    },
    cancel.token,
  );
  const ended = run.catch((error: unknown) => error);
  const next = simulator.run({ scenario: 'rmp-in-set-attributes@hook-get-pfn' });
  await twice;
  expect(steps[1]).toBeGreaterThan(steps[0]!);
  expect(await simulator.request('status', {})).toMatchObject({
    running: { scenario: 'punch-hole-private-page' },
    waiting: 1,
  });
  cancel.cancel();
  expect(isCancelled(await ended)).toBe(true);
  expect((await next).result.outcome).toBe('ok');
});

test('a client that vanishes leaves nothing running', async () => {
  const { child, connection, exited } = bare();
  await connection.sendRequest('initialize', { version: PROTOCOL_VERSION });
  const progress = new Promise((resolve) => connection.onNotification('run/progress', resolve));
  connection
    .sendRequest('run', {
      scenario: 'punch-hole-private-page',
      overlays: { [guestMemfd]: endless() },
      maxSteps: 1_000_000_000,
      token: 'x',
    })
    .catch(() => {});
  await progress;
  child.stdin.destroy();
  child.stdout.destroy();
  expect(await exited).toBe(0);
  expect(isAlive(child.pid!)).toBe(false);
});

test('a simulator that dies is a message, and the next request has a fresh one', async () => {
  const simulator = newSimulator();
  const run = simulator.run(
    { scenario: 'punch-hole-private-page', overlays: { [guestMemfd]: endless() }, maxSteps: 1_000_000_000 },
    () => process.kill(pid, 'SIGKILL'),
  );
  const ended = run.catch((error: unknown) => error);
  const pid = await pidOf(simulator);
  const error = await ended;
  expect(error).toBeInstanceOf(SimulatorGone);
  expect((error as Error).message).toContain('signal SIGKILL');
  expect((await simulator.run({ scenario: 'rmp-in-set-attributes' })).result.passed).toBe(true);
  expect(await pidOf(simulator)).not.toBe(pid);
});

/** A started simulator says its number when it is asked once more. */
async function pidOf(simulator: Simulator): Promise<number> {
  const { pid } = await simulator.request('initialize', { version: PROTOCOL_VERSION });
  return pid;
}

test('one on a port serves several clients, and outlives them', async () => {
  const child = spawn(process.execPath, [join(root, 'dist/cli.js'), 'simulator', '--port', '0'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  processes.push(child);
  const address = await new Promise<string>((resolve) =>
    child.stderr.on('data', (data: Buffer) =>
      resolve(/listening on (127\.0\.0\.1:\d+)/.exec(String(data))?.[1] ?? ''),
    ),
  );
  const [first, second] = [newSimulator(address), newSimulator(address)];
  const scenario = 'rmp-in-set-attributes';
  const answers = await Promise.all([first.run({ scenario }), second.run({ scenario })]);
  expect(answers.map(({ result }) => result.outcome)).toEqual(['violation', 'violation']);
  await first.dispose();
  expect((await second.run({ scenario })).result.steps).toBe(answers[0].result.steps);
  child.kill('SIGKILL');
  const gone = await second.run({ scenario }).catch((error: unknown) => error);
  expect(gone).toBeInstanceOf(SimulatorGone);
});

test('addresses have a port, and the own machine if they name none', () => {
  expect(parseAddress('4711')).toEqual({ host: '127.0.0.1', port: 4711 });
  expect(parseAddress('localhost:80')).toEqual({ host: 'localhost', port: 80 });
  expect(parseAddress('[::1]:9')).toEqual({ host: '::1', port: 9 });
  for (const wrong of ['', 'host', ':1', '127.0.0.1:0', '127.0.0.1:70000', 'a b:1'])
    expect(() => parseAddress(wrong)).toThrow(/is no address of a simulator/);
});
