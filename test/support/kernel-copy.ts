/** A copy of the folders of a kernel tree that the scope `kvm` and its neighbours are in, to edit and to break. */
import { chmod, cp, mkdir, mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A trailing `*` takes the files of a folder without the folders in it. */
const parts = [
  'arch/x86',
  'drivers/crypto/ccp',
  'drivers/iommu/amd',
  'drivers/iommu/*',
  'fs/*',
  'include',
  'mm/*',
  'virt',
];

export interface TreeCopy extends AsyncDisposable {
  /** Absolute, links resolved. */
  readonly path: string;
}

export async function copyKernel(tree: string): Promise<TreeCopy> {
  const copy = await emptyTree();
  try {
    for (const part of parts) await copyPart(tree, copy.path, part);
    return copy;
  } catch (error) {
    await copy[Symbol.asyncDispose]();
    throw error;
  }
}

/** The whole of a small tree. */
export async function copyTree(tree: string): Promise<TreeCopy> {
  const copy = await emptyTree();
  await cp(tree, copy.path, { recursive: true });
  return copy;
}

/** Named as people name it: editors show the folder's name. */
async function emptyTree(): Promise<TreeCopy> {
  const scratch = await realpath(await mkdtemp(join(tmpdir(), 'gmem-lens-')));
  const path = join(scratch, 'linux');
  await mkdir(path);
  return { path, [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true, maxRetries: 5 }) };
}

async function copyPart(tree: string, copy: string, part: string): Promise<void> {
  if (!part.endsWith('/*')) {
    await cp(join(tree, part), join(copy, part), { recursive: true });
    await makeWritable(join(copy, part));
    return;
  }
  const folder = dirname(part);
  await mkdir(join(copy, folder), { recursive: true });
  for (const entry of await readdir(join(tree, folder), { withFileTypes: true })) {
    if (!entry.isFile() || !/\.[ch]$/.test(entry.name)) continue;
    await cp(join(tree, folder, entry.name), join(copy, folder, entry.name));
  }
}

/** The original may be read-only, and then its folders could not be removed either. */
async function makeWritable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(folder, entry.name));
  }
}
