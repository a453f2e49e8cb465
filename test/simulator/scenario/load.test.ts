/** Scenario files: what is read from them, and what is said about mistakes. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import schema from '../../../grammars/scenario.schema.json' with { type: 'json' };
import { COUNTER_NAMES } from '../../../server/src/simulator/machine/counters.ts';
import { HAZARD_KINDS } from '../../../server/src/simulator/machine/hazards.ts';
import { loadScenario } from '../../../server/src/simulator/scenario/load.ts';
import { withVariant } from '../../../server/src/simulator/scenario/model.ts';
import { formatProblem } from '../../../server/src/simulator/scenario/problem.ts';
import { formatSize, parseSize } from '../../../server/src/simulator/scenario/sizes.ts';

const library = join(import.meta.dirname, '../../../server/scenarios');

/** A scenario that is right; tests add to it or replace keys. */
const GOOD = `scenario: A title
platform: snp
memory: 64M
files: [{name: gmem, size: 4M}]
slots:
  - {id: 0, gpa: 0x100000, size: 2M, file: gmem}
  - {id: 1, gpa: 8M, size: 2M, file: gmem, offset: 2M}
actors:
  vmm:
    - punch-hole: {file: gmem, offset: 4K, size: 4K}
`;

function load(text: string, others: Record<string, string> = {}) {
  const files: Record<string, string> = { 'main.yaml': text, ...others };
  return loadScenario('main.yaml', (path) => files[path]);
}

/** Problems as the command line prints them. */
const problemsOf = (text: string, others?: Record<string, string>): string[] =>
  load(text, others).problems.map(formatProblem);

describe('the library', () => {
  test.each(readdirSync(library).filter((name) => name.endsWith('.yaml')))('%s is right', (name) => {
    const { problems, scenario } = loadScenario(name, (path) => readFileSync(join(library, path), 'utf8'));
    expect(problems.map(formatProblem)).toEqual([]);
    expect(scenario?.rows.length).toBeGreaterThan(0);
  });
});

describe('what is read', () => {
  test('sizes are bytes however they are written, and defaults are filled in', () => {
    const { scenario } = load(GOOD);
    expect(scenario).toMatchObject({
      title: 'A title',
      memory: 64 * 2 ** 20,
      vcpus: 1,
      backing: '4k',
      design: 'guest-memfd',
      slots: [
        { gpa: 0x100000, size: 2 ** 21, offset: 0, readOnly: false },
        { gpa: 2 ** 23, offset: 2 ** 21 },
      ],
    });
    expect(scenario?.actors[0]?.actions[0]).toMatchObject({
      do: 'punch-hole',
      offset: 4096,
      size: 4096,
      expect: 'ok',
      at: { file: 'main.yaml', line: 10 },
    });
  });

  test('attributes in all their forms', () => {
    const { scenario } = load(`${GOOD}    - set-attributes: {gpa: 8M, to: private}
    - set-attributes: {gpa: 8M, attributes: [private, no-write], operation: or}
    - set-attributes: {gpa: 8M, to: shared, flags: 1}
      expect: EINVAL
`);
    const [, first, second, third] = scenario!.actors[0]!.actions;
    expect(first).toMatchObject({ attributes: ['private'], flags: 0, size: 4096 });
    expect(second).toMatchObject({ attributes: ['private', 'no-write'], operation: 'or' });
    expect(third).toMatchObject({ attributes: [], flags: 1, expect: 'EINVAL' });
  });

  test('an included file holds where this one is silent, and tells its own places', () => {
    const base =
      'platform: tdx\nmemory: 1G\nfiles: [{name: gmem, size: 4M}]\nactors:\n  vmm:\n    - destroy-vm: {}\n';
    const own = 'include: base.yaml\nscenario: Mine\nmemory: 2G\n';
    const { scenario, files } = load(own, { 'base.yaml': base });
    expect(scenario).toMatchObject({ title: 'Mine', platform: 'tdx', memory: 2 ** 31 });
    expect(scenario?.actors[0]?.actions[0]?.at).toMatchObject({ file: 'base.yaml', line: 6 });
    expect(files).toEqual(['main.yaml', 'base.yaml']);
  });

  test('a variant is the scenario with its own options and expectations', () => {
    const { scenario } = load(`${GOOD}options: {directmap: split, hook: get-pfn}
expect: {outcome: ok}
variants:
  wrong:
    options: {hook: set-attributes}
    expect: {outcome: violation, hazards: [{kind: sleeping-while-atomic, count: {at-least: 2}}]}
`);
    const wrong = withVariant(scenario!, 'wrong');
    expect(wrong?.options).toEqual({ directmap: 'split', hook: 'set-attributes' });
    expect(wrong?.expect).toMatchObject({
      outcome: 'violation',
      hazards: [{ kind: 'sleeping-while-atomic', count: { atLeast: 2, atMost: Number.POSITIVE_INFINITY } }],
    });
    expect(withVariant(scenario!, 'nope')).toBeUndefined();
  });
});

