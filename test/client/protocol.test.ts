/** Client and server each describe their messages: VS Code's client must not import the server, nor the other way. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import { allRules } from '../../server/src/rules/all-rules.ts';

interface Protocol {
  /** Members by interface, as `name: type`; whether they are optional is left out. */
  readonly interfaces: ReadonlyMap<string, readonly string[]>;
  /** Members without which a message can't be. */
  readonly required: ReadonlyMap<string, readonly string[]>;
  /** Messages: `new NotificationType<…>('…')`. */
  readonly messages: ReadonlyMap<string, string>;
}

const client = readProtocol('client/src/protocol.ts');
const server = readProtocol('server/src/lsp/protocol.ts');

function readProtocol(path: string): Protocol {
  const text = readFileSync(join(import.meta.dirname, '..', '..', path), 'utf8');
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const interfaces = new Map<string, string[]>();
  const required = new Map<string, string[]>();
  const messages = new Map<string, string>();
  for (const statement of source.statements) {
    if (ts.isInterfaceDeclaration(statement)) {
      const members = statement.members.filter(ts.isPropertySignature);
      const nameOf = (member: ts.PropertySignature) => member.name.getText(source);
      const described = members.map((member) => `${nameOf(member)}: ${member.type?.getText(source)}`);
      interfaces.set(statement.name.text, described.sort());
      required.set(statement.name.text, members.filter(({ questionToken }) => !questionToken).map(nameOf));
    }
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (initializer && ts.isNewExpression(initializer))
        messages.set(name.getText(source), initializer.getText(source));
    }
  }
  return { interfaces, required, messages };
}

test('both sides know the same messages', () => {
  expect(client.messages.size).toBeGreaterThan(0);
  expect([...client.messages]).toEqual([...server.messages]);
});

test('what both describe has the same members', () => {
  const shared = [...client.interfaces.keys()].filter((name) => server.interfaces.has(name));
  expect(shared).toEqual(
    expect.arrayContaining(['InitializationOptions', 'Status', 'LockMarks', 'LockPathParams', 'LockPath']),
  );
  for (const name of shared) expect(client.interfaces.get(name)).toEqual(server.interfaces.get(name));
});

test('who receives asks for no more than who sends gives', () => {
  const clientSends = client.required.get('InitializationOptions');
  for (const name of server.required.get('InitializationOptions') ?? []) expect(clientSends).toContain(name);
  const serverSends = server.required.get('Status');
  for (const name of client.required.get('Status') ?? []) expect(serverSends).toContain(name);
});

test('the commands that the server names are those that the extension has', () => {
  const text = readFileSync(
    join(import.meta.dirname, '..', '..', 'server', 'src', 'lsp', 'protocol.ts'),
    'utf8',
  );
  const named = [...text.matchAll(/^export const [A-Z_]+ = '([^']+)'/gm)].map(([, command]) => command);
  expect(named.length).toBeGreaterThan(2);
  expect(manifest.contributes.commands.map((entry) => entry.command)).toEqual(expect.arrayContaining(named));
});

test('the setting of severities proposes every rule', () => {
  const { properties } = manifest.contributes.configuration.properties['gmemLens.rules'];
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(allRules.map(({ id }) => id)));
});
