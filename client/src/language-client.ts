/** How the language server is started and what it is told: everything about it but when. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  RevealOutputChannelOn,
  type ServerOptions,
  TransportKind,
} from 'vscode-languageclient/node';
import type { InitializationOptions } from './protocol.ts';
import { findRipgrep } from './ripgrep.ts';
import { linkRules } from './rule-pages.ts';
import { section, settings } from './settings.ts';

export interface LaunchOptions {
  readonly context: vscode.ExtensionContext;
  readonly output: vscode.LogOutputChannel;
  /** The kernel tree, absolute. */
  readonly tree: string;
  /** Tells of edits from outside the editor. */
  readonly watcher: vscode.FileSystemWatcher;
  /** Called when the server is gone without having been asked to go. */
  readonly onDeath: () => void;
}

export async function createLanguageClient(launch: LaunchOptions): Promise<LanguageClient> {
  const { context, output, tree, watcher, onDeath } = launch;
  const options: LanguageClientOptions = {
    documentSelector: [
      { scheme: 'file', language: 'c', pattern: '**/*.{c,h}' },
      // VS Code takes a header for C++ unless files.associations says otherwise.
      { scheme: 'file', language: 'cpp', pattern: '**/*.h' },
      ...['**/*.gmem.{yaml,yml}', '**/gmem-scenarios/**/*.yaml', '**/server/scenarios/*.yaml'].map(
        (pattern) => ({
          scheme: 'file',
          pattern,
        }),
      ),
    ],
    outputChannel: output,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: await initializationOptions(context, tree),
    initializationFailedHandler: () => false,
    synchronize: { configurationSection: section, fileEvents: watcher },
    errorHandler: {
      // The messages about a broken pipe say nothing that `closed` doesn't.
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        onDeath();
        return { action: CloseAction.DoNotRestart, handled: true, message: 'The language server died.' };
      },
    },
    middleware: {
      handleDiagnostics: (uri, diagnostics, next) => {
        linkRules(diagnostics);
        next(uri, diagnostics);
      },
    },
    markdown: {
      isTrusted: { enabledCommands: ['gmemLens.showCallers', 'gmemLens.showLockPath'] },
      supportThemeIcons: true,
    },
  };
  return new QuietLanguageClient(section, 'Guest Memory Lens', serverOptions(context), options);
}

/** Errors go to the output channel only; what the user can act on, `Server` shows with a way out. */
class QuietLanguageClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function serverOptions(context: vscode.ExtensionContext): ServerOptions {
  const run = { module: context.asAbsolutePath(join('dist', 'server.js')), transport: TransportKind.ipc };
  const debugging = { execArgv: ['--nolazy', '--inspect=6009', '--enable-source-maps'] };
  return { run, debug: { ...run, options: debugging } };
}

async function initializationOptions(
  context: vscode.ExtensionContext,
  tree: string,
): Promise<InitializationOptions> {
  const ripgrepPath = await findRipgrep(vscode.env.appRoot);
  return {
    tree,
    storagePath: context.globalStorageUri.fsPath,
    settings: settings.all,
    commandLinks: true,
    ...(ripgrepPath !== undefined && { ripgrepPath }),
  };
}
