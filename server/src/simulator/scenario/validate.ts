/** What the schema says against a file, in words: one problem a mistake, with what was probably meant. */
import type { ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import type { ScenarioDocument } from './document.js';
import type { ScenarioProblem, TextRange } from './problem.js';
import { schemaValidator } from './schema-validator.js';

type Path = readonly (string | number)[];

export function schemaProblems(document: ScenarioDocument): ScenarioProblem[] {
  const validate = schemaValidator();
  if (validate(document.values)) return [];
  return (validate.errors ?? []).map((error) => describe(document, error));
}

function describe(document: ScenarioDocument, error: ErrorObject): ScenarioProblem {
  const path = pathOf(error.instancePath, document.values);
  const at = document.valueAt(path);
  const name = nameOf(path) ?? 'the scenario';
  const value = shown(error.data);
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(document, path, error);
    case 'required':
      return problem(
        at,
        `${name} has no \`${error.params.missingProperty}\``,
        `add \`${error.params.missingProperty}:\``,
      );
    case 'enum': {
      const allowed = (error.params.allowedValues as unknown[]).map(String);
      const what = name.replaceAll('`', '').replace(/^an /, '');
      return problem(at, `${value} is no ${what}`, meant(String(error.data), allowed));
    }
    case 'minimum':
      return problem(
        at,
        `${name} is ${value}, which is less than ${error.params.limit}`,
        `use ${error.params.limit} or more`,
      );
    case 'maximum':
      return problem(
        at,
        `${name} is ${value}, which is more than ${error.params.limit}`,
        `use ${error.params.limit} or less`,
      );
    case 'pattern':
      return problem(at, `${name} can't be ${value}`, exampleFor(error));
    case 'format':
      return problem(at, `${name} can't be ${value}: no machine is so large`, 'use 512G or less');
    case 'type':
      return problem(
        at,
        `${name} is ${value}, which is no ${typeWords(error.params.type)}`,
        exampleFor(error),
      );
    case 'minProperties':
      return problem(at, `${name} is empty`, 'say at least one thing, or leave it out');
    case 'uniqueItems':
      return problem(at, `${name} has the same entry twice`, 'keep one of them');
    default:
      return problem(at, `${name}: ${error.message ?? error.keyword}`, 'see the key’s description');
  }
}

function unknownKey(document: ScenarioDocument, path: Path, error: ErrorObject): ScenarioProblem {
  const key = String(error.params.additionalProperty);
  const parent = error.parentSchema as { properties?: object; patternProperties?: object };
  const known = Object.keys(parent.properties ?? {});
  const used = new Set(Object.keys(error.data as object));
  const where = `in ${nameOf(path) ?? 'a scenario'}`;
  const remedy =
    known.length > 0
      ? meant(
          key,
          known.filter((name) => !used.has(name)),
        )
      : `keys here look like ${Object.keys(parent.patternProperties ?? {}).join(', ') || 'nothing: it takes none'}`;
  return problem(document.keyAt(path, key), `there is no key \`${key}\` ${where}`, remedy);
}

/** `did you mean X?` where something is near, else what there is. */
export function meant(word: string, known: readonly string[]): string {
  const near = known.length > 0 ? closest(word.toLowerCase(), [...known]) : undefined;
  if (near !== undefined && distance(word.toLowerCase(), near) <= Math.max(2, Math.floor(near.length / 3)))
    return `did you mean \`${near}\`?`;
  return known.length > 0 ? `use one of ${known.join(', ')}` : 'remove it';
}

function exampleFor(error: ErrorObject): string {
  const pattern = String((error.parentSchema as { pattern?: string }).pattern ?? '');
  if (pattern.includes('[KMGT]')) return 'write bytes as 4096, 0x4000, 4K, 2M or 1G';
  if (pattern.includes('ok|any')) return 'write ok, any or an errno such as EINVAL';
  if (pattern !== '') return `it must match ${pattern}`;
  return `give ${typeWords((error.params as { type?: string | string[] }).type ?? 'value')}`;
}

const typeWords = (type: string | string[]): string =>
  [type]
    .flat()
    .map(
      (each) => ({ array: 'list', object: 'mapping', string: 'text', integer: 'whole number' })[each] ?? each,
    )
    .join(' or ');

const problem = (at: TextRange, message: string, remedy: string): ScenarioProblem => ({
  ...at,
  message,
  remedy,
});

function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 40 ? `${text.slice(0, 37)}…` : text;
}

/** The key that a path ends with; `undefined` for the whole file. */
function nameOf(path: Path): string | undefined {
  const last = path.at(-1);
  if (last === undefined) return undefined;
  return typeof last === 'number' ? `an entry of ${nameOf(path.slice(0, -1)) ?? 'the list'}` : `\`${last}\``;
}

/** A JSON pointer as steps; a step into a list is a number. */
function pathOf(pointer: string, root: unknown): Path {
  const steps: (string | number)[] = [];
  let value = root;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    steps.push(Array.isArray(value) ? Number(key) : key);
    value = (value as Record<string, unknown> | undefined)?.[key];
  }
  return steps;
}
