/** Runs the VS Code server for one test file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inject } from 'vitest';

export interface EditorServer extends AsyncDisposable {
  readonly port: number;
  /** What the server and its extension host have printed so far. */
  readonly log: () => string;
}

const startTimeoutMs = 30_000;

/** Without its pop-ups and greetings, and with nothing that moves while a test looks. */
const quietSettings = {
  'security.workspace.trust.enabled': false,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.colorTheme': 'Default Dark Modern',
  'workbench.reduceMotion': 'on',
  // Rows below a row that stays can't be clicked.
  'workbench.tree.enableStickyScroll': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'editor.cursorBlinking': 'solid',
  'editor.minimap.enabled': false,
  // Output channels wrap their lines otherwise, and tests read lines.
  '[Log]': { 'editor.wordWrap': 'off' },
  'editor.hover.delay': 100,
  // What a test types is what stands there.
  'editor.autoClosingBrackets': 'never',
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'files.autoSave': 'off',
  'chat.commandCenter.enabled': false,
};

export async function startEditorServer(settings: Record<string, unknown> = {}): Promise<EditorServer> {
  const { serverMain, extensions } = inject('editor');
  const data = await mkdtemp(join(tmpdir(), 'gmem-lens-editor-'));
  const text = JSON.stringify({ ...quietSettings, ...settings }, null, 2);
  for (const folder of ['Machine', 'User']) {
    await mkdir(join(data, 'data', folder), { recursive: true });
    await writeFile(join(data, 'data', folder, 'settings.json'), text);
  }
  const child = spawn(process.execPath, [serverMain, ...serverArguments(data, extensions)], {
    cwd: dirname(serverMain),
    stdio: ['ignore', 'pipe', 'pipe'],
    // It leaves its sockets behind, so they lie where they are removed with the rest; and nothing is known of the tree yet.
    env: { ...process.env, TMPDIR: data, XDG_RUNTIME_DIR: data, XDG_CACHE_HOME: join(data, 'cache') },
    // Its own process group, so that the extension host and our language server go with it.
    detached: true,
  });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    log += more;
  });
  child.stderr.setEncoding('utf8').on('data', (more: string) => {
    log += more;
  });
  const stop = async (): Promise<void> => {
    await endGroup(child);
    await rm(data, { recursive: true, force: true, maxRetries: 5 });
  };
  try {
    const port = await waitForPort(child, () => log);
    return { port, log: () => log, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function serverArguments(data: string, extensions: string): string[] {
  return [
    ...['--host', '127.0.0.1', '--port', '0', '--without-connection-token', '--accept-server-license-terms'],
    ...['--server-data-dir', data, '--extensions-dir', extensions, '--telemetry-level', 'off'],
  ];
}

function waitForPort(child: ChildProcess, log: () => string): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(`The VS Code server ${reason}:\n${log()}`));
    const timer = setTimeout(() => fail('did not start in time'), startTimeoutMs);
    child.on('exit', (code) => fail(`ended with status ${code}`));
    child.stdout?.on('data', () => {
      const port = /Extension host agent listening on (\d+)/.exec(log())?.[1];
      if (port === undefined) return;
      clearTimeout(timer);
      resolve(Number(port));
    });
  });
}

async function endGroup(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGTERM');
  const timer = setTimeout(() => child.pid && process.kill(-child.pid, 'SIGKILL'), 5_000);
  await exited;
  clearTimeout(timer);
}
