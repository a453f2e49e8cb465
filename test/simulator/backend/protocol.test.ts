/** Types, schema and document of the simulator's protocol say the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import schema from '../../../grammars/simulator-protocol.schema.json' with { type: 'json' };
import { checked, ShapeError } from '../../../server/src/simulator/backend/checked.ts';
import { PROTOCOL_VERSION, SimulatorErrors } from '../../../server/src/simulator/backend/protocol.ts';
import { type Shape, shapesOf } from '../../support/protocol-shapes.ts';

const folder = 'server/src/simulator/backend';
const document = join(import.meta.dirname, '..', '..', '..', 'docs', 'simulator-protocol.md');
const simulator = shapesOf(`${folder}/protocol.ts`);
const debug = shapesOf(`${folder}/debug-protocol.ts`);
const shapes = new Map([...simulator, ...debug].map((shape) => [shape.name, shape]));
const REFERENCE = '## Reference\n';

const cell = (text: string): string => text.replaceAll('|', '\\|');

function section({ name, about, members }: Shape): string {
  const rows = members.map(
    (member) =>
      `| \`${member.name}\`${member.optional ? '?' : ''} | \`${cell(member.type)}\` | ${cell(member.about)} |`,
  );
  return [
    `### ${name}`,
    '',
    ...(about === '' ? [] : [about, '']),
    '| | | |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

/** The reference is made of the types; `npx vitest run -u test/simulator/backend/protocol.test.ts` writes it anew. */
function reference(): string {
  const errors = Object.entries(SimulatorErrors).map(([name, code]) => `| \`${name}\` | ${code} |`);
  return [
    REFERENCE,
    `Version ${PROTOCOL_VERSION}. Made of ${folder}/protocol.ts and debug-protocol.ts; a question mark: may be missing.`,
    '',
    ...simulator.map(section),
    '### SimulatorErrors',
    '',
    '| | |',
    '|---|---|',
    ...errors,
    '',
    ...debug.map(section),
  ].join('\n');
}

test('the document describes every message and member', async () => {
  const [prose] = readFileSync(document, 'utf8').split(REFERENCE);
  await expect(`${prose}${reference()}`).toMatchFileSnapshot(document);
});

test('every shape that comes in is checked, member by member', () => {
  const definitions = Object.entries(schema.definitions).filter(([name]) => /^[A-Z]/.test(name));
  const incoming = [...shapes.keys()].filter((name) => /(Params|Arguments|Launch)$/.test(name));
  expect(definitions.map(([name]) => name).sort()).toEqual([...incoming, 'DebugEnd', 'DebugMessage'].sort());
  for (const [name, definition] of definitions) {
    const { properties, required = [] } = definition as { properties: object; required?: string[] };
    const members = shapes.get(name)?.members ?? [];
    expect(Object.keys(properties), name).toEqual(members.map((member) => member.name));
    const needed = members.filter(({ optional }) => !optional).map((member) => member.name);
    expect(required, name).toEqual(needed);
  }
});

test('the schema is one, and refuses by name', () => {
  expect(() => new Ajv({ strict: true }).addSchema(schema, 'protocol').getSchema('protocol')).not.toThrow();
  expect(checked('RunParams', { scenario: 'x', later: 1 })).toEqual({ scenario: 'x', later: 1 });
  const refusal = (shape: Parameters<typeof checked>[0], value: unknown): string => {
    try {
      checked(shape, value);
      return '';
    } catch (error) {
      expect(error).toBeInstanceOf(ShapeError);
      return (error as Error).message;
    }
  };
  expect(refusal('RunParams', {})).toBe("it must have required property 'scenario'");
  expect(refusal('RunParams', { scenario: 'x', overlays: { '/a.c': 3 } })).toBe(
    'overlays./a.c must be string',
  );
  expect(refusal('MachineViewArguments', { space: 'moon' })).toBe('space must be one of guest, host');
  expect(refusal('GoToArguments', { position: -1 })).toBe('position must be >= 0');
  expect(refusal('InitializeParams', 7)).toBe('it must be object');
});
