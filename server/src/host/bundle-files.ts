/** Where the built worker and the WASM files lie. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GrammarFiles } from '../kernel-c/parser.js';

export interface BundleFiles extends GrammarFiles {
  /** Path of the built `worker.ts`. */
  worker: string;
}

export function bundleFilesIn(folder: string): BundleFiles {
  return {
    worker: join(folder, 'worker.js'),
    runtime: join(folder, 'tree-sitter.wasm'),
    grammar: join(folder, 'tree-sitter-c.wasm'),
  };
}

/** The files beside the running bundle; where the sources run themselves (tests), those of the last build. */
export function bundleFiles(): BundleFiles {
  const here = fileURLToPath(import.meta.url);
  return bundleFilesIn(here.endsWith('.ts') ? join(dirname(here), '..', '..', '..', 'dist') : dirname(here));
}