test('a schedule says who runs up to where', () => {
  const { scenario } = load(`${GOOD}schedule:
  - {run: vmm, until: kvm_gmem_invalidate_begin, at: return}
  - {run: vmm}
`);
  expect(scenario?.schedule).toMatchObject([
    { run: 'vmm', until: 'kvm_gmem_invalidate_begin', where: 'return', nth: 1, at: { line: 12 } },
    { run: 'vmm', where: 'enter' },
  ]);
  expect(scenario?.designs).toEqual(['guest-memfd', 'restrictedmem', 'memfile-notifier']);
});

describe('mistakes are told with their place and a remedy', () => {
  test.each<[string, string, string]>([
    [
      'an unknown key',
      `${GOOD}platfrom: snp\n`,
      'main.yaml:11:1: there is no key `platfrom` in a scenario; ',
    ],
    [
      'an unknown action',
      GOOD.replace('punch-hole', 'punch-hol'),
      'main.yaml:10:7: there is no key `punch-hol` in an entry of `vmm`; did you mean `punch-hole`?',
    ],
    [
      'an unknown platform',
      GOOD.replace('platform: snp', 'platform: snpp'),
      'main.yaml:2:11: snpp is no platform; did you mean `snp`?',
    ],
    [
      'a negative size',
      GOOD.replace('size: 2M, file: gmem}', 'size: -4096, file: gmem}'),
      'main.yaml:6:34: `size` is -4096, which is less than 0; use 0 or more',
    ],
    [
      'a negative size with a unit',
      GOOD.replace('memory: 64M', 'memory: -64M'),
      "main.yaml:3:9: `memory` can't be -64M; write bytes as 4096, 0x4000, 4K, 2M or 1G",
    ],
    [
      'a size that no number holds',
      GOOD.replace('size: 4K}', 'size: 9999999T}'),
      "main.yaml:10:50: `size` can't be 9999999T: no machine is so large; use 512G or less",
    ],
    [
      'overlapping slots',
      GOOD.replace('gpa: 8M', 'gpa: 0x200000'),
      'main.yaml:7:18: slot 1 (0x200000 to 0x400000) overlaps slot 0 (0x100000 to 0x300000); begin it at 0x300000 or later, or make one of them smaller',
    ],
    [
      '1 TB of memory',
      GOOD.replace('memory: 64M', 'memory: 1T'),
      'main.yaml:3:9: 1T of memory is more than a simulated machine has; use 512G at most; most scenarios show the same with 1G',
    ],
    [
      'a gpa outside of every slot',
      `${GOOD}  vcpu0:\n    - read: {gpa: 0x300000}\n`,
      'main.yaml:12:7: gpa 0x300000 is outside of every slot; slots are 0: 0x100000 to 0x300000, 1: 0x800000 to 0xa00000; or say `expect: EINVAL` if that is the point',
    ],
    [
      'a slot beyond its file',
      GOOD.replace('offset: 2M', 'offset: 3M'),
      'main.yaml:7:52: slot 1 needs 5M of file gmem, which has 4M; make the file larger or the slot smaller',
    ],
    [
      'a file that does not exist',
      GOOD.replace('{file: gmem, offset: 4K', '{file: gmen, offset: 4K'),
      'main.yaml:10:7: there is no file gmen; did you mean `gmem`?',
    ],
    [
      'a vCPU that does not exist',
      `${GOOD}  vcpu1:\n    - read: {gpa: 0x100000}\n`,
      'main.yaml:11:3: there is no vcpu1: the guest has 1 vCPU; add `vcpus: 2`, or use vcpu0',
    ],
    [
      'a guest’s action by the VMM',
      `${GOOD}    - read: {gpa: 0x100000}\n`,
      'main.yaml:11:7: only a vCPU can do `read`, and this is vmm; move it to `vcpu0:`, or use `host-read`',
    ],
    [
      'an action to wait for that does not exist',
      `${GOOD}      label: punched\n  vcpu0:\n    - read: {gpa: 0x100000}\n      after: vmm.punch\n`,
      'main.yaml:13:7: there is no action `vmm.punch` to wait for; did you mean `vmm.punched`?',
    ],
    [
      'two actions in one',
      GOOD.replace('size: 4K}\n', 'size: 4K}\n      destroy-vm: {}\n'),
      "main.yaml:11:7: one action can't be both `punch-hole` and `destroy-vm`; make it two entries of the list",
    ],
    [
      'a repetition that runs out of its slot',
      `${GOOD}    - repeat:\n        times: 600\n        stride: 4K\n        do: [{discard: {gpa: 0x100000}}]\n`,
      'main.yaml:14:14: gpa 0x357000 is outside of every slot (the last repetition gets there); slots are',
    ],
    [
      'an RMP state on a platform without RMP',
      `${GOOD.replace('snp', 'tdx')}expect:\n  final:\n    - {gpa: 0x100000, rmp: shared}\n`,
      'main.yaml:13:7: the platform tdx has no RMP; leave `rmp` out, or use `platform: snp`',
    ],
    [
      'a hazard that does not exist',
      `${GOOD}expect: {hazards: [{kind: rmp-violaton}]}\n`,
      'main.yaml:11:27: rmp-violaton is no kind; did you mean `rmp-violation`?',
    ],
    [
      'a turn of nobody',
      `${GOOD}schedule:\n  - {run: vcpu0, until: kvm_gmem_get_pfn}\n`,
      'main.yaml:12:5: there is no actor vcpu0 to run; use one of vmm',
    ],
    ['broken YAML', 'scenario: [1, 2\nplatform: snp\n', 'main.yaml:2:'],
    [
      'a key twice',
      `${GOOD}memory: 1G\n`,
      'main.yaml:11:1: this is not YAML: Map keys must be unique; keep one of the two',
    ],
    [
      'a missing key',
      GOOD.replace('memory: 64M\n', ''),
      'main.yaml:1:1: this scenario has no `memory`; add `memory: 1G`',
    ],
    ['no scenario at all', '- 1\n', 'main.yaml:1:1: this is no scenario; '],
    [
      'a missing include',
      `${GOOD}include: [nowhere.yaml]\n`,
      'main.yaml:11:11: there is no file nowhere.yaml to include; ',
    ],
  ])('%s', (_what, text, message) => {
    const problems = problemsOf(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
  });

  test('files that include each other', () => {
    const problems = problemsOf('include: sub/a.yaml\n', {
      'sub/a.yaml': 'include: [b.yaml]\n',
      'sub/b.yaml': 'memory: 1G\ninclude: ../main.yaml\n',
    });
    expect(problems).toEqual([
      'sub/b.yaml:2:10: files include each other in a circle: main.yaml → sub/a.yaml → sub/b.yaml → main.yaml; remove one of these includes',
    ]);
  });

  test('several mistakes are told at once, in order', () => {
    const text = GOOD.replace('snp', 'sev').replace('id: 0', 'idd: 0');
    expect(load(text).problems.map(({ line }) => line)).toEqual([2, 6, 6]);
  });
});

test('whatever a file says, it is read or refused with a place, never an exception', () => {
  const junk = fc.constantFrom(
    '',
    ':',
    '- ',
    '{',
    '}',
    '[',
    '*x',
    '&a ',
    '-1',
    '0x',
    '1e9',
    '~',
    '!!binary x',
    '\n',
    '  ',
    '"',
    '9999999999999999999',
  );
  const cut = fc.record({ at: fc.nat(GOOD.length), remove: fc.nat(12), insert: junk });
  fc.assert(
    fc.property(fc.array(cut, { minLength: 1, maxLength: 4 }), (cuts) => {
      let text = GOOD;
      for (const { at, remove, insert } of cuts) text = text.slice(0, at) + insert + text.slice(at + remove);
      const { scenario, problems } = load(text);
      expect(scenario === undefined).toBe(problems.length > 0);
      for (const { line, column, message, remedy } of problems) {
        expect(line).toBeGreaterThan(0);
        expect(column).toBeGreaterThan(0);
        expect(message).not.toMatch(/undefined|NaN|\[object/);
        expect(remedy).not.toBe('');
      }
    }),
    { numRuns: 400 },
  );
});

describe('sizes', () => {
  test.each<[unknown, number | undefined]>([
    ['4K', 4096],
    ['2M', 2 ** 21],
    ['2 MiB', 2 ** 21],
    ['0x4000', 0x4000],
    ['1G', 2 ** 30],
    [4096, 4096],
    ['0', 0],
    ['-1', undefined],
    ['2m', undefined],
    ['1.5G', undefined],
    ['9999999T', undefined],
  ])('%s', (written, bytes) => {
    expect(parseSize(written)).toBe(bytes);
    if (bytes !== undefined) expect(parseSize(formatSize(bytes))).toBe(bytes);
  });
});

describe('the schema', () => {
  test('is a JSON schema, and a strict one', () => {
    const ajv = new Ajv({
      strict: true,
      formats: { size: true },
      allowUnionTypes: true,
      keywords: ['enumDescriptions'],
    });
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(() => ajv.compile(schema)).not.toThrow();
  });

  test('knows every hazard and counter of the machine', () => {
    const kinds = schema.definitions.hazard.properties.kind.enum;
    expect(kinds).toEqual(expect.arrayContaining([...HAZARD_KINDS]));
    const counters = Object.keys(schema.definitions.expectation.properties.counters.properties);
    expect(counters).toEqual(expect.arrayContaining([...COUNTER_NAMES]));
  });

  test('says something about every key, for the editor', () => {
    const silent: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties } = node as { properties?: Record<string, { description?: string; $ref?: string }> };
      for (const [key, value] of Object.entries(properties ?? {}))
        if (typeof value === 'object' && !value.description && !value.$ref) silent.push(`${path}.${key}`);
      for (const [key, value] of Object.entries(node)) visit(value, `${path}.${key}`);
    };
    visit(schema, '');
    for (const [name, definition] of Object.entries(schema.definitions))
      if (!('description' in definition)) silent.push(name);
    expect(silent).toEqual([]);
  });
});
