/** Start-up dominates short runs of the command line, so it is measured by itself. */
import { join } from 'node:path';
import { bench, describe } from 'vitest';
import { run } from '../support/run.ts';

const cli = join(import.meta.dirname, '..', '..', 'dist', 'cli.js');

describe('start-up, as a new process', () => {
  bench('node alone', async () => {
    await run(process.execPath, ['-e', '']);
  });

  bench('gmem-lens --version', async () => {
    await run(process.execPath, [cli, '--version']);
  });
});
