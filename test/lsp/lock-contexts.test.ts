/** What the language server says of locks, beyond diagnostics and hovers: over stdio, as any client gets it. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  CallHierarchyItem,
  CallHierarchyOutgoingCall,
  CodeAction,
  Diagnostic,
  Hover,
  InlayHint,
  Location,
  SnippetTextEdit,
  TextDocumentEdit,
  TextEdit,
} from 'vscode-languageserver-protocol/node';
import type { LockMarks, LockPath } from '../../server/src/lsp/protocol.ts';
import { LspClient, type LspDocument } from '../support/lsp-client.ts';

const kernel = join(import.meta.dirname, '..', '..', 'server', 'kernels', 'guest-memfd');
const config = 'configs/hook-set-attributes.config';
const everywhere = { start: { line: 0, character: 0 }, end: { line: 10_000, character: 0 } };
/** What is invoked by hand, and what the editor asks for by itself. */
const invoked = 1;
const automatic = 2;

let client: LspClient;
let gmem: LspDocument;
let mmu: LspDocument;
let sev: LspDocument;

beforeAll(async () => {
  client = await LspClient.start({
    tree: kernel,
    settings: { config },
    capabilities: { workspace: { workspaceEdit: { documentChanges: true, snippetEditSupport: true } } },
    initializationOptions: { commandLinks: true },
  });
  gmem = await client.open('virt/kvm/guest_memfd.c');
  mmu = await client.open('arch/x86/kvm/mmu/mmu.c');
  sev = await client.open('arch/x86/kvm/svm/sev.c');
});

afterAll(() => client?.[Symbol.asyncDispose]());

/** Marks by the trimmed text of their lines. */
async function marksOf(document: LspDocument): Promise<{ how: string; text: string[] }[]> {
  const { marks } = await document.ask<LockMarks>('gmemLens/lockMarks');
  return marks.map(({ lock, modes, when, startLine, endLine }) => ({
    how: `${lock} ${modes.join('/')} ${when}`,
    text: document.lines.slice(startLine, endLine + 1).map((line) => line.trim()),
  }));
}

async function hintsOf(document: LspDocument): Promise<string[]> {
  const hints = await document.ask<InlayHint[]>('textDocument/inlayHint', undefined, { range: everywhere });
  return hints.map(({ position, label }) => `${document.lines[position.line]?.trim()} ‹${label}›`);
}

function actionsAt(
  document: LspDocument,
  position: { line: number; character: number },
  triggerKind: number,
  diagnostics: Diagnostic[] = [],
): Promise<CodeAction[]> {
  return document.ask<CodeAction[]>('textDocument/codeAction', undefined, {
    range: { start: position, end: position },
    context: { diagnostics, triggerKind },
  });
}

async function problem(document: LspDocument, rule: string): Promise<Diagnostic> {
  await expect
    .poll(() => client.diagnostics.get(document.uri), { timeout: 10_000 })
    .toContainEqual(expect.objectContaining({ code: rule }));
  const found = client.diagnostics.get(document.uri)?.find(({ code }) => code === rule);
  if (!found) throw new Error(`no ${rule}`);
  return found;
}

