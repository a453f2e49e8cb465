import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';

/** Where VS Code has kept its own ripgrep; the desktop packs modules into an archive, the server does not. */
const folders = [
  'node_modules/@vscode/ripgrep/bin',
  'node_modules.asar.unpacked/@vscode/ripgrep/bin',
  'node_modules/vscode-ripgrep/bin',
];

/** The path of the editor's ripgrep under its installation folder `appRoot`, if it is there and may be run. */
export async function findRipgrep(appRoot: string): Promise<string | undefined> {
  const name = process.platform === 'win32' ? 'rg.exe' : 'rg';
  for (const folder of folders) {
    const path = join(appRoot, folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not this layout; the server falls back to another ripgrep.
    }
  }
  return undefined;
}
