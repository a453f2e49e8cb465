/** `check --format sarif` against what the SARIF 2.1.0 standard asks of the parts that it uses. */
import { Ajv } from 'ajv';
import { beforeAll, describe, expect, test } from 'vitest';
import { faulty, gmemLens, referenceKernel, treeOf } from '../support/cli.ts';

const message = {
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string', minLength: 1 } },
};

/** Sections 3.28 to 3.30: lines and columns count from 1, a URI is a relative reference. */
const location = {
  type: 'object',
  required: ['physicalLocation'],
  properties: {
    physicalLocation: {
      type: 'object',
      required: ['artifactLocation', 'region'],
      properties: {
        artifactLocation: {
          type: 'object',
          required: ['uri'],
          properties: {
            uri: { type: 'string', pattern: '^(?!/)(?!\\w+:)[^\\\\ ]+$' },
            uriBaseId: { type: 'string' },
          },
          additionalProperties: false,
        },
        region: {
          type: 'object',
          required: ['startLine'],
          properties: {
            startLine: { type: 'integer', minimum: 1 },
            startColumn: { type: 'integer', minimum: 1 },
          },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    },
    message,
  },
  additionalProperties: false,
};

/** Sections 3.36 to 3.38: a thread flow has one location at least. */
const codeFlow = {
  type: 'object',
  required: ['threadFlows'],
  properties: {
    threadFlows: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        required: ['locations'],
        properties: {
          locations: {
            type: 'array',
            minItems: 1,
            items: { type: 'object', properties: { location }, additionalProperties: false },
          },
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};

const result = {
  type: 'object',
  required: ['message', 'ruleId', 'level', 'locations'],
  properties: {
    ruleId: { type: 'string' },
    ruleIndex: { type: 'integer', minimum: 0 },
    level: { enum: ['none', 'note', 'warning', 'error'] },
    message,
    locations: { type: 'array', minItems: 1, items: location },
    codeFlows: { type: 'array', items: codeFlow },
    partialFingerprints: { type: 'object', additionalProperties: { type: 'string' } },
  },
  additionalProperties: false,
};

const rule = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string', minLength: 1 },
    shortDescription: message,
    fullDescription: message,
    help: { ...message, properties: { ...message.properties, markdown: { type: 'string' } } },
    helpUri: { type: 'string' },
    defaultConfiguration: { type: 'object' },
    properties: { type: 'object' },
  },
  additionalProperties: false,
};

const log = {
  type: 'object',
  required: ['version', 'runs'],
  properties: {
    $schema: { type: 'string' },
    version: { const: '2.1.0' },
    runs: {
      type: 'array',
      items: {
        type: 'object',
        required: ['tool', 'results'],
        properties: {
          tool: {
            type: 'object',
            required: ['driver'],
            properties: {
              driver: {
                type: 'object',
                required: ['name'],
                properties: {
                  name: { type: 'string', minLength: 1 },
                  version: { type: 'string' },
                  informationUri: { type: 'string' },
                  rules: { type: 'array', uniqueItems: true, items: rule },
                },
                additionalProperties: false,
              },
            },
          },
          columnKind: { enum: ['utf16CodeUnits', 'unicodeCodePoints'] },
          originalUriBaseIds: { type: 'object' },
          results: { type: 'array', items: result },
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};

interface Sarif {
  runs: {
    tool: { driver: { rules: { id: string }[] } };
    results: { ruleId: string; ruleIndex: number; level: string }[];
  }[];
}

function expectValid(text: string): Sarif {
  const ajv = new Ajv({ allErrors: true, strict: false });
  const validate = ajv.compile(log);
  const document: unknown = JSON.parse(text);
  validate(document);
  expect(validate.errors).toBeNull();
  return document as Sarif;
}

describe('with findings', () => {
  let sarif: Sarif;
  beforeAll(async () => {
    const { status, stdout, stderr } = await gmemLens(
      'check',
      referenceKernel,
      ...faulty,
      '--format',
      'sarif',
    );
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    sarif = expectValid(stdout);
  });

  test('every result names a rule of the tool, by id and by index', () => {
    const [{ tool, results }] = sarif.runs as [Sarif['runs'][0]];
    expect(results.length).toBeGreaterThan(0);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
  });

  test('warnings and information have levels of their own', () => {
    const levels = new Set(sarif.runs[0]!.results.map(({ level }) => level));
    expect([...levels].sort()).toEqual(['note', 'warning']);
  });
});

test('with a finding that has no path', async () => {
  const tree = await treeOf({
    'include/linux/fs.h':
      'struct address_space_operations { void (*free_folio)(struct folio *); int (*x)(void); };\n',
    'virt/kvm/guest_memfd.c': `#include <linux/fs.h>
int rmp_make_private(unsigned long pfn);
static int kvm_gmem_prepare_folio(struct folio *folio)
{
	return rmp_make_private(1);
}
int kvm_gmem_get_pfn(struct folio *folio)
{
	return kvm_gmem_prepare_folio(folio);
}
static const struct address_space_operations kvm_gmem_aops = {
	.x = 0,
};
`,
  });
  const { stdout } = await gmemLens('check', tree, '--format', 'sarif');
  const { runs } = expectValid(stdout);
  expect(runs[0]!.results.map(({ ruleId }) => ruleId)).toEqual(['free-without-rmp-reset']);
});

test('without findings: a run with no results', async () => {
  const tree = await treeOf({ 'virt/kvm/a.c': 'void f(void)\n{\n}\n' });
  const { status, stdout } = await gmemLens('check', tree, '--format', 'sarif');
  expect(status).toBe(0);
  expect(expectValid(stdout).runs).toEqual([expect.objectContaining({ results: [] })]);
});