describe('lock marks', () => {
  test('are the lines under mmu_lock', async () => {
    const marks = await marksOf(gmem);
    expect(marks).toContainEqual({
      how: 'kvm.mmu_lock write always',
      text: ['kvm_mmu_invalidate_end(kvm);', 'KVM_MMU_UNLOCK(kvm);'],
    });
    expect(marks.find(({ text }) => text.some((line) => line.startsWith('pgoff_t first')))?.how).toBe(
      'kvm.mmu_lock write sometimes',
    );
    const read = (await marksOf(mmu)).filter(({ how }) => how === 'kvm.mmu_lock read always');
    expect(read.flatMap(({ text }) => text)).toEqual(
      expect.arrayContaining([
        'if (!is_page_fault_stale(vcpu, fault))',
        'read_unlock(&vcpu->kvm->mmu_lock);',
      ]),
    );
  });

  test('begin with the body of a function that is entered with it', async () => {
    const { line } = mmu.positionOf(
      'bool kvm_unmap_gfn_range(struct kvm *kvm, struct kvm_gfn_range *range)\n{',
    );
    const { marks } = await mmu.ask<LockMarks>('gmemLens/lockMarks');
    expect(marks.map(({ startLine }) => startLine)).toContain(line + 1);
  });

  test('follow an edit, and say of which text they are', async () => {
    const { line } = gmem.positionOf('static void kvm_gmem_invalidate_end(', 'KVM_MMU_LOCK(kvm);');
    const undo = await gmem.insertBelow(line, '\tstep(kvm);');
    const { version } = await gmem.ask<LockMarks>('gmemLens/lockMarks');
    expect(version).toBe(2);
    expect(await marksOf(gmem)).toContainEqual({
      how: 'kvm.mmu_lock write always',
      text: ['step(kvm);', 'kvm_mmu_invalidate_end(kvm);', 'KVM_MMU_UNLOCK(kvm);'],
    });
    await expect.poll(() => client.notifications).toContain('gmemLens/lockMarks/refresh');
    await gmem.edit(undo);
  });

  test('are of the locks that were asked for', async () => {
    await client.configure({ config, lockMarks: { locks: ['mmu_lock', 'invalidate_lock'] } });
    const marks = await marksOf(gmem);
    expect(marks).toContainEqual({
      how: 'address_space.invalidate_lock write always',
      text: expect.arrayContaining(['truncate_inode_pages_range(mapping, offset, offset + len - 1);']),
    });
    await client.configure({ config });
    expect((await marksOf(gmem)).filter(({ how }) => !how.startsWith('kvm.mmu_lock'))).toEqual([]);
  });

  test.each([
    ['gmemLens/lockMarks', {}],
    ['gmemLens/lockMarks', null],
    ['gmemLens/lockPath', { textDocument: { uri: 'file:///x.c' }, position: { line: -1, character: 0 } }],
    ['gmemLens/lockPath', { textDocument: { uri: 'file:///x.c' } }],
    ['gmemLens/ruleExplanation', { rule: 7 }],
  ])('%s refuses %j', async (method, params) => {
    await expect(client.connection.sendRequest(method, params)).rejects.toMatchObject({ code: -32602 });
  });

  test('of a document outside of the tree there are none', async () => {
    const textDocument = { uri: 'file:///elsewhere/x.c' };
    expect(await client.connection.sendRequest('gmemLens/lockMarks', { textDocument })).toBeNull();
  });
});

describe('inlay hints', () => {
  test('stand where the lock is taken and released', async () => {
    const hints = await hintsOf(mmu);
    expect(hints).toEqual(
      expect.arrayContaining([
        'read_lock(&vcpu->kvm->mmu_lock); ‹mmu_lock (R) taken›',
        'read_unlock(&vcpu->kvm->mmu_lock); ‹mmu_lock (R) released›',
        'write_lock(&kvm->mmu_lock); ‹mmu_lock (W) taken›',
      ]),
    );
  });

  test('say what an attempt hangs on', async () => {
    const { line } = mmu.positionOf('static int kvm_tdp_page_fault(', 'int r;');
    const undo = await mmu.insertBelow(
      line,
      '\n\tif (write_trylock(&vcpu->kvm->mmu_lock))\n\t\twrite_unlock(&vcpu->kvm->mmu_lock);',
    );
    expect(await hintsOf(mmu)).toContain(
      'if (write_trylock(&vcpu->kvm->mmu_lock)) ‹mmu_lock (W) taken if non-zero›',
    );
    await mmu.edit(undo);
  });

  test('are of the lines and locks that were asked for, and can be switched off', async () => {
    const { line } = gmem.positionOf('static void kvm_gmem_invalidate_end(', 'KVM_MMU_LOCK(kvm);');
    const range = { start: { line, character: 0 }, end: { line, character: 4 } };
    expect(await gmem.ask('textDocument/inlayHint', undefined, { range })).toEqual([
      expect.objectContaining({ label: 'mmu_lock (W) taken', position: { line, character: 19 } }),
    ]);
    await client.configure({ config, lockMarks: { locks: ['invalidate_lock'] } });
    expect(await hintsOf(gmem)).toContain('filemap_invalidate_lock(mapping); ‹invalidate_lock (W) taken›');
    await client.configure({ config, inlayHints: { enable: false } });
    expect(await hintsOf(gmem)).toEqual([]);
    await client.configure({ config });
  });
});

