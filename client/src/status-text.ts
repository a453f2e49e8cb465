/** The words of the status bar item; knows nothing of VS Code, so that tests can read it. */
import type { Status } from './protocol.ts';

export interface StatusText {
  /** Text of the item; `$(name)` is an icon. */
  readonly text: string;
  /** Lines of plain text. */
  readonly tooltip: readonly string[];
  readonly failed: boolean;
}

/** Numbers look the same in every locale: the rest of the text is English too. */
const count = (value: number): string => value.toLocaleString('en-US');

const counted = (value: number, one: string): string => `${count(value)} ${one}${value === 1 ? '' : 's'}`;

export function describeStatus(status: Status): StatusText {
  switch (status.state) {
    case 'indexing':
      return {
        text: `$(sync~spin) gmem: ${progress(status)}`,
        tooltip: indexingTooltip(status),
        failed: false,
      };
    case 'ready':
      return { text: readyText(status), tooltip: readyTooltip(status), failed: false };
    case 'failed':
      return { text: '$(error) gmem: failed', tooltip: failedTooltip(status), failed: true };
  }
}

function progress({ done, total }: Status): string {
  if (done === undefined || !total) return 'reading';
  // 100 % is for the ready state: linking the call graph follows the last file.
  return `${Math.min(99, Math.floor((done / total) * 100))}%`;
}

function indexingTooltip({ done, total, tree }: Status): string[] {
  const lines = ['Guest Memory Lens is reading the kernel tree.'];
  if (done !== undefined && total) lines.push(`${count(done)} of ${counted(total, 'file')}`);
  if (tree) lines.push(tree);
  return lines;
}

function readyText({ functions = 0, findings = 0 }: Status): string {
  const icon = findings > 0 ? '$(warning)' : '$(check)';
  return `${icon} gmem: ${counted(functions, 'function')}, ${counted(findings, 'finding')}`;
}

function readyTooltip({ files, notes, tree }: Status): string[] {
  const lines = ['Guest Memory Lens'];
  if (files !== undefined) lines.push(counted(files, 'file'));
  if (notes) lines.push(`${counted(notes, 'note')}, in the output`);
  if (tree) lines.push(tree);
  return lines;
}

function failedTooltip(status: Status): string[] {
  return [...reasonAndRemedy(status), ...(status.tree ? [status.tree] : [])];
}

function reasonAndRemedy({ message, remedy }: Status): string[] {
  return [message ?? 'Guest Memory Lens failed; the output has more.', ...(remedy ? [remedy] : [])];
}

/** One line for the output. */
export function describeFailure(status: Status): string {
  return reasonAndRemedy(status).join(' ');
}

/** One line for a message box. */
export function describeDetails(status: Status | undefined): string {
  if (!status) {
    return 'Guest Memory Lens is off here: no workspace folder is, or lies in, a kernel tree, or gmemLens.enable is off.';
  }
  const { text, tooltip } = describeStatus(status);
  const summary = text.replace(/^\$\([^)]*\) gmem: /, '');
  return [summary, ...tooltip.filter((line) => line !== 'Guest Memory Lens')].join(' · ');
}
