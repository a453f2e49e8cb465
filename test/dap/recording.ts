/**
 * A session with an adapter as a text that reads well and doesn't depend on where the project lies, on addresses, or on
 * line numbers of the kernel: lines stand as their own text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';

const root = join(import.meta.dirname, '..', '..');
export const kernel = join(root, 'server', 'kernels', 'guest-memfd');
const scenarios = join(root, 'server', 'scenarios');

/** Members that say how far a run is: any change of the kernel's C makes others of them. */
const COUNTS = new Set(['position', 'length', 'from', 'to', 'column', 'endColumn', 'steps']);
/** Elements of a list that are shown; fewer where the kernel's C decides what comes next. */
const MOST = 6;
const MOST_OF: Readonly<Record<string, number>> = { stackFrames: 1, sources: 2, changes: 3, locks: 3 };

const files = new Map<string, string[]>();

function textOf(path: string, line: number): string {
  let lines = files.get(path);
  if (!lines) files.set(path, (lines = readFileSync(path, 'utf8').split('\n')));
  return lines[line - 1]?.trim() ?? `line ${line}`;
}

export const stable = (text: string): string =>
  text
    .replaceAll(kernel, 'KERNEL')
    .replaceAll(scenarios, 'SCENARIOS')
    .replaceAll(/0xffff[0-9a-f]{12}/g, 'ADDRESS')
    .replaceAll(/\b\d{19,}\b \(ADDRESS\)|\b\d{19,}\b/g, 'ADDRESS')
    .replaceAll(/\.(c|h|yaml):\d+/g, '.$1:LINE')
    .replaceAll(/one of ([\w-]+, ){4,}[\w-]+/g, 'one of …')
    .replaceAll(/\b\d+ steps/g, 'N steps')
    .replaceAll(/\bline \d+/gi, 'line N');

function shown(value: unknown, path: string | undefined, member = ''): unknown {
  if (typeof value === 'string') return stable(value);
  if (Array.isArray(value)) {
    const most = MOST_OF[member] ?? MOST;
    const some = value.slice(0, most).map((one) => shown(one, path));
    return value.length > most ? [...some, '…'] : some;
  }
  if (typeof value !== 'object' || value === null) return value;
  const object = value as Record<string, unknown>;
  const source = object.source as DebugProtocol.Source | undefined;
  const own = source?.path ?? (typeof object.path === 'string' ? object.path : undefined) ?? path;
  return Object.fromEntries(
    Object.entries(object)
      .filter(([name]) => name !== 'column' && name !== 'lines')
      .map(([name, member]) => {
        if (COUNTS.has(name) && typeof member === 'number') return [name, member === 0 ? 0 : 'N'];
        if ((name === 'line' || name === 'endLine') && typeof member === 'number' && own?.startsWith('/'))
          return [name, textOf(own, member)];
        if (name === 'source' && typeof member === 'object')
          return [name, stable((member as DebugProtocol.Source).path ?? '')];
        return [name, shown(member, own, name)];
      }),
  );
}

const pathIn = (args: unknown): string | undefined =>
  (args as { source?: { path?: string } } | undefined)?.source?.path;

/**
 * What a session said, a line a message and its members below: each request stands before its answer, so that the order is
 * the adapter's, whenever its messages are read.
 */
export function recording(log: readonly DebugProtocol.ProtocolMessage[]): string {
  const lines: string[] = [];
  const requests = new Map<number, DebugProtocol.Request>();
  for (const message of log) {
    if (message.type === 'request') {
      const request = message as DebugProtocol.Request;
      requests.set(request.seq, request);
    } else if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      const { command, success, message: why, body: content } = response;
      const args = requests.get(response.request_seq)?.arguments;
      lines.push(`→ ${command}${body(args, pathIn(args))}`);
      if (success) lines.push(`← ${command}${body(content, pathIn(args))}`);
      else lines.push(`← ${command} REFUSED: ${stable(why ?? '')}`);
    } else {
      const { event, body: content } = message as DebugProtocol.Event;
      lines.push(`* ${event}${body(content, undefined)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function body(content: unknown, path: string | undefined): string {
  if (
    content === undefined ||
    (typeof content === 'object' && content !== null && Object.keys(content).length === 0)
  )
    return '';
  const value = shown(content, path) as Record<string, unknown>;
  return Object.entries(value)
    .map(([name, member]) =>
      Array.isArray(member) && member.length > 0 && typeof member[0] === 'object'
        ? `\n    ${name}:${member.map((one) => `\n      ${typeof one === 'string' ? one : inline(one)}`).join('')}`
        : `\n    ${name}: ${inline(member)}`,
    )
    .join('');
}

const inline = (value: unknown): string =>
  typeof value === 'string'
    ? value.replaceAll('\n', '⏎')
    : typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.entries(value)
          .map(([name, member]) => `${name}=${inline(member)}`)
          .join(' · ')
      : JSON.stringify(value)!.replaceAll('\n', '⏎');
