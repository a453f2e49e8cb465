/** Values at the ends of the lines that have been stepped over. */
import * as vscode from 'vscode';
import { DEBUG_TYPE } from './launch.ts';
import { functionStart, namesBefore } from './variable-names.ts';

interface Scope {
  readonly name: string;
  readonly variablesReference: number;
}

interface Variable {
  readonly name: string;
  readonly value: string;
}

/** Scopes whose members stand in the text by their names. */
const OF_THE_TEXT: ReadonlySet<string> = new Set(['Locals', 'Arguments']);
/** What a line still has room for. */
const LONGEST = 60;

export class InlineValues implements vscode.InlineValuesProvider {
  async provideInlineValues(
    document: vscode.TextDocument,
    viewport: vscode.Range,
    { frameId, stoppedLocation }: vscode.InlineValueContext,
  ): Promise<vscode.InlineValue[]> {
    const session = vscode.debug.activeDebugSession;
    if (session?.type !== DEBUG_TYPE) return [];
    const values = await valuesOf(session, frameId);
    const lines = document.getText().split(/\r?\n/);
    const last = stoppedLocation.end.line;
    const names = namesBefore(lines, functionStart(lines, last), last, new Set(values.keys()));
    return names
      .filter(({ line }) => line >= viewport.start.line && line <= viewport.end.line)
      .map(({ name, line, character }) => {
        const range = new vscode.Range(line, character, line, character + name.length);
        return new vscode.InlineValueText(range, `${name} = ${shortened(values.get(name) ?? '')}`);
      });
  }
}

const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

async function valuesOf(session: vscode.DebugSession, frameId: number): Promise<Map<string, string>> {
  const { scopes }: { scopes: readonly Scope[] } = await session.customRequest('scopes', { frameId });
  const lists = await Promise.all(
    scopes
      .filter(({ name }) => OF_THE_TEXT.has(name))
      .map(async ({ variablesReference }) => {
        const body: { variables: readonly Variable[] } = await session.customRequest('variables', {
          variablesReference,
        });
        return body.variables;
      }),
  );
  return new Map(lists.flat().map(({ name, value }) => [name, value]));
}
