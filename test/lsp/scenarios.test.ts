/** Scenarios in the editor: which pass through a function, running them, what stays at the lens, mistakes in their files. */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CodeLens } from 'vscode-languageserver-protocol/node';
import type { RunAnswer, ScenarioChoice, ScenarioItem } from '../../server/src/lsp/protocol.ts';
import { LspClient, type LspDocument } from '../support/lsp-client.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
const punchHole = 'static long kvm_gmem_punch_hole(';

let tree: string;
let client: LspClient;
let document: LspDocument;

beforeAll(async () => {
  // A copy whose folder says nothing about its design.
  tree = join(await mkdtemp(join(tmpdir(), 'gmem-lens-scenarios-')), 'linux');
  await cp(kernel, tree, { recursive: true, dereference: true });
  client = await LspClient.start({ tree, initializationOptions: { tree, commandLinks: true } });
  document = await client.open('virt/kvm/guest_memfd.c');
});

afterAll(async () => {
  await client?.[Symbol.asyncDispose]();
  await rm(join(tree, '..'), { recursive: true, force: true });
});

async function lensesAbove(text: string): Promise<string[]> {
  const lenses = await document.ask<CodeLens[]>('textDocument/codeLens');
  const { line } = document.positionOf(text);
  return lenses.filter(({ range }) => range.start.line === line).map(({ command }) => command?.title ?? '');
}

const choicesAt = (text: string): Promise<ScenarioChoice[]> =>
  document.ask('gmemLens/scenariosAt', document.positionOf(text));

const run = (scenario: string, variant?: string): Promise<RunAnswer> =>
  client.connection.sendRequest('gmemLens/runScenario', { scenario, variant, on: 'open' });

test('before anything was run, the call graph says which scenarios may pass through', async () => {
  const choices = await choicesAt(punchHole);
  const names = choices.map(({ name }) => name);
  expect(new Set(choices.map(({ how }) => how))).toEqual(new Set(['may']));
  expect(names).toEqual(expect.arrayContaining(['punch-hole-private-page', 'fault-races-punch-hole']));
  // None of its actions calls fallocate(2).
  expect(names).not.toContain('attributes-refused');
  expect(await lensesAbove(punchHole)).toEqual(expect.arrayContaining([`▶ Run (${choices.length})`, 'Step']));
});

test('a case of an ioctl’s dispatcher leads to its own scenarios only', async () => {
  const other = await client.open('virt/kvm/kvm_main.c');
  const ask = (text: string): Promise<ScenarioChoice[]> =>
    other.ask('gmemLens/scenariosAt', other.positionOf(text));
  const names = (await ask('static int kvm_vm_set_mem_attributes(')).map(({ name }) => name);
  expect(names).toContain('rmp-in-set-attributes');
  const without = (await client.connection.sendRequest<ScenarioItem[]>('gmemLens/scenarios')).filter(
    ({ name }) => !names.includes(name),
  );
  expect(without.length).toBeGreaterThan(0);
});

test('a run stays at the lenses of what it went through, and only there', async () => {
  const answer = await run('punch-hole-private-page');
  expect(answer.root).toBe(tree);
  expect(answer.result).toMatchObject({ outcome: 'ok', passed: true });
  expect(answer.functions.map((one) => one.function)).toContain('kvm_gmem_punch_hole');
  expect(await lensesAbove(punchHole)).toContainEqual(
    expect.stringMatching(/^✓ ok · \d+ ms · punch-hole-private-page$/),
  );
  expect((await choicesAt(punchHole)).find(({ name }) => name === 'punch-hole-private-page')?.how).toBe(
    'ran',
  );
  // Calls lead there, but the scenario doesn't.
  expect((await lensesAbove('static long kvm_gmem_allocate(')).join()).not.toContain('✓');
  expect((await choicesAt('static long kvm_gmem_allocate(')).map(({ name }) => name)).not.toContain(
    'punch-hole-private-page',
  );
});

test('an edit makes it stale, and undoing that fresh', async () => {
  const { line } = document.positionOf(punchHole, 'filemap_invalidate_lock(');
  const undo = await document.insertBelow(line, '\tcond_resched();');
  expect(await lensesAbove(punchHole)).toContainEqual(expect.stringMatching(/^stale: ✓ ok/));
  await document.edit(undo);
  expect(await lensesAbove(punchHole)).toContainEqual(expect.stringMatching(/^✓ ok/));
});

