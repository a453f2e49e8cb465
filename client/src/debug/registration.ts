/** All that belongs to debug sessions of the type `gmem`. */
import * as vscode from 'vscode';
import type { Server } from '../server.ts';
import { GmemAdapter } from './adapter.ts';
import { GmemConfigurations } from './configurations.ts';
import { explainStep } from './explain-step.ts';
import { InlineValues } from './inline-values.ts';
import { DEBUG_TYPE } from './launch.ts';

export function registerDebugging(context: vscode.ExtensionContext, server: Server): vscode.Disposable {
  const configurations = new GmemConfigurations(server);
  return vscode.Disposable.from(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations),
    vscode.debug.registerDebugConfigurationProvider(
      DEBUG_TYPE,
      configurations,
      vscode.DebugConfigurationProviderTriggerKind.Dynamic,
    ),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new GmemAdapter(context)),
    vscode.languages.registerInlineValuesProvider(
      [{ language: 'c' }, { language: 'cpp' }],
      new InlineValues(),
    ),
    vscode.commands.registerCommand('gmemLens.explainStep', explainStep),
  );
}
