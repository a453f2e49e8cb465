/**
 * A complete VS Code without a desktop: the npm package code-server carries the server and the web workbench.
 * Only its inner VS Code server is used.
 */
import { copyFile, mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { cachedFolder } from '../../support/cache.ts';
import { progress, run } from '../../support/run.ts';

/** VS Code 1.100.3, the newest that runs on Node 20. */
const version = '4.100.3';

/** Their compiled parts are needed; the other modules with install scripts are not. */
const nativeModules = ['@vscode/spdlog', 'native-watchdog', '@parcel/watcher'];

/** @returns the path of VS Code's server-main.js */
export async function installCodeServer(): Promise<string> {
  const major = process.versions.node.split('.')[0];
  const folder = await cachedFolder(`code-server-${version}-node${major}`, install);
  return join(vscodeFolder(folder), 'out', 'server-main.js');
}

const vscodeFolder = (folder: string): string => join(folder, 'node_modules', 'code-server', 'lib', 'vscode');

async function install(folder: string): Promise<void> {
  progress(`installing code-server ${version} for the tests (about a minute, once)`);
  const env = await npmEnvironment();
  const npm = (cwd: string, ...args: string[]): Promise<string> =>
    run('npm', [...args, '--no-audit', '--no-fund'], { cwd, env });
  try {
    await writeFile(join(folder, 'package.json'), '{"private":true}\n');
    // Its own install script refuses root and builds parts that nothing here uses.
    await npm(folder, 'install', `code-server@${version}`, '--ignore-scripts');
    const vscode = vscodeFolder(folder);
    await npm(vscode, 'install', '--omit=dev', '--ignore-scripts');
    await npm(join(vscode, 'extensions'), 'install', '--omit=dev', '--ignore-scripts');
    await npm(vscode, 'rebuild', '--ignore-scripts=false', ...nativeModules);
    await symlink('node_modules', join(vscode, 'node_modules.asar'));
    await addRipgrep(vscode);
  } catch (error) {
    throw new Error(
      `The end-to-end tests need code-server ${version}, and it could not be installed.\n${error}`,
    );
  }
}

/** Quick open and search want VS Code's ripgrep at this place. */
async function addRipgrep(vscode: string): Promise<void> {
  const require = createRequire(join(import.meta.dirname, '..', '..', '..', 'server', 'package.json'));
  const { rgPath } = (await import(require.resolve('@vscode/ripgrep'))) as { rgPath: string };
  const bin = join(vscode, 'node_modules', '@vscode', 'ripgrep', 'bin');
  await mkdir(bin, { recursive: true });
  await copyFile(rgPath, join(bin, 'rg'));
}

/** Native modules compile against the headers that came with this Node, where they did. */
async function npmEnvironment(): Promise<NodeJS.ProcessEnv> {
  const prefix = resolve(dirname(process.execPath), '..');
  const hasHeaders = await stat(join(prefix, 'include', 'node', 'node.h')).then(
    () => true,
    () => false,
  );
  return hasHeaders ? { npm_config_nodedir: prefix, ...process.env } : process.env;
}
