/**
 * The bundled reference kernels are C that a compiler accepts, in every configuration, with nothing but their own
 * headers. Needs gcc.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../support/run.js';

const kernels = join(import.meta.dirname, '../../server/kernels');
const ON = /^(CONFIG_\w+)=(.+)$/;
const OFF = /^# (CONFIG_\w+) is not set$/;

const FLAGS = [
  ...['-std=gnu11', '-ffreestanding', '-nostdinc', '-fsyntax-only'],
  ...['-Wall', '-Wextra', '-Wno-unused-parameter', '-Wno-sign-compare', '-Werror'],
  ...['-Iinclude', '-Iinclude/uapi', '-Iarch/x86/include', '-include', 'include/linux/kconfig.h'],
];

/** Files of a kernel whose path matches, relative to it. */
function filesOf(kernel: string, pattern: RegExp): string[] {
  const paths = readdirSync(join(kernels, kernel), { recursive: true, encoding: 'utf8' });
  return paths
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => pattern.test(path))
    .sort();
}

function linesOf(kernel: string, file: string): string[] {
  return readFileSync(join(kernels, kernel, file), 'utf8').split('\n');
}

/** What Kbuild would put into autoconf.h. */
function definitionsOf(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const [, name, value] = ON.exec(line) ?? [];
    return name === undefined ? [] : [`-D${name}=${value === 'y' ? '1' : value}`];
  });
}

const names = readdirSync(kernels)
  .filter((name) => statSync(join(kernels, name)).isDirectory())
  .sort();

for (const kernel of names) {
  describe(kernel, () => {
    const configs = filesOf(kernel, /^configs\/.*\.config$/);
    const kconfig = linesOf(kernel, 'Kconfig').flatMap((line) => /^config (\w+)$/.exec(line)?.[1] ?? []);
    const options = kconfig.map((name) => `CONFIG_${name}`).sort();

    test.each(configs)('%s compiles', async (config) => {
      const sources = filesOf(kernel, /\.c$/);
      expect(sources).not.toEqual([]);
      const definitions = definitionsOf(linesOf(kernel, config));
      expect(definitions).not.toEqual([]);
      await run('gcc', [...FLAGS, ...definitions, ...sources], { cwd: join(kernels, kernel) });
    });

    test.each(configs)('%s decides every option of Kconfig and no other', (config) => {
      const decided = linesOf(kernel, config).flatMap(
        (line) => ON.exec(line)?.[1] ?? OFF.exec(line)?.[1] ?? [],
      );
      expect(decided.sort()).toEqual(options);
    });

    test('the sources ask for options that Kconfig has', () => {
      const asked = filesOf(kernel, /\.[ch]$/).flatMap(
        (file) =>
          linesOf(kernel, file)
            .join('\n')
            .match(/\bCONFIG_\w+/g) ?? [],
      );
      expect([...new Set(asked)].filter((name) => !options.includes(name))).toEqual([]);
    });

    test('read without a choice, it is the correct variant', () => {
      expect(linesOf(kernel, '.config')).toEqual(linesOf(kernel, 'configs/correct.config'));
    });

    test('every source says whose it is', () => {
      const silent = filesOf(kernel, /\.[ch]$/).filter(
        (file) => !linesOf(kernel, file)[0]?.includes('SPDX-License-Identifier: MIT'),
      );
      expect(silent).toEqual([]);
    });

    test('what it has of another kernel is that kernel’s own file, at the same path', () => {
      const links = filesOf(kernel, /./).filter((path) =>
        lstatSync(join(kernels, kernel, path)).isSymbolicLink(),
      );
      for (const path of links) {
        const target = join(kernels, kernel, dirname(path), readlinkSync(join(kernels, kernel, path)));
        expect(lstatSync(target).isFile(), path).toBe(true);
        expect(relative(kernels, target).split('/').slice(1).join('/')).toBe(path);
      }
    });
  });
}
