/**
 * clangd on files of a kernel tree that was never built: what a build would generate (wrappers of asm-generic headers,
 * a configuration, a few constants) is written to a folder beside it. clangd reads on where a file still has errors.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import {
  type CallHierarchyIncomingCall,
  type CallHierarchyItem,
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';

/** The newest clangd on this machine, or the one that GMEM_LENS_CLANGD names; undefined where there is none. */
export function findClangd(): string | undefined {
  const named = process.env.GMEM_LENS_CLANGD;
  const versions = Array.from({ length: 12 }, (_, index) => `clangd-${25 - index}`);
  const candidates = named ? [named] : ['clangd', ...versions];
  return candidates.find((name) => spawnSync(name, ['--version']).status === 0);
}

/** Options without which KVM's headers have holes, with values that any build has. */
const OPTIONS: Readonly<Record<string, string>> = {
  HZ: '250',
  NR_CPUS: '64',
  NODES_SHIFT: '6',
  PGTABLE_LEVELS: '5',
  X86_L1_CACHE_SHIFT: '6',
  X86_INTERNODE_CACHE_SHIFT: '6',
  PHYSICAL_START: '0x1000000',
  PHYSICAL_ALIGN: '0x200000',
  ILLEGAL_POINTER_VALUE: '0xdead000000000000',
  KVM_MAX_NR_VCPUS: '1024',
  ...Object.fromEntries(
    (
      'X86 X86_64 64BIT SMP MMU NUMA BLOCK MODULES PRINTK BUG GENERIC_BUG RWSEM_XCHGADD_ALGORITHM MMU_NOTIFIER ' +
      'PREEMPT_COUNT PREEMPTION PREEMPT_NOTIFIERS HAVE_KVM_IRQCHIP HAVE_KVM_IRQ_ROUTING HAVE_KVM_IRQ_BYPASS ' +
      'HAVE_KVM_DIRTY_RING HAVE_KVM_DIRTY_RING_TSO HAVE_KVM_MSI HAVE_KVM_PFNCACHE HAVE_KVM_READONLY_MEM KVM KVM_X86 ' +
      'KVM_AMD KVM_AMD_SEV KVM_INTEL KVM_MMIO KVM_ASYNC_PF KVM_GENERIC_MMU_NOTIFIER KVM_GENERIC_MEMORY_ATTRIBUTES ' +
      'KVM_PRIVATE_MEM KVM_GENERIC_PRIVATE_MEM KVM_SW_PROTECTED_VM HAVE_KVM_ARCH_GMEM_PREPARE ' +
      'HAVE_KVM_ARCH_GMEM_INVALIDATE KVM_GENERIC_DIRTYLOG_READ_PROTECT KVM_GENERIC_HARDWARE_ENABLING KVM_VFIO KVM_SMM ' +
      'KVM_XEN KVM_HYPERV COMPAT KVM_COMPAT PM HAVE_KVM_PM_NOTIFIER KVM_GENERIC_PRE_FAULT_MEMORY AMD_MEM_ENCRYPT CRYPTO_DEV_SP_PSP HAVE_STATIC_CALL HAVE_STATIC_CALL_INLINE JUMP_LABEL'
    )
      .split(' ')
      .map((name) => [name, '1']),
  ),
};

/** What a build would have generated, as far as these files need it. */
function generate(tree: string, folder: string): void {
  const wrap = (generic: string, arch: string, to: string) => {
    mkdirSync(to, { recursive: true });
    for (const name of readdirSync(join(tree, 'include', generic)))
      if (name.endsWith('.h') && !existsSync(join(tree, 'arch/x86/include', arch, name)))
        writeFileSync(join(to, name), `#include <asm-generic/${name}>\n`);
  };
  wrap('asm-generic', 'asm', join(folder, 'asm'));
  wrap('uapi/asm-generic', 'uapi/asm', join(folder, 'uapi', 'asm'));
  const generated = join(folder, 'generated');
  mkdirSync(generated, { recursive: true });
  const options = Object.entries(OPTIONS).map(([name, value]) => `#define CONFIG_${name} ${value}`);
  const files: Record<string, string> = {
    'autoconf.h': options.join('\n'),
    'bounds.h':
      '#define NR_PAGEFLAGS 23\n#define MAX_NR_ZONES 5\n#define NR_CPUS_BITS 6\n#define SPINLOCK_SIZE 4',
    'timeconst.h': '#define HZ_TO_MSEC_MUL32 0x80000000ULL\n#define MSEC_TO_HZ_MUL32 0x80000000ULL',
    'utsrelease.h': '#define UTS_RELEASE "0"',
    'asm-offsets.h': '',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(generated, name), `${text}\n`);
  const named = [
    'errno',
    'fcntl',
    'ioctl',
    'ioctls',
    'ipcbuf',
    'param',
    'poll',
    'resource',
    'socket',
    'sockios',
  ];
  for (const name of [...named, 'termbits', 'termios', 'types', 'siginfo', 'bpf_perf_event'])
    writeFileSync(join(folder, 'uapi', 'asm', `${name}.h`), `#include <asm-generic/${name}.h>\n`);
}

