/** "Explain This Step": the rule of the architecture or the kernel behind it, with its source. */
import * as vscode from 'vscode';
import type { Explanation } from '../protocol.ts';
import { DEBUG_TYPE } from './launch.ts';
import { askSession } from './requests.ts';

export async function explainStep(): Promise<void> {
  const session = vscode.debug.activeDebugSession;
  if (session?.type !== DEBUG_TYPE) {
    void vscode.window.showInformationMessage('No scenario is being stepped through.');
    return;
  }
  const item = vscode.debug.activeStackItem;
  const threadId = item && 'threadId' in item ? item.threadId : undefined;
  const { explanations } = await askSession(
    session,
    'gmem/explain',
    threadId === undefined ? {} : { threadId },
  );
  if (explanations.length === 0) {
    void vscode.window.showInformationMessage('There is no rule to tell about this step.');
    return;
  }
  const document = await vscode.workspace.openTextDocument({
    language: 'markdown',
    content: explanations.map(markdownOf).join('\n\n---\n\n'),
  });
  await vscode.commands.executeCommand('markdown.showPreviewToSide', document.uri);
}

const markdownOf = ({ title, text, source, row }: Explanation): string =>
  `# ${title}\n\n${text}\n\n*Source: ${source}${row === undefined ? '' : `; mail row ${row}`}*`;
