/** Finds the kernel tree that a workspace belongs to; knows the file system, not VS Code. */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** What makes a folder a kernel tree for us. */
const mark = join('virt', 'kvm');

export type TreeSearch =
  | { readonly kind: 'found'; readonly tree: string }
  /** No tree, and nobody asked for one: the extension stays silent. */
  | { readonly kind: 'none' }
  | { readonly kind: 'invalid'; readonly message: string; readonly remedy: string };

/**
 * @param setting the setting `gmemLens.tree`; relative paths start at the first folder
 * @param folders absolute paths to start from, in order
 */
export async function findKernelTree(setting: string, folders: readonly string[]): Promise<TreeSearch> {
  if (setting !== '') return configuredTree(resolve(folders[0] ?? '.', setting));
  for (const folder of folders) {
    const tree = await nearestTree(folder);
    if (tree !== undefined) return { kind: 'found', tree };
  }
  return { kind: 'none' };
}

async function configuredTree(tree: string): Promise<TreeSearch> {
  if (await isTree(tree)) return { kind: 'found', tree };
  return {
    kind: 'invalid',
    message: `${tree} has no virt/kvm.`,
    remedy: 'Set gmemLens.tree to a Linux kernel tree, or leave it empty.',
  };
}

/** Whoever opens `virt/kvm` or `arch/x86` alone still means the whole tree. */
async function nearestTree(folder: string): Promise<string | undefined> {
  for (let current = folder; ; current = dirname(current)) {
    if (await isTree(current)) return current;
    if (dirname(current) === current) return undefined;
  }
}

async function isTree(folder: string): Promise<boolean> {
  try {
    return (await stat(join(folder, mark))).isDirectory();
  } catch {
    return false;
  }
}
