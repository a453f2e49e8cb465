/** Launch configurations of the debugger: filled in by a picker where they leave something open. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { LensScenario, RunTarget } from '../protocol.ts';
import { pickAny } from '../scenarios/pick.ts';
import type { Server } from '../server.ts';
import { mayRun } from '../trust.ts';
import { DEBUG_TYPE, unsavedTexts } from './launch.ts';

export class GmemConfigurations implements vscode.DebugConfigurationProvider {
  constructor(private readonly server: Server) {}

  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    return [
      { type: DEBUG_TYPE, request: 'launch', name: 'Step through a scenario', scenario: '' },
      {
        type: DEBUG_TYPE,
        request: 'launch',
        name: 'Punch a hole over a private page',
        scenario: 'punch-hole-private-page',
        stopAtFunction: 'kvm_gmem_punch_hole',
      },
    ];
  }

  async resolveDebugConfiguration(
    folder: vscode.WorkspaceFolder | undefined,
    given: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration | undefined> {
    if (!mayRun()) return undefined;
    // Without a launch.json nothing is given.
    const configuration = given.type
      ? given
      : { ...given, type: DEBUG_TYPE, request: 'launch', name: 'Step through a scenario' };
    const named = textOf(configuration.scenario);
    if (named !== undefined) return { ...configuration, scenario: pathIn(folder, named) };
    const chosen = await this.pick();
    if (!chosen) return undefined;
    const target = hasTarget(configuration) ? {} : await this.pickTarget(chosen);
    return target && { ...configuration, ...chosen, ...target };
  }

  async resolveDebugConfigurationWithSubstitutedVariables(
    folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<vscode.DebugConfiguration> {
    const scenario = pathIn(folder, textOf(configuration.scenario) ?? '');
    const tree = textOf(configuration.tree);
    const target = hasTarget(configuration) ? {} : await this.usualTarget({ scenario });
    return {
      ...configuration,
      scenario,
      ...target,
      ...(tree !== undefined && { tree: pathIn(folder, tree) }),
      overlays: unsavedTexts(),
    };
  }

  private async pick(): Promise<LensScenario | undefined> {
    const items = await this.server.ask('gmemLens/scenarios', undefined);
    if (items) return pickAny(items, 'Step through a scenario');
    void vscode.window.showErrorMessage(
      'Guest Memory Lens lists scenarios once a kernel tree is open. Name one as `scenario` in launch.json, or open a tree.',
    );
    return undefined;
  }

  /** Where a scenario can be carried out on both: the open tree, or the reference kernel? */
  private async pickTarget(chosen: LensScenario): Promise<RunTarget | undefined> {
    const open = await this.server.ask('gmemLens/runTarget', { ...chosen, on: 'open' });
    const reference = await this.server.ask('gmemLens/runTarget', { ...chosen, on: 'reference' });
    if (open?.tree === undefined || open.tree === reference?.tree) return reference ?? {};
    const picks = [
      { label: 'The open tree', description: open.tree, target: open },
      { label: 'The reference kernel', target: reference ?? {} },
    ];
    return (await vscode.window.showQuickPick(picks, { title: 'Which kernel?' }))?.target;
  }

  private async usualTarget(scenario: LensScenario): Promise<RunTarget> {
    try {
      return (await this.server.ask('gmemLens/runTarget', { ...scenario, on: 'reference' })) ?? {};
    } catch {
      // The debug adapter says what is wrong with the scenario.
      return {};
    }
  }
}

const hasTarget = ({ tree, design }: vscode.DebugConfiguration): boolean =>
  textOf(tree) !== undefined || textOf(design) !== undefined;

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** A file of the workspace by its path from there; a name of the library, and what has variables, stay as they are. */
function pathIn(folder: vscode.WorkspaceFolder | undefined, text: string): string {
  if (folder === undefined || text === '' || isAbsolute(text) || text.includes('${')) return text;
  const path = join(folder.uri.fsPath, text);
  return existsSync(path.replace(/@[\w-]+$/, '')) ? path : text;
}