export class Clangd implements AsyncDisposable {
  private constructor(
    private readonly server: ChildProcess,
    private readonly connection: MessageConnection,
    private readonly tree: string,
    private readonly folder: string,
  ) {}

  /** @param files relative to the tree */
  static async start(command: string, tree: string, files: readonly string[]): Promise<Clangd> {
    const folder = mkdtempSync(join(tmpdir(), 'gmem-lens-clangd-'));
    generate(tree, folder);
    const include = (path: string) => `-I${path}`;
    const flags = [
      'clang',
      '-nostdinc',
      ...['arch/x86/include', 'arch/x86/kvm', 'include'].map((path) => include(join(tree, path))),
      include(folder),
      ...['arch/x86/include/uapi', 'include/uapi'].map((path) => include(join(tree, path))),
      include(join(folder, 'uapi')),
      `-I${join(tree, 'virt/kvm')}`,
      '-include',
      join(tree, 'include/linux/compiler-version.h'),
      '-include',
      join(tree, 'include/linux/kconfig.h'),
      '-include',
      join(tree, 'include/linux/compiler_types.h'),
      '-D__KERNEL__',
      '-DCC_HAVE_ASM_GOTO',
      '-DKBUILD_MODNAME="kvm"',
      '-DKBUILD_BASENAME="kvm"',
      '-std=gnu11',
      '-fshort-wchar',
      '-mcmodel=kernel',
      '-ferror-limit=0',
      '-w',
    ];
    const commands = files.map((file) => ({
      directory: tree,
      file: join(tree, file),
      arguments: [...flags, '-c', join(tree, file)],
    }));
    writeFileSync(join(folder, 'compile_commands.json'), JSON.stringify(commands));
    const server = spawn(
      command,
      [`--compile-commands-dir=${folder}`, '--background-index=false', '--log=error', '-j=2'],
      { stdio: ['pipe', 'pipe', 'ignore'] },
    );
    const connection = createMessageConnection(
      new StreamMessageReader(server.stdout!),
      new StreamMessageWriter(server.stdin!),
    );
    connection.onUnhandledNotification(() => {});
    connection.listen();
    const clangd = new Clangd(server, connection, tree, folder);
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: pathToFileURL(tree).toString(),
      capabilities: {},
    });
    await connection.sendNotification('initialized', {});
    for (const file of files) await clangd.open(file);
    return clangd;
  }

  private uri(file: string): string {
    return pathToFileURL(join(this.tree, file)).toString();
  }

  private async open(file: string): Promise<void> {
    const text = readFileSync(join(this.tree, file), 'utf8');
    await this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri: this.uri(file), languageId: 'c', version: 1, text },
    });
    // Answered once the file is read.
    await this.connection.sendRequest('textDocument/documentSymbol', {
      textDocument: { uri: this.uri(file) },
    });
  }

  /** Names of the functions that call the one whose name stands there (line from 1, column from 0). */
  async callers(file: string, line: number, column: number): Promise<{ name: string; file: string }[]> {
    const items = await this.connection.sendRequest<CallHierarchyItem[] | null>(
      'textDocument/prepareCallHierarchy',
      { textDocument: { uri: this.uri(file) }, position: { line: line - 1, character: column } },
    );
    const found: { name: string; file: string }[] = [];
    for (const item of items ?? []) {
      const calls = await this.connection.sendRequest<CallHierarchyIncomingCall[] | null>(
        'callHierarchy/incomingCalls',
        { item },
      );
      for (const { from } of calls ?? [])
        found.push({ name: from.name, file: fileURLToPath(from.uri).slice(this.tree.length + 1) });
    }
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.sendRequest('shutdown').catch(() => {});
    this.connection.dispose();
    this.server.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
