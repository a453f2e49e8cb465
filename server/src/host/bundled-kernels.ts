/** The reference kernels that come with the tool: server/kernels/<name>, variants as configs/<variant>.config. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface BundledKernel {
  name: string;
  /** Absolute path of its tree. */
  tree: string;
  configs: { name: string; file: string }[];
}

/** Reference kernels by name; none where the installation was cut down to the bundles. */
export function bundledKernels(): BundledKernel[] {
  // Bundles lie in dist/, beside server/.
  const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'server', 'kernels');
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'virt')))
    .map((entry) => {
      const tree = join(folder, entry.name);
      const configs = join(tree, 'configs');
      const files = existsSync(configs)
        ? readdirSync(configs)
            .filter((file) => file.endsWith('.config'))
            .sort()
        : [];
      return {
        name: entry.name,
        tree,
        configs: files.map((file) => ({ name: file.replace(/\.config$/, ''), file: join(configs, file) })),
      };
    });
}
