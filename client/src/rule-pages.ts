/** "Explain Rule": what happens on the machine, where that is said, and how it is mended. */
import * as vscode from 'vscode';
import type { Server } from './server.ts';
import { section } from './settings.ts';

const SCHEME = 'gmem-lens-rule';
export const EXPLAIN_RULE = 'gmemLens.explainRule';

export class RulePages implements vscode.TextDocumentContentProvider {
  constructor(
    private readonly server: Server,
    private readonly extension: vscode.Extension<unknown>,
  ) {}

  register(): vscode.Disposable {
    return vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.commands.registerCommand(EXPLAIN_RULE, (rule?: string) => this.show(rule)),
    );
  }

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const rule = uri.path.replace(/^\//, '').replace(/\.md$/, '');
    const page = await this.server.ask('gmemLens/ruleExplanation', { rule });
    return page ?? `There is no page about ${rule}.`;
  }

  private async show(given?: string): Promise<void> {
    const rule = given ?? (await vscode.window.showQuickPick(this.rules, { title: 'Explain Rule' }));
    if (rule === undefined) return;
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${rule}.md` });
    try {
      await vscode.commands.executeCommand('markdown.showPreview', uri);
    } catch {
      // The built-in extension with the preview can be disabled.
      await vscode.window.showTextDocument(uri);
    }
  }

  /** As the setting's schema lists them. */
  private get rules(): string[] {
    const { contributes } = this.extension.packageJSON as {
      contributes: { configuration: { properties: Record<string, { properties?: object }> } };
    };
    return Object.keys(contributes.configuration.properties[`${section}.rules`]?.properties ?? {});
  }
}

/** A problem's code leads to its rule's page. */
export function linkRules(diagnostics: readonly vscode.Diagnostic[]): void {
  for (const diagnostic of diagnostics) {
    const { code } = diagnostic;
    const rule = typeof code === 'object' ? code.value : code;
    if (typeof rule !== 'string') continue;
    const argument = encodeURIComponent(JSON.stringify([rule]));
    diagnostic.code = { value: rule, target: vscode.Uri.parse(`command:${EXPLAIN_RULE}?${argument}`) };
  }
}
