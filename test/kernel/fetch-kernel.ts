/** Makes the kernel sources of Debian's `linux-source` packages available to tests. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cachedFolder } from '../support/cache.ts';
import { progress, run } from '../support/run.ts';

/** 6.12 has guest_memfd; 6.1 is from before it. */
export type KernelVersion = '6.12' | '6.1';

/**
 * The unpacked tree of a kernel version: the folder in GMEM_LENS_KERNEL_6_12 or GMEM_LENS_KERNEL_6_1 if that is
 * set, else the test cache, else freshly downloaded. Debian moves the package with its security updates, so the
 * patch level is whatever it is today.
 */
export async function fetchKernel(version: KernelVersion): Promise<string> {
  const variable = `GMEM_LENS_KERNEL_${version.replace('.', '_')}`;
  const given = process.env[variable];
  if (given) return checkedTree(given, variable);
  const folder = await cachedFolder(`linux-source-${version}`, (target) => download(version, target));
  return checkedTree(folder, folder);
}

async function download(version: KernelVersion, target: string): Promise<void> {
  const name = `linux-source-${version}`;
  const scratch = `${target}.download`;
  await rm(scratch, { recursive: true, force: true });
  await run('mkdir', ['-p', scratch]);
  try {
    const archive = await downloadArchive(name, scratch);
    progress(`unpacking ${name} (1.4 GB)`);
    await run('tar', ['-xf', archive, '-C', target, '--strip-components=1']);
  } catch (error) {
    throw new Error(
      `The kernel tests need the Debian package ${name}, and it could not be had. Set ` +
        `GMEM_LENS_KERNEL_${version.replace('.', '_')} to a kernel tree of that version, or mend this:\n${error}`,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** @returns the path of the tar file that the package carries */
async function downloadArchive(name: string, scratch: string): Promise<string> {
  await ensureXz();
  progress(`downloading ${name} (about 150 MB)`);
  try {
    await aptDownload(name, scratch);
  } catch {
    // The lists are missing or older than the package.
    await run('apt-get', ['update']);
    await aptDownload(name, scratch);
  }
  const [deb] = (await readdir(scratch)).filter((file) => file.endsWith('.deb'));
  if (deb === undefined) throw new Error(`apt-get download ${name} left no .deb file`);
  await run('dpkg-deb', ['-x', join(scratch, deb), scratch]);
  return join(scratch, 'usr', 'src', `${name}.tar.xz`);
}

function aptDownload(name: string, folder: string): Promise<string> {
  // Its sandbox user can't write to a folder in somebody's home, and says so at length.
  return run('apt-get', ['download', '-o', 'APT::Sandbox::User=root', name], { cwd: folder });
}

async function ensureXz(): Promise<void> {
  try {
    await run('xz', ['--version']);
  } catch {
    await run('apt-get', ['update']);
    await run('apt-get', ['install', '-y', '--no-install-recommends', 'xz-utils']);
  }
}

async function checkedTree(tree: string, source: string): Promise<string> {
  const isTree = await stat(join(tree, 'virt', 'kvm')).then(
    (entry) => entry.isDirectory(),
    () => false,
  );
  if (!isTree) throw new Error(`${source}: ${tree} is no kernel tree (it has no virt/kvm)`);
  return tree;
}
