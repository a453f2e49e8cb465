/** Starts the debugger on a scenario. */
import * as vscode from 'vscode';
import type { GmemLaunch } from '../protocol.ts';

export const DEBUG_TYPE = 'gmem';

/** @returns whether it started */
export async function debugScenario(
  launch: Omit<GmemLaunch, 'overlays'>,
  test?: vscode.TestRun,
): Promise<boolean> {
  const { scenario, variant, stopAtFunction } = launch;
  const short = scenario.replace(/^.*[\\/]/, '').replace(/(\.gmem)?\.ya?ml$/, '');
  const configuration: vscode.DebugConfiguration = {
    type: DEBUG_TYPE,
    request: 'launch',
    name: `${short}${variant === undefined ? '' : `@${variant}`}${stopAtFunction === undefined ? '' : `, ${stopAtFunction}`}`,
    ...launch,
    // Who wants to step through a function wants to be there at once.
    stopOnEntry: launch.stopOnEntry ?? stopAtFunction === undefined,
  };
  const [folder] = vscode.workspace.workspaceFolders ?? [];
  return vscode.debug.startDebugging(folder, configuration, test ? { testRun: test } : {});
}

/** Texts of C and scenarios that aren't saved, by path: what is run is what is seen. */
export function unsavedTexts(): Record<string, string> {
  return Object.fromEntries(
    vscode.workspace.textDocuments
      .filter(({ uri, isDirty }) => isDirty && uri.scheme === 'file' && /\.([chS]|ya?ml)$/.test(uri.fsPath))
      .map((document) => [document.uri.fsPath, document.getText()]),
  );
}
