/** `gmem-lens doctor`: what would keep the tool from working on a tree, each with its remedy. */
import { existsSync } from 'node:fs';
import { bundleFiles } from '../host/bundle-files.js';
import { findTree, openTree } from '../host/tree.js';
import { describeError } from './errors.js';
import { loadTree, type TreeOptions } from './load.js';
import { plural, writeLine } from './output.js';
import { version } from './version.js';

export async function doctor(tree: string, options: TreeOptions): Promise<number> {
  let healthy = true;
  const say = async (good: boolean, text: string) => {
    healthy &&= good;
    await writeLine(`${good ? 'ok ' : 'BAD'} ${text}`);
  };
  await writeLine(`gmem-lens ${version}`);
  const major = Number(process.versions.node.split('.')[0]);
  await say(major >= 20, `Node ${process.versions.node}${major >= 20 ? '' : ': install Node 20 or newer'}`);
  const files = bundleFiles();
  for (const path of [files.runtime, files.grammar])
    await say(existsSync(path), existsSync(path) ? path : `${path} is missing: run npm run build`);
  try {
    const root = openTree(tree, { anyFolder: options.scope !== 'kvm' && options.scope !== 'all' });
    await say(true, `kernel tree ${root}`);
    const { loaded, analysis } = await loadTree(tree, options);
    await say(
      true,
      `configuration ${loaded.configuration.file ?? "of a distribution's kernel: the tree has no .config"}`,
    );
    await say(loaded.files.length > 0, `${plural(loaded.files.length, 'file')} in scope '${options.scope}'`);
    await say(
      true,
      `${plural([...analysis.program.functions()].length, 'function')}, ${plural(analysis.findings.length, 'finding')}`,
    );
    for (const note of loaded.notes) await writeLine(`    note ${note.file}:${note.line}: ${note.message}`);
  } catch (error) {
    const above = findTree(tree);
    await say(false, `${describeError(error)}${above ? ` (the folder above it, ${above}, is one)` : ''}`);
  }
  return healthy ? 0 : 2;
}
