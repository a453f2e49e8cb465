/** Which scenario is meant, where several could be. */
import * as vscode from 'vscode';
import type { LensScenario, ScenarioChoice, ScenarioItem } from '../protocol.ts';

interface Pick extends vscode.QuickPickItem {
  readonly scenario?: LensScenario;
}

/** Of those that pass through a function; without a question where there is only one. */
export async function pickPassing(
  choices: readonly ScenarioChoice[],
  title: string,
): Promise<LensScenario | undefined> {
  const [only] = choices;
  if (choices.length <= 1) return only;
  const groups = [
    ['ran', 'went through it in their last run'],
    ['may', 'may go through it'],
  ] as const;
  const picks = groups.flatMap(([how, label]): Pick[] => {
    const group = choices.filter((choice) => choice.how === how);
    if (group.length === 0) return [];
    return [
      { label, kind: vscode.QuickPickItemKind.Separator },
      ...group.map((choice) => pickOf(choice.name, choice.rows, choice.title, choice)),
    ];
  });
  return ask(picks, title);
}

/** Of all scenarios with their variants; those with mistakes are left out. */
export function pickAny(items: readonly ScenarioItem[], title: string): Promise<LensScenario | undefined> {
  const groups = [
    { label: 'workspace', items: items.filter(({ bundled }) => !bundled) },
    { label: 'library', items: items.filter(({ bundled }) => bundled) },
  ];
  const picks = groups.flatMap((group): Pick[] => {
    const sound = group.items.filter(({ problems }) => problems.length === 0);
    if (sound.length === 0) return [];
    return [
      { label: group.label, kind: vscode.QuickPickItemKind.Separator },
      ...sound.flatMap((item) => [
        pickOf(item.name, item.rows, item.title, { scenario: item.id }),
        ...item.variants.map((variant) =>
          pickOf(`${item.name}@${variant.name}`, item.rows, variant.about, {
            scenario: item.id,
            variant: variant.name,
          }),
        ),
      ]),
    ];
  });
  return ask(picks, title);
}

function pickOf(
  label: string,
  rows: readonly string[],
  detail: string,
  { scenario, variant }: LensScenario,
): Pick {
  return {
    label,
    description: rows.join(', '),
    detail,
    scenario: { scenario, ...(variant !== undefined && { variant }) },
  };
}

async function ask(picks: readonly Pick[], title: string): Promise<LensScenario | undefined> {
  const options = { title, matchOnDescription: true, matchOnDetail: true, placeHolder: 'Scenario' };
  return (await vscode.window.showQuickPick(picks, options))?.scenario;
}
