/** `gmem-lens lsp --stdio` with a client that knows nothing but the Language Server Protocol. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type CallHierarchyIncomingCall,
  type CallHierarchyItem,
  type CodeLens,
  createMessageConnection,
  type Hover,
  type InitializeResult,
  type MessageConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';

const root = join(import.meta.dirname, '..', '..');
const tree = join(root, 'server', 'kernels', 'guest-memfd');
const path = join(tree, 'virt', 'kvm', 'guest_memfd.c');
const uri = pathToFileURL(path).toString();
const text = readFileSync(path, 'utf8');

let server: ChildProcess;
let connection: MessageConnection;
const diagnostics = new Map<string, PublishDiagnosticsParams['diagnostics']>();

beforeAll(async () => {
  // A result of its own: the cache of whoever runs this stays as it is.
  const env = { ...process.env, GMEM_LENS_CACHE: 'off' };
  server = spawn(process.execPath, [join(root, 'dist', 'cli.js'), 'lsp', '--stdio'], { env });
  if (!server.stdout || !server.stdin) throw new Error('the server has no pipes');
  connection = createMessageConnection(
    new StreamMessageReader(server.stdout),
    new StreamMessageWriter(server.stdin),
  );
  connection.onNotification('textDocument/publishDiagnostics', (published: PublishDiagnosticsParams) => {
    diagnostics.set(published.uri, published.diagnostics);
  });
  const ready = new Promise<void>((resolve) => {
    connection.onNotification('gmemLens/status', ({ state }: { state: string }) => {
      if (state === 'ready') resolve();
    });
  });
  connection.listen();
  const { capabilities } = await connection.sendRequest<InitializeResult>('initialize', {
    processId: process.pid,
    // A folder inside of the tree: the server finds the tree around it.
    rootUri: pathToFileURL(join(tree, 'virt')).toString(),
    capabilities: {},
  });
  expect(capabilities).toMatchObject({ hoverProvider: true, callHierarchyProvider: true });
  await connection.sendNotification('initialized', {});
  await ready;
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri, languageId: 'c', version: 1, text },
  });
});

afterAll(async () => {
  await connection?.sendRequest('shutdown');
  await connection?.sendNotification('exit');
  connection?.dispose();
});

/** Where a text begins; the last of several, each looked for behind the one before. */
function positionOf(...texts: string[]): { line: number; character: number } {
  let offset = 0;
  for (const wanted of texts) {
    offset = text.indexOf(wanted, offset);
    if (offset < 0) throw new Error(`no ${wanted}`);
  }
  const before = text.slice(0, offset).split('\n');
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}

test('code lenses', async () => {
  const lenses = await connection.sendRequest<CodeLens[]>('textDocument/codeLens', { textDocument: { uri } });
  const { line } = positionOf('kvm_gmem_free_folio(struct folio');
  const titles = lenses.filter(({ range }) => range.start.line === line).map((lens) => lens.command?.title);
  expect(titles).toEqual(['1 caller', 'mmu_lock: never held', expect.stringMatching(/^free: /)]);
});

test('call hierarchy', async () => {
  const [item] = await connection.sendRequest<CallHierarchyItem[]>('textDocument/prepareCallHierarchy', {
    textDocument: { uri },
    position: positionOf('kvm_gmem_fallocate(struct file'),
  });
  expect(item?.name).toBe('kvm_gmem_fallocate');
  const calls = await connection.sendRequest<CallHierarchyIncomingCall[]>('callHierarchy/incomingCalls', {
    item,
  });
  expect(calls.map(({ from }) => [from.name, from.detail])).toEqual([
    ['vfs_fallocate', '← fallocate() · ->fallocate (file_operations) · fs/open.c'],
  ]);
});

test('hover', async () => {
  const hover = await connection.sendRequest<Hover>('textDocument/hover', {
    textDocument: { uri },
    position: positionOf('static void kvm_gmem_invalidate_end(', 'kvm_mmu_invalidate_end('),
  });
  expect(hover.contents).toMatchObject({
    kind: 'markdown',
    value: expect.stringContaining('`kvm.mmu_lock` (write), taken in [kvm_gmem_invalidate_end:'),
  });
});

test('diagnostics follow the text', async () => {
  const lock = positionOf('static void kvm_gmem_invalidate_end(', 'KVM_MMU_LOCK(kvm);');
  const place = { line: lock.line + 1, character: 0 };
  const change = (changed: string, range: object, version: number) =>
    connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [{ range, text: changed }],
    });
  await change('\trmp_make_shared(0, PG_LEVEL_4K);\n', { start: place, end: place }, 2);
  await expect
    .poll(() => diagnostics.get(uri), { timeout: 10_000 })
    .toEqual([
      expect.objectContaining({
        code: 'rmp-under-mmu-lock',
        source: 'gmem-lens',
        range: { start: { line: place.line, character: 1 }, end: { line: place.line, character: 16 } },
        relatedInformation: [
          expect.objectContaining({ message: 'kvm_gmem_invalidate_end: kvm.mmu_lock taken for write' }),
          expect.objectContaining({ message: 'kvm_gmem_invalidate_end: calls rmp_make_shared()' }),
        ],
      }),
    ]);
  await change('', { start: place, end: { line: place.line + 1, character: 0 } }, 3);
  await expect.poll(() => diagnostics.get(uri), { timeout: 10_000 }).toEqual([]);
});
