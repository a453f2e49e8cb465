/**
 * The schema of scenario files as a function. In the bundles this module is what it would compile: the build
 * (scripts/precompile-schema.mjs) runs the compiler, which takes longer than many a scenario.
 */
import { Ajv, type ValidateFunction } from 'ajv';
import schema from '../../../../grammars/scenario.schema.json' with { type: 'json' };
import options from './schema-options.json' with { type: 'json' };
import { sizeFormats } from './size-formats.js';

let compiled: ValidateFunction | undefined;

export function schemaValidator(): ValidateFunction {
  compiled ??= new Ajv({ ...options, formats: sizeFormats, code: { optimize: false } }).compile(schema);
  return compiled;
}
