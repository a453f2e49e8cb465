import { defineConfig } from 'vitest/config';

const minutes = (count: number): number => count * 60_000;

/** Files share big resources (a kernel tree in memory, an editor), so they take turns in one process. */
const oneAfterTheOther = { pool: 'forks', poolOptions: { forks: { singleFork: true } } } as const;

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/{kernel,e2e,bench}/**'],
          testTimeout: minutes(1),
        },
      },
      {
        // Whole kernel trees: the first run downloads and unpacks them.
        test: {
          name: 'kernel',
          include: ['test/kernel/**/*.test.ts'],
          testTimeout: minutes(5),
          hookTimeout: minutes(15),
          ...oneAfterTheOther,
        },
      },
      {
        // One editor, one browser, one test file after the other.
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          globalSetup: ['test/e2e/harness/global-setup.ts'],
          testTimeout: minutes(2),
          hookTimeout: minutes(5),
          expect: { poll: { timeout: 15_000, interval: 100 } },
          ...oneAfterTheOther,
          retry: 0,
        },
      },
      {
        test: {
          name: 'bench',
          include: [],
          benchmark: { include: ['test/bench/**/*.bench.ts'] },
          hookTimeout: minutes(15),
        },
      },
    ],
  },
});
