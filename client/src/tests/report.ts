/** A run's result as a test's: what wasn't as expected at its line in the scenario, the hazards in the output. */
import { isAbsolute, join } from 'node:path';
import * as vscode from 'vscode';
import type { RunAnswer } from '../protocol.ts';

export function report(run: vscode.TestRun, item: vscode.TestItem, answer: RunAnswer): void {
  const { result, ms } = answer;
  run.appendOutput(outputOf(answer).replaceAll('\n', '\r\n'), undefined, item);
  if (result.passed) return run.passed(item, ms);
  const messages = messagesOf(answer, item);
  if (result.outcome === 'error') run.errored(item, messages, ms);
  else run.failed(item, messages, ms);
}

function messagesOf({ result, root }: RunAnswer, item: vscode.TestItem): vscode.TestMessage[] {
  const messages = result.expectations
    .filter(({ ok }) => !ok)
    .map(({ what, expected, actual, at }) => {
      const message = vscode.TestMessage.diff(
        `${what}: expected ${expected}, got ${actual}`,
        expected,
        actual,
      );
      if (at) message.location = locationOf(root, at.file, at.line);
      return message;
    });
  if (result.message !== undefined) messages.push(new vscode.TestMessage(result.message));
  for (const { kind, message, file, line } of result.hazards) {
    const hazard = new vscode.TestMessage(`${kind}: ${message}`);
    if (file !== undefined && line !== undefined) hazard.location = locationOf(root, file, line);
    messages.push(hazard);
  }
  for (const message of messages)
    if (!message.location && item.uri && item.range)
      message.location = new vscode.Location(item.uri, item.range);
  return messages;
}

function locationOf(root: string, file: string, line: number): vscode.Location {
  const path = isAbsolute(file) ? file : join(root, file);
  return new vscode.Location(vscode.Uri.file(path), new vscode.Position(line - 1, 0));
}

function outputOf({ result, ms, root }: RunAnswer): string {
  const { scenario, variant, design, outcome, passed, steps, hazards, expectations } = result;
  const lines = [
    `${scenario}${variant === undefined ? '' : ` @${variant}`}, on ${design} in ${root}`,
    `  ${passed ? 'as expected' : 'NOT as expected'}: ${outcome}; ${steps} steps, ${Math.round(ms)} ms`,
  ];
  for (const hazard of hazards) {
    lines.push(
      `  ${hazard.kind}${hazard.row === undefined ? '' : ` (row ${hazard.row})`}: ${hazard.message}`,
    );
    for (const call of hazard.path) lines.push(`    ${call.function}  ${call.file}:${call.line}`);
  }
  for (const { what, expected, actual, ok } of expectations)
    if (!ok) lines.push(`  ${what}: expected ${expected}, got ${actual}`);
  return `${lines.join('\n')}\n`;
}
