// The validator of scenario files, compiled when the bundles are made instead of at each start.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** An esbuild plugin: the module that compiles the schema becomes what it would compile. */
export function precompiledSchema(root) {
  const require = createRequire(join(root, 'server', 'package.json'));
  const { Ajv } = require('ajv');
  const { default: standaloneCode } = require('ajv/dist/standalone/index.js');
  const { _ } = require('ajv');
  const folder = join(root, 'server', 'src', 'simulator', 'scenario');
  const readJson = async (path) => JSON.parse(await readFile(path, 'utf8'));
  return {
    name: 'precompiled-schema',
    setup(build) {
      build.onLoad({ filter: /[\\/]simulator[\\/]scenario[\\/]schema-validator\.ts$/ }, async ({ path }) => {
        const schemaFile = join(root, 'grammars', 'scenario.schema.json');
        const optionsFile = join(folder, 'schema-options.json');
        const ajv = new Ajv({
          ...(await readJson(optionsFile)),
          // Only its name goes into the code.
          formats: { size: () => true },
          code: { source: true, esm: true, formats: _`sizeFormats` },
        });
        const code = standaloneCode(ajv, ajv.compile(await readJson(schemaFile)));
        return {
          contents: `import { sizeFormats } from './size-formats.js';\n${code}\nexport const schemaValidator = () => validate;\n`,
          loader: 'js',
          resolveDir: dirname(path),
          watchFiles: [schemaFile, optionsFile],
        };
      });
    },
  };
}