test('what is run is the text in the editor', async () => {
  const call = document.positionOf(punchHole, 'kvm_gmem_invalidate_end(');
  const text = document.lines[call.line] ?? '';
  const range = {
    start: { line: call.line, character: 0 },
    end: { line: call.line, character: text.length },
  };
  await document.edit({ range, newText: '' });
  const { result } = await run('punch-hole-private-page');
  expect(result).toMatchObject({ outcome: 'violation', passed: false });
  expect(await lensesAbove(punchHole)).toContainEqual(
    expect.stringMatching(/^✗ violation: .*, not as expected · \d+ ms · punch-hole-private-page$/),
  );
  await document.edit({ range: { start: range.start, end: range.start }, newText: text });
});

test('a simulator that dies is missed with a message, and there again the next time', async () => {
  const slow = join(tree, 'gmem-scenarios', 'slow.yaml');
  await cp(join(import.meta.dirname, 'fixtures', 'slow.yaml'), slow);
  await client.connection.sendNotification('gmemLens/scenarioFiles', {
    uris: [pathToFileURL(slow).toString()],
  });
  const running = client.connection.sendRequest<RunAnswer>('gmemLens/runScenario', {
    scenario: slow,
    on: 'open',
    token: 'slow',
  });
  const outcome = running.then(
    () => 'ended',
    (error: Error) => error.message,
  );
  await expect.poll(() => client.notifications, { timeout: 20_000 }).toContain('gmemLens/runProgress');
  await client.killChild('simulator.js');
  expect(await outcome).toMatch(/simulator is gone.*afresh/);
  expect((await run('punch-hole-private-page')).result.outcome).toBe('ok');
});

describe('a scenario file', () => {
  const uriOf = (name: string): string => pathToFileURL(join(tree, 'gmem-scenarios', name)).toString();

  async function open(name: string, text: string): Promise<LspDocument> {
    await writeFile(join(tree, 'gmem-scenarios', name), text);
    return client.open(`gmem-scenarios/${name}`);
  }

  const sound = [
    'scenario: Two pages',
    'platform: snp',
    'memory: 64M',
    'design: guest-memfd',
    'actors: {vmm: [destroy-vm: {}]}',
    'variants:',
    '  other: {expect: {outcome: violation}}',
    '',
  ].join('\n');

  test('has lenses above itself and each variant', async () => {
    const scenario = await open('two.gmem.yaml', sound);
    const lenses = await scenario.ask<CodeLens[]>('textDocument/codeLens');
    expect(lenses.map(({ range, command }) => [range.start.line, command?.title])).toEqual([
      [0, '▶ Run'],
      [0, 'Step'],
      [6, '▶ Run'],
      [6, 'Step'],
    ]);
  });

  test('is one of the scenarios once the client has named it', async () => {
    await client.connection.sendNotification('gmemLens/scenarioFiles', { uris: [uriOf('two.gmem.yaml')] });
    const items = await client.connection.sendRequest<ScenarioItem[]>('gmemLens/scenarios');
    expect(items.find(({ bundled }) => !bundled)).toMatchObject({
      title: 'Two pages',
      uri: uriOf('two.gmem.yaml'),
      variants: [{ name: 'other' }],
      problems: [],
    });
    expect(items.filter(({ bundled }) => bundled).length).toBeGreaterThan(10);
  });

  test('its mistakes are told while it is typed, and forgotten when they are mended', async () => {
    const scenario = await open('wrong.gmem.yaml', sound.replace('platform: snp', 'platfrom: snp'));
    await expect
      .poll(() => client.diagnostics.get(scenario.uri), { timeout: 10_000 })
      .toContainEqual(
        expect.objectContaining({
          source: 'gmem-lens',
          message: expect.stringContaining('did you mean `platform`?'),
          range: expect.objectContaining({ start: { line: 1, character: 0 } }),
        }),
      );
    const range = { start: { line: 1, character: 0 }, end: { line: 1, character: 'platfrom'.length } };
    await scenario.edit({ range, newText: 'platform' });
    await expect.poll(() => client.diagnostics.get(scenario.uri), { timeout: 10_000 }).toEqual([]);
  });

  test('one with mistakes is refused with where and what', async () => {
    const refused = run(join(tree, 'gmem-scenarios', 'no-such.yaml'));
    await expect(refused).rejects.toThrow('There is no scenario');
  });
});