describe('the way to a lock', () => {
  test('is told step by step, down to the line', async () => {
    const path = await mmu.ask<LockPath>(
      'gmemLens/lockPath',
      mmu.positionOf('bool kvm_arch_post_set_memory_attributes(', 'kvm_slot_can_be_private(range->slot)'),
    );
    expect(path.title).toMatch(
      /^kvm\.mmu_lock is held \(write\) in kvm_arch_post_set_memory_attributes, line \d+$/,
    );
    expect(path.steps.map((step) => [step.function, step.text])).toEqual([
      ['kvm_handle_gfn_range', 'kvm.mmu_lock taken for write'],
      [
        'kvm_handle_gfn_range',
        'calls kvm_arch_post_set_memory_attributes() through kvm_mmu_notifier_range.handler',
      ],
      ['kvm_arch_post_set_memory_attributes', 'kvm.mmu_lock is held (write) here'],
    ]);
    expect(path.steps.map(({ location }) => location.uri.replace(/.*\//, ''))).toEqual([
      'kvm_main.c',
      'kvm_main.c',
      'mmu.c',
    ]);
  });

  test('is null where no lock is held', async () => {
    const position = gmem.positionOf('static long kvm_gmem_fallocate(', 'kvm_gmem_punch_hole(');
    expect(await gmem.ask('gmemLens/lockPath', position)).toBeNull();
  });

  test('is a link in hovers', async () => {
    const position = gmem.positionOf('static void kvm_gmem_invalidate_end(', 'kvm_mmu_invalidate_end(kvm)');
    const { contents } = await gmem.ask<Hover>('textDocument/hover', position);
    const links = [
      ...JSON.stringify(contents).matchAll(/\[why\?\]\(command:gmemLens\.showLockPath\?([^)]*)\)/g),
    ];
    expect(links.map(([, args]) => JSON.parse(decodeURIComponent(args ?? '')))).toContainEqual([
      {
        textDocument: gmem.textDocument,
        position: { line: position.line, character: 0 },
        lock: 'kvm.mmu_lock',
        mode: 'write',
      },
    ]);
  });

  test('is offered for a line when asked for, and not by a light bulb', async () => {
    const position = gmem.positionOf('static void kvm_gmem_invalidate_end(', 'kvm_mmu_invalidate_end(kvm)');
    const actions = await actionsAt(gmem, position, invoked);
    expect(actions[0]).toMatchObject({
      title: 'Show lock path of kvm.mmu_lock',
      command: { command: 'gmemLens.showLockPath', arguments: [{ lock: 'kvm.mmu_lock', mode: 'write' }] },
    });
    expect(await actionsAt(gmem, position, automatic)).toEqual([]);
  });
});

