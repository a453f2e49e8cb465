/** The commands and settings that the manifest offers are those that the server speaks of. */
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import * as protocol from '../../server/src/lsp/protocol.ts';
import { allRules } from '../../server/src/rules/all-rules.ts';

test('the commands that the server names are those that the extension has', () => {
  const named = Object.values(protocol).filter((value) => typeof value === 'string');
  expect(named.length).toBeGreaterThan(2);
  expect(manifest.contributes.commands.map((entry) => entry.command)).toEqual(expect.arrayContaining(named));
});

test('the setting of severities proposes every rule', () => {
  const { properties } = manifest.contributes.configuration.properties['gmemLens.rules'];
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(allRules.map(({ id }) => id)));
});
