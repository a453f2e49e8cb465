/** `gmem-lens lsp --stdio` with a client that knows nothing but the Language Server Protocol. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type {
  CallHierarchyIncomingCall,
  CallHierarchyItem,
  CodeLens,
  Hover,
} from 'vscode-languageserver-protocol/node';
import { LspClient, type LspDocument } from '../support/lsp-client.ts';

const tree = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');

let client: LspClient;
let document: LspDocument;

beforeAll(async () => {
  // A folder inside of the tree: the server finds the tree around it.
  client = await LspClient.start({ tree, folder: join(tree, 'virt') });
  document = await client.open('virt/kvm/guest_memfd.c');
});

afterAll(() => client?.[Symbol.asyncDispose]());

test('the server says what it can do', () => {
  expect(client.capabilities).toMatchObject({
    hoverProvider: true,
    callHierarchyProvider: true,
    definitionProvider: true,
    inlayHintProvider: {},
    codeActionProvider: {},
  });
});

test('code lenses', async () => {
  const lenses = await document.ask<CodeLens[]>('textDocument/codeLens');
  const { line } = document.positionOf('kvm_gmem_free_folio(struct folio');
  const titles = lenses.filter(({ range }) => range.start.line === line).map((lens) => lens.command?.title);
  expect(titles).toEqual(['1 caller', 'mmu_lock: never held', expect.stringMatching(/^free: /)]);
});

test('call hierarchy', async () => {
  const [item] = await document.ask<CallHierarchyItem[]>(
    'textDocument/prepareCallHierarchy',
    document.positionOf('kvm_gmem_fallocate(struct file'),
  );
  expect(item?.name).toBe('kvm_gmem_fallocate');
  const calls = await client.connection.sendRequest<CallHierarchyIncomingCall[]>(
    'callHierarchy/incomingCalls',
    { item },
  );
  expect(calls.map(({ from }) => [from.name, from.detail])).toEqual([
    ['vfs_fallocate', '← fallocate() · ->fallocate (file_operations) · fs/open.c'],
  ]);
});

test('hover', async () => {
  const hover = await document.ask<Hover>(
    'textDocument/hover',
    document.positionOf('static void kvm_gmem_invalidate_end(', 'kvm_mmu_invalidate_end('),
  );
  expect(hover.contents).toMatchObject({
    kind: 'markdown',
    value: expect.stringContaining('`kvm.mmu_lock` (write), taken in [kvm_gmem_invalidate_end:'),
  });
});

test('diagnostics follow the text', async () => {
  const lock = document.positionOf('static void kvm_gmem_invalidate_end(', 'KVM_MMU_LOCK(kvm);');
  const place = { line: lock.line + 1, character: 0 };
  const undo = await document.insertBelow(lock.line, '\trmp_make_shared(0, PG_LEVEL_4K);');
  await expect
    .poll(() => client.diagnostics.get(document.uri), { timeout: 10_000 })
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
  await document.edit(undo);
  await expect.poll(() => client.diagnostics.get(document.uri), { timeout: 10_000 }).toEqual([]);
});
