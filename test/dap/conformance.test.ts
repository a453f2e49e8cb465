/**
 * Whole sessions with a real adapter, recorded: every request that it claims to know is in one of them. After a wanted
 * change `npx vitest run -u test/dap/conformance.test.ts` writes them anew: read what changed.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { afterAll, afterEach, expect, test } from 'vitest';
import { CAPABILITIES } from '../../server/src/dap/capabilities.ts';
import { DapClient } from '../support/dap-client.js';
import { kernel, recording } from './recording.js';

const folder = join(import.meta.dirname, 'recordings');
const guestMemfd = join(kernel, 'virt/kvm/guest_memfd.c');
const scenarioFile = join(kernel, '../../scenarios/punch-hole-private-page.yaml');

let client: DapClient;
const asked = new Set<string>();

afterEach(() => client.kill());

function lineOf(path: string, text: string): number {
  const at = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(text));
  if (at < 0) throw new Error(`${text} is not in ${path}`);
  return at + 1;
}

async function record(name: string, session: (client: DapClient) => Promise<void>): Promise<void> {
  client = new DapClient();
  await session(client);
  for (const message of client.log)
    if (message.type === 'request') asked.add((message as DebugProtocol.Request).command);
  await expect(recording(client.log)).toMatchFileSnapshot(join(folder, `${name}.txt`));
}

const punch = { scenario: 'punch-hole-private-page' };

test('from the launch to the end', () =>
  record('lifecycle', async (dap) => {
    await dap.launch(punch);
    await dap.request('threads');
    await dap.request('stackTrace', { threadId: 1 });
    await dap.move('continue');
    await dap.request('continue', { threadId: 1 });
    await dap.event('terminated');
    await dap.event('exited');
    await dap.disconnect();
  }));

test('without debugging', () =>
  record('no-debug', async (dap) => {
    await dap.request('initialize', { adapterID: 'gmem' });
    await dap.request('launch', { scenario: 'rmp-in-set-attributes', noDebug: true });
    await dap.request('configurationDone');
    await dap.event('terminated');
    await dap.event('exited');
    await dap.disconnect();
  }));

test('breakpoints are bound, moved or refused, at once and with the reason', () =>
  record('breakpoints', async (dap) => {
    const begin = lineOf(guestMemfd, 'static long kvm_gmem_punch_hole(');
    const call = lineOf(guestMemfd, 'truncate_inode_pages_range(mapping, offset');
    await dap.launch(punch, async () => {
      await dap.request('setBreakpoints', {
        source: { path: guestMemfd },
        breakpoints: [{ line: call }, { line: begin - 1 }, { line: call + 1 }, { line: 100_000 }],
      });
      await dap.request('setBreakpoints', { source: { path: '/etc/passwd' }, breakpoints: [{ line: 1 }] });
      await dap.request('setFunctionBreakpoints', {
        breakpoints: [{ name: 'kvm_gmem_get_pfn' }, { name: 'mutex_lock' }, { name: 'no_such' }],
      });
      await dap.request('breakpointLocations', { source: { path: guestMemfd }, line: begin, endLine: call });
    });
    await dap.move('continue');
    await dap.move('continue');
    await dap.disconnect();
  }));

test('conditions, hit counts, logpoints, and lines of the scenario', () =>
  record('conditions', async (dap) => {
    const line = lineOf(guestMemfd, 'truncate_inode_pages_range(mapping, offset');
    const set = (more: object) =>
      dap.request('setBreakpoints', { source: { path: guestMemfd }, breakpoints: [{ line, ...more }] });
    const write = lineOf(scenarioFile, 'allocate:');
    await dap.launch(punch, async () => {
      await set({ logMessage: 'offset {offset}, length {len + 1}, {nothing}' });
      await dap.request('setBreakpoints', { source: { path: scenarioFile }, breakpoints: [{ line: write }] });
      await dap.request('setFunctionBreakpoints', {
        breakpoints: [
          { name: 'kvm_gmem_get_pfn', hitCondition: '2' },
          { name: 'kvm_gmem_get_folio', condition: 'index == 12345' },
          { name: 'kvm_gmem_fallocate', condition: 'no_such_variable' },
          { name: 'kvm_gmem_punch_hole', hitCondition: 'often' },
        ],
      });
    });
    await dap.move('continue');
    await dap.move('continue');
    await dap.move('continue');
    await dap.disconnect();
  }));

test('stepping, forward and back', () =>
  record('stepping', async (dap) => {
    await dap.launch({ ...punch, stopAtFunction: 'kvm_gmem_punch_hole' });
    const threadId = 2;
    const top = async (): Promise<void> => {
      await dap.request('stackTrace', { threadId, startFrame: 0, levels: 1 });
    };
    for (const command of ['next', 'next', 'stepIn', 'stepOut', 'stepBack', 'stepBack', 'reverseContinue']) {
      await dap.move(command, { threadId });
      await top();
    }
    await dap.move('stepIn', { threadId: 3, singleThread: true });
    await dap.move('next', { threadId: 1, granularity: 'statement' });
    await dap.request('pause', { threadId: 1 });
    await dap.event('stopped');
    await dap.disconnect();
  }));

test('data breakpoints on the machine and on the C', () =>
  record('data-breakpoints', async (dap) => {
    await dap.launch({ ...punch, stopAtFunction: 'kvm_gmem_get_pfn' });
    const [top] = await dap.stack(1);
    const info = (args: object) =>
      dap.request<DebugProtocol.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', args);
    await info({ name: '$rmp(0x105)', frameId: top!.id });
    await info({ name: 'attribute 0x203' });
    await info({ name: 'kvm', frameId: top!.id });
    await info({ name: '*kvm', frameId: top!.id });
    const kvm = await info({ name: 'kvm->mmu_invalidate_in_progress', frameId: top!.id });
    await dap.request('setDataBreakpoints', {
      breakpoints: [
        { dataId: 'rmp 0x105' },
        { dataId: kvm.dataId },
        { dataId: 'moon' },
        { dataId: 'rmp 0x106', accessType: 'read' },
      ],
    });
    for (let i = 0; i < 4; i++) await dap.move('continue');
    await dap.move('reverseContinue');
    await dap.disconnect();
  }));

test('a hazard is an exception', () =>
  record('hazards', async (dap) => {
    await dap.launch({ scenario: 'rmp-in-set-attributes' }, () =>
      dap.request('setExceptionBreakpoints', { filters: ['sleeping-while-atomic', 'sunshine'] }),
    );
    const { threadId } = await dap.move('continue');
    await dap.request('exceptionInfo', { threadId });
    await dap.request('gmem/explain', {});
    await dap.move('stepBack', { threadId });
    await dap.ask('exceptionInfo', { threadId });
    await dap.request('setExceptionBreakpoints', { filters: ['deadlock'] });
    await dap.move('continue');
    await dap.disconnect();
  }));

test('variables, expressions, and changes of them', () =>
  record('variables', async (dap) => {
    await dap.launch({ ...punch, stopAtFunction: 'kvm_gmem_get_pfn' });
    const frame = await dap.stack(1);
    const frameId = frame[0]!.id;
    const scopes = await dap.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId });
    for (const { variablesReference } of scopes.scopes) await dap.variables(variablesReference);
    const slot = (await dap.variables(scopes.scopes[0]!.variablesReference)).find(
      ({ name }) => name === 'slot',
    );
    await dap.variables(slot!.variablesReference);
    const machine = await dap.variables(scopes.scopes.at(-1)!.variablesReference);
    const pages = machine.find(({ name }) => name === 'Pages');
    await dap.variables(pages!.variablesReference, { filter: 'indexed', start: 1, count: 2 });
    const evaluate = (expression: string, context: string) =>
      dap.ask('evaluate', { expression, frameId, context });
    await evaluate('slot->base_gfn + 1', 'watch');
    await evaluate('*slot', 'hover');
    await evaluate('$rmp(0x105)', 'watch');
    await evaluate('$gfn(gfn)', 'watch');
    await evaluate('gfn = 3', 'hover');
    await evaluate('nothing', 'watch');
    await evaluate('gfn +', 'repl');
    await evaluate('gfn = gfn + 1', 'repl');
    await evaluate('gfn', 'watch');
    await dap.move('stepBack', { granularity: 'statement' });
    await evaluate('gfn', 'watch');
    const again = (await dap.stack(1))[0]!.id;
    await dap.request('evaluate', { expression: 'gfn', frameId: again, context: 'watch' });
    const now = await dap.request<DebugProtocol.ScopesResponse['body']>('scopes', { frameId: again });
    const { variablesReference } = now.scopes[0]!;
    await dap.request('setVariable', { variablesReference, name: 'gfn', value: '0x204' });
    await dap.ask('setVariable', { variablesReference, name: 'nothing', value: '1' });
    await dap.request('setExpression', { expression: 'gfn', value: '0x203', frameId: again });
    await dap.ask('variables', { variablesReference: slot!.variablesReference });
    await dap.request('loadedSources');
    await dap.disconnect();
  }));

test('restart keeps the breakpoints, terminate ends', () =>
  record('restart', async (dap) => {
    const line = lineOf(guestMemfd, 'truncate_inode_pages_range(mapping, offset');
    await dap.launch(punch, () =>
      dap.request('setBreakpoints', { source: { path: guestMemfd }, breakpoints: [{ line }] }),
    );
    await dap.move('continue');
    await dap.move('restart');
    await dap.request('stackTrace', { threadId: 1 });
    await dap.move('continue');
    await dap.request('terminate');
    await dap.event('terminated');
    await dap.event('exited');
    await dap.disconnect();
  }));

test('what can’t be is refused with a reason, and nothing is silent', () =>
  record('refusals', async (dap) => {
    await dap.request('initialize', { adapterID: 'gmem' });
    for (const command of ['threads', 'continue', 'configurationDone', 'restart', 'gmem/machineView'])
      await dap.ask(command, { threadId: 1 });
    await dap.ask('attach', {});
    await dap.ask('launch', {});
    await dap.ask('launch', { scenario: 'no-such' });
    await dap.ask('launch', { ...punch, variant: 'none' });
    await dap.ask('launch', { ...punch, tree: '/nowhere' });
    await dap.request('launch', punch);
    await dap.ask('launch', punch);
    await dap.request('configurationDone');
    await dap.event('stopped');
    const numbers = { threadId: 9, frameId: 99, variablesReference: 99 };
    for (const command of ['stackTrace', 'next', 'scopes', 'variables', 'exceptionInfo', 'source'])
      await dap.ask(command, numbers);
    await dap.ask('gmem/goTo', { position: 10_000_000 });
    await dap.ask('gmem/goTo', { position: 'x' });
    await dap.ask('gmem/explain', { threadId: 77 });
    for (const command of ['disassemble', 'readMemory', 'writeMemory', 'setInstructionBreakpoints'])
      await dap.ask(command, {});
    await dap.ask('frobnicate', {});
    await dap.disconnect();
  }));

test('the machine map, the time line, and going anywhere', () =>
  record('views', async (dap) => {
    await dap.launch({ ...punch, stopAtFunction: 'kvm_gmem_punch_hole' });
    await dap.request('gmem/machineView', {});
    await dap.request('gmem/machineView', { space: 'host', start: 0x100, pages: 16 });
    await dap.request('gmem/machineView', { cell: 512 });
    await dap.request('gmem/timeline', {});
    await dap.request('gmem/changes', { gfn: 0x203 });
    await dap.request('gmem/changes', { pfn: 0x105, limit: 2 });
    await dap.request('gmem/explain', {});
    await dap.request('gmem/goTo', { position: 0 });
    await dap.event('stopped');
    await dap.request('gmem/machineView', {});
    await dap.disconnect();
  }));

test('as nvim-dap does it', () =>
  record('nvim-dap', async (dap) => {
    await dap.request('initialize', {
      clientID: 'neovim',
      clientName: 'neovim',
      adapterID: 'gmem',
      locale: 'en_US.UTF-8',
      linesStartAt1: true,
      columnsStartAt1: true,
      pathFormat: 'path',
      supportsRunInTerminalRequest: true,
      supportsVariableType: true,
      supportsProgressReporting: true,
      supportsStartDebuggingRequest: true,
    });
    const config = { type: 'gmem', request: 'launch', name: 'Punch a hole', ...punch, stopOnEntry: false };
    const launched = dap.request('launch', config);
    await dap.event('initialized');
    const line = lineOf(guestMemfd, 'truncate_inode_pages_range(mapping, offset');
    await dap.request('setBreakpoints', {
      source: { name: 'guest_memfd.c', path: guestMemfd },
      sourceModified: false,
      breakpoints: [{ line }],
      lines: [line],
    });
    await dap.request('setExceptionBreakpoints', { filters: ['all'] });
    await dap.request('configurationDone');
    await launched;
    const stop = await dap.event<{ threadId: number }>('stopped');
    await dap.request('threads');
    const [top] = await dap.stack(stop.threadId);
    const { scopes } = await dap.request<DebugProtocol.ScopesResponse['body']>('scopes', {
      frameId: top!.id,
    });
    for (const { expensive, variablesReference } of scopes)
      if (!expensive) await dap.variables(variablesReference);
    await dap.move('next', { threadId: stop.threadId, granularity: 'statement' });
    await dap.request('threads');
    await dap.stack(stop.threadId);
    await dap.request('disconnect', { restart: false, terminateDebuggee: true });
    await dap.exit();
  }));

/** What makes a client send a request, where the two don't have the same name. */
const REQUESTS: Readonly<Record<string, string>> = {
  supportsConditionalBreakpoints: 'setBreakpoints',
  supportsHitConditionalBreakpoints: 'setBreakpoints',
  supportsLogPoints: 'setBreakpoints',
  supportsFunctionBreakpoints: 'setFunctionBreakpoints',
  supportsDataBreakpoints: 'setDataBreakpoints',
  supportsBreakpointLocationsRequest: 'breakpointLocations',
  supportsEvaluateForHovers: 'evaluate',
  supportsClipboardContext: 'evaluate',
  supportsSteppingGranularity: 'stepIn',
  supportsSingleThreadExecutionRequests: 'next',
  supportsDelayedStackTraceLoading: 'stackTrace',
  exceptionBreakpointFilters: 'setExceptionBreakpoints',
};

afterAll(() => {
  const claimed = Object.keys(CAPABILITIES).map((name) => {
    const own = name.replace(/^supports/, '').replace(/Request$/, '');
    return REQUESTS[name] ?? `${own[0]!.toLowerCase()}${own.slice(1)}`;
  });
  expect(claimed.filter((command) => !asked.has(command))).toEqual([]);
});
