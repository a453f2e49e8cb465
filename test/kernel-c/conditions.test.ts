import { describe, expect, test } from 'vitest';
import {
  configurationOf,
  evaluateCondition,
  parseDotConfig,
  withSymbols,
} from '../../server/src/kernel-c/conditions.ts';

const known = configurationOf(
  { CONFIG_KVM: 'y', CONFIG_KVM_AMD: 'm', CONFIG_X86_32: 'n', PTTYPE: '64' },
  false,
  'test',
);
const truth = (text: string) => evaluateCondition(text, known);

describe('a condition', () => {
  test.each([
    ['1', 'true'],
    ['0', 'false'],
    ['defined(CONFIG_KVM)', 'true'],
    ['defined CONFIG_KVM', 'true'],
    ['!defined(CONFIG_X86_32)', 'true'],
    ['IS_ENABLED(CONFIG_KVM_AMD)', 'true'],
    ['IS_ENABLED(CONFIG_X86_32)', 'false'],
    ['PTTYPE == 64', 'true'],
    ['PTTYPE == 32', 'false'],
    ['PTTYPE == PTTYPE_EPT', 'unknown'],
    ['CONFIG_KVM && UNHEARD_OF', 'unknown'],
    ['!CONFIG_KVM && UNHEARD_OF', 'false'],
    ['CONFIG_KVM || UNHEARD_OF', 'true'],
    ['defined(UNHEARD_OF)', 'unknown'],
    ['PTTYPE > 16 + 2 * 8', 'true'],
    ['-1 < 0 && ~0 == -1', 'true'],
    ['0x10 == 16UL', 'true'],
    ['1 << 4 == 16', 'true'],
    ['1 / 0', 'unknown'],
    ['GCC_VERSION(1, 2) > 3', 'unknown'],
    ['__has_attribute(__x__) /* really */ && 0', 'false'],
    ['', 'unknown'],
    ['(', 'unknown'],
    ['&& ||', 'unknown'],
    ['defined(', 'unknown'],
  ])('%s is %s', (text, expected) => expect(truth(text)).toBe(expected));
});

test('a symbol that no list names is on, unless the list is a whole configuration', () => {
  expect(truth('CONFIG_NEVER_SEEN')).toBe('true');
  expect(evaluateCondition('CONFIG_NEVER_SEEN', configurationOf({}, true, 'closed'))).toBe('false');
});

test('symbols of one file go before those of the tree', () => {
  const inner = withSymbols(
    known,
    new Map([
      ['PTTYPE', 32],
      ['CONFIG_KVM', undefined],
    ]),
    'inner',
  );
  expect(evaluateCondition('PTTYPE == 32', inner)).toBe('true');
  expect(evaluateCondition('defined(CONFIG_KVM)', inner)).toBe('false');
  expect(evaluateCondition('CONFIG_KVM_AMD', inner)).toBe('true');
  expect(inner.key).not.toBe(known.key);
});

test('a .config', () => {
  expect(
    parseDotConfig(
      '# a comment\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D="x y"\nCONFIG_E=0x10\nnonsense\n',
    ),
  ).toEqual({ CONFIG_A: 'y', CONFIG_B: 'm', CONFIG_C: 'n', CONFIG_D: 'x y', CONFIG_E: '0x10' });
});

test('conditions nested beyond reason are unknown', () => {
  expect(truth(`${'('.repeat(100_000)}1`)).toBe('unknown');
  expect(truth(`${'!'.repeat(100_000)}1`)).toBe('unknown');
});
