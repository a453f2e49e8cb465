/** Which request is answered by which feature. */
import {
  type CancellationToken,
  CodeActionKind,
  type Connection,
  type ServerCapabilities,
} from 'vscode-languageserver/node';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import {
  lockMarksParams,
  lockPathParams,
  ruleExplanationParams,
  runScenarioParams,
  scenariosAtParams,
} from './checked-params.js';
import * as callHierarchy from './features/call-hierarchy.js';
import { codeActions } from './features/code-actions.js';
import { codeLenses } from './features/code-lens.js';
import { definition } from './features/definition.js';
import { hover } from './features/hover.js';
import { inlayHints } from './features/inlay-hints.js';
import { lockMarks } from './features/lock-marks.js';
import { lockPath } from './features/lock-path.js';
import { functionAtLine } from './features/places.js';
import { scenarioRunLenses } from './features/run-lenses.js';
import type { OpenTree } from './kernel-workspace.js';
import { EXPLAIN_RULE, type LockPath, type ServerRequests, SHOW_LOCK_PATH } from './protocol.js';
import { ruleExplanation } from './rule-pages.js';
import { isScenarioFile } from './scenarios/catalogue.js';
import { pathOf, type ScenarioService } from './scenarios/service.js';
import type { Settings } from './settings.js';

/** What the server offers to those who answer requests. */
export interface Answering {
  readonly settings: Settings;
  readonly scenarios: ScenarioService;
  /** The client carries out our commands: in hovers, and those of code actions. */
  readonly commandLinks: boolean;
  /** The client takes edits with placeholders. */
  readonly snippetEdits: boolean;
  /** The tree with all edits taken in. */
  upToDate(): Promise<OpenTree | undefined>;
  /** Answers for a document of the tree; `otherwise` for others. */
  onDocument<T>(uri: string, otherwise: T, answer: (open: OpenTree, file: string) => T): Promise<T>;
  /** The same for a document that is open in the editor. */
  onText<T>(uri: string, otherwise: T, answer: (open: OpenTree, document: TextDocument) => T): Promise<T>;
  /** Somebody shows lock marks: from now on changes are told. */
  marksAsked(): void;
}

export function capabilities({ commandLinks }: Answering): ServerCapabilities {
  return {
    codeLensProvider: { resolveProvider: false },
    hoverProvider: true,
    callHierarchyProvider: true,
    definitionProvider: true,
    inlayHintProvider: { resolveProvider: false },
    codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
    // A client that knows the commands carries them out itself.
    ...(!commandLinks && { executeCommandProvider: { commands: [SHOW_LOCK_PATH, EXPLAIN_RULE] } }),
  };
}

/** @param answer gets what the client sent, unchecked */
export function onRequest<M extends keyof ServerRequests>(
  connection: Connection,
  method: M,
  answer: (
    given: unknown,
    token: CancellationToken,
  ) => ServerRequests[M]['result'] | Promise<ServerRequests[M]['result']>,
): void {
  const answering: (given: unknown, token: CancellationToken) => unknown = answer;
  connection.onRequest(method, answering);
}

export function answerRequests(connection: Connection, server: Answering): void {
  const pathTo = async (given: unknown): Promise<LockPath | null> => {
    const params = lockPathParams(given);
    return server.onDocument(params.textDocument.uri, null, (open, file) => lockPath(open, file, params));
  };
  const explanationOf = (given: unknown): string | null =>
    ruleExplanation(ruleExplanationParams(given).rule) ?? null;

  connection.onCodeLens(({ textDocument }) => {
    if (!server.settings.codeLens) return [];
    const path = pathOf(textDocument.uri);
    // Those that run something are carried out by our own client only.
    const scenarios = server.commandLinks ? server.scenarios : undefined;
    if (path !== undefined && isScenarioFile(path))
      return scenarios ? scenarioRunLenses(scenarios.catalogue.at(path), scenarios) : [];
    return server.onDocument(textDocument.uri, [], (open, file) => codeLenses(open, file, scenarios));
  });
  connection.onHover(({ textDocument, position }) =>
    server.onText(textDocument.uri, null, (open, document) =>
      hover(open, document, position, server.commandLinks),
    ),
  );
  connection.onDefinition(({ textDocument, position }) =>
    server.onText(textDocument.uri, [], (open, document) => definition(open, document, position)),
  );
  connection.onCodeAction((params) =>
    server.onText(params.textDocument.uri, [], (open, document) =>
      codeActions(open, document, params, { snippets: server.snippetEdits }),
    ),
  );
  connection.languages.inlayHint.on(({ textDocument, range }) =>
    server.onText(textDocument.uri, [], (open, document) =>
      server.settings.inlayHints ? inlayHints(open, document, range, server.settings.shownLocks) : [],
    ),
  );
  connection.languages.callHierarchy.onPrepare(({ textDocument, position }) =>
    server.onText(textDocument.uri, null, (open, document) =>
      callHierarchy.prepare(open, document, position),
    ),
  );
  connection.languages.callHierarchy.onIncomingCalls(async ({ item }) => {
    const open = await server.upToDate();
    return open ? callHierarchy.incoming(open, item) : [];
  });
  connection.languages.callHierarchy.onOutgoingCalls(async ({ item }) => {
    const open = await server.upToDate();
    return open ? callHierarchy.outgoing(open, item) : [];
  });
  onRequest(connection, 'gmemLens/lockMarks', (given) => {
    const { textDocument } = lockMarksParams(given);
    server.marksAsked();
    return server.onText(textDocument.uri, null, (open, document) =>
      lockMarks(open, document, server.settings.shownLocks),
    );
  });
  onRequest(connection, 'gmemLens/lockPath', pathTo);
  onRequest(connection, 'gmemLens/ruleExplanation', explanationOf);
  onRequest(connection, 'gmemLens/scenarios', () => server.scenarios.items());
  onRequest(connection, 'gmemLens/scenariosAt', (given) => {
    const { textDocument, position } = scenariosAtParams(given);
    return server.onDocument(textDocument.uri, [], (open, file) => {
      const node = functionAtLine(open.analysis.program, file, position.line + 1);
      return node ? server.scenarios.choices(open, node) : [];
    });
  });
  onRequest(connection, 'gmemLens/runScenario', async (given, token) => {
    const open = await server.upToDate();
    const { simulatorAddress } = server.settings;
    return server.scenarios.run(runScenarioParams(given), open?.locations.opened, simulatorAddress, token);
  });
  onRequest(connection, 'gmemLens/runTarget', async (given) => {
    const open = await server.upToDate();
    return server.scenarios.target(runScenarioParams(given), open?.locations.opened);
  });
  connection.onExecuteCommand(async ({ command, arguments: [argument] = [] }) => {
    if (command === SHOW_LOCK_PATH) return showPath(connection, await pathTo(argument));
    if (command === EXPLAIN_RULE) return explanationOf({ rule: argument });
    return null;
  });
}

/** For editors that leave our commands to the server: as a message, and as the command's result. */
function showPath(connection: Connection, path: LockPath | null): LockPath | null {
  if (path) {
    const steps = path.steps.map(
      (step, index) =>
        `${index + 1}. ${step.function}: ${step.text} (${step.location.uri.replace(/.*\//, '')}:${step.location.range.start.line + 1})`,
    );
    connection.window.showInformationMessage([path.title, ...steps].join('\n'));
  }
  return path;
}