describe('a finding', () => {
  test('comes with the way, its explanation and a comment that takes it back', async () => {
    const found = await problem(sev, 'rmp-under-mmu-lock');
    const actions = await actionsAt(sev, found.range.start, automatic, [found]);
    expect(actions.map(({ title, kind }) => [title, kind])).toEqual([
      ['Show lock path', 'quickfix'],
      ['Ignore rmp-under-mmu-lock here, with a reason', 'quickfix'],
      ['Explain rmp-under-mmu-lock', 'quickfix'],
    ]);
    const [show, ignore, explain] = actions;
    const path = await client.connection.sendRequest<LockPath>(
      'gmemLens/lockPath',
      show?.command?.arguments?.[0],
    );
    expect(path.steps.map((step) => `${step.function}: ${step.text}`)).toEqual(
      found.relatedInformation?.map(({ message }) => message),
    );
    const [rule] = explain?.command?.arguments ?? [];
    expect(await client.connection.sendRequest('gmemLens/ruleExplanation', { rule })).toMatch(
      /rmp-under-mmu-lock[\s\S]*mended/i,
    );
    const [change] = (ignore?.edit?.documentChanges ?? []) as TextDocumentEdit[];
    const [edit] = (change?.edits ?? []) as SnippetTextEdit[];
    expect(edit?.snippet.value).toBe(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a snippet's placeholder
      '\t\t\t/* gmem-lens: ignore rmp-under-mmu-lock: ${1:reason} */\n',
    );
  });

  test('goes with the comment', async () => {
    const found = await problem(sev, 'rmp-under-mmu-lock');
    const { line } = found.range.start;
    const undo = await sev.insertBelow(line - 1, '\t\t/* gmem-lens: ignore rmp-under-mmu-lock: not yet */');
    const rules = () => client.diagnostics.get(sev.uri)?.filter(({ code }) => code === 'rmp-under-mmu-lock');
    await expect
      .poll(() => rules()?.some((one) => one.range.start.line === line + 1), { timeout: 10_000 })
      .toBe(false);
    await sev.edit(undo);
    await expect
      .poll(() => rules()?.some((one) => one.range.start.line === line), { timeout: 10_000 })
      .toBe(true);
  });

  test("is marked at the lock holder's call too, with a link to where it is", async () => {
    const all = [...client.diagnostics.values()].flat();
    const holder = all.find(({ severity, code }) => severity === 3 && code === 'rmp-under-mmu-lock');
    const found = await problem(sev, 'rmp-under-mmu-lock');
    expect(holder?.message).toContain('leads to rmp_make_private()');
    expect(holder?.relatedInformation).toContainEqual({
      location: expect.objectContaining({
        uri: sev.uri,
        range: expect.objectContaining({ start: found.range.start }),
      }),
      message: expect.stringMatching(/^leads to sev_gmem_set_mem_attributes: calls rmp_make_private\(\)/),
    });
  });

  const severities = () =>
    [...client.diagnostics.values()]
      .flat()
      .filter(({ code }) => code === 'rmp-under-mmu-lock')
      .map(({ severity }) => severity);

  test.each([
    ['error', [1, 1, 3]],
    ['information', [3, 3, 3]],
    ['hint', [4, 4, 4]],
    ['off', []],
    ['loud', [2, 2, 3]],
  ])('of a rule that is set to %s', async (severity, expected) => {
    await client.configure({ config, rules: { 'rmp-under-mmu-lock': severity } });
    await expect.poll(() => severities().sort(), { timeout: 10_000 }).toEqual(expected);
    await client.configure({ config });
    await expect.poll(() => severities().sort(), { timeout: 10_000 }).toEqual([2, 2, 3]);
  });
});

describe('definitions', () => {
  const named = (locations: Location[]) =>
    locations.map(
      ({ uri, range }) => `${uri.replace(/.*\//, '')} ${range.end.character - range.start.character}`,
    );

  test('of a macro that makes calls: both places', async () => {
    const position = gmem.positionOf('static void kvm_gmem_invalidate_end(', 'KVM_MMU_LOCK(kvm)');
    const found = await gmem.ask<Location[]>('textDocument/definition', position);
    expect(named(found)).toEqual(['kvm_mm.h 12', 'rwlock.h 10']);
  });

  test('of a static call: every function behind it', async () => {
    const x86 = await client.open('arch/x86/kvm/x86.c');
    const call = ['void kvm_arch_gmem_invalidate(', 'kvm_x86_call('];
    const member = await x86.ask<Location[]>(
      'textDocument/definition',
      x86.positionOf(...call, 'gmem_invalidate)'),
    );
    expect(named(member)).toEqual(['sev.c 19', 'tdx.c 19']);
    const macro = await x86.ask<Location[]>('textDocument/definition', x86.positionOf(...call));
    expect(named(macro)).toEqual(['kvm_host.h 12', 'sev.c 19', 'tdx.c 19']);
  });

  test('of a call through a member: every function that was put there, and where that was', async () => {
    const main = await client.open('virt/kvm/kvm_main.c');
    const position = main.positionOf('if (range->handler(kvm', 'handler');
    const found = await main.ask<Location[]>('textDocument/definition', position);
    expect(named(found).length).toBeGreaterThan(1);
    const { contents } = await main.ask<Hover>('textDocument/hover', position);
    const { line } = main.positionOf('.handler = kvm_arch_post_set_memory_attributes');
    expect(JSON.stringify(contents)).toMatch(
      new RegExp(
        `kvm_arch_post_set_memory_attributes\\\\]\\\\([^)]*\\\\), assigned at \\\\[virt/kvm/kvm_main\\\\.c:${line + 1}\\\\]`.replaceAll(
          '\\\\',
          '\\',
        ),
      ),
    );
    const [item] = await main.ask<CallHierarchyItem[]>(
      'textDocument/prepareCallHierarchy',
      main.positionOf('kvm_handle_gfn_range(struct kvm'),
    );
    const calls = await client.connection.sendRequest<CallHierarchyOutgoingCall[]>(
      'callHierarchy/outgoingCalls',
      { item },
    );
    const details = calls.map(({ to }) => `${to.name}: ${to.detail}`);
    expect(details).toContainEqual(
      expect.stringMatching(
        new RegExp(`^kvm_arch_post_set_memory_attributes: .*assigned at virt/kvm/kvm_main\\.c:${line + 1}$`),
      ),
    );
  });

  test('of a plain call, and of nothing', async () => {
    const call = gmem.positionOf('static long kvm_gmem_punch_hole(', 'kvm_gmem_invalidate_begin(');
    expect(named(await gmem.ask<Location[]>('textDocument/definition', call))).toEqual(['guest_memfd.c 25']);
    const word = gmem.positionOf('static long kvm_gmem_punch_hole(', 'pgoff_t start');
    expect(await gmem.ask<Location[]>('textDocument/definition', word)).toEqual([]);
  });
});

test('an editor without our commands, and without snippets, is served as well', async () => {
  await using plain = await LspClient.start({ tree: kernel, settings: { config } });
  const document = await plain.open('arch/x86/kvm/svm/sev.c');
  const position = document.positionOf('sev_gmem_set_mem_attributes(', 'rmp_make_private(');
  const { contents } = await document.ask<Hover>('textDocument/hover', position);
  expect(JSON.stringify(contents)).not.toContain('command:');
  const diagnostics =
    plain.diagnostics.get(document.uri)?.filter(({ code }) => code === 'rmp-under-mmu-lock') ?? [];
  const range = diagnostics[0]?.range ?? { start: position, end: position };
  const actions = await document.ask<CodeAction[]>('textDocument/codeAction', undefined, {
    range,
    context: { diagnostics, triggerKind: automatic },
  });
  const [edit] = (actions[1]?.edit?.changes?.[document.uri] ?? []) as TextEdit[];
  expect(edit?.newText).toBe('\t\t\t/* gmem-lens: ignore rmp-under-mmu-lock: reason */\n');
  const messages: string[] = [];
  plain.connection.onNotification('window/showMessage', ({ message }) => void messages.push(message));
  plain.connection.onRequest('window/showMessageRequest', ({ message }) => {
    messages.push(message);
    return null;
  });
  const { command, arguments: given } = actions[0]?.command ?? { command: '', arguments: [] };
  const path = await plain.connection.sendRequest<LockPath>('workspace/executeCommand', {
    command,
    arguments: given,
  });
  expect(path.steps.at(-1)?.text).toBe('calls rmp_make_private()');
  await expect
    .poll(() => messages.join('\n'))
    .toMatch(/1\. kvm_handle_gfn_range: kvm\.mmu_lock taken for write \(kvm_main\.c:\d+\)/);
});
