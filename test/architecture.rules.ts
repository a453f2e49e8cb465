/**
 * Rules for dependency-cruiser. Arrows between the layers point one way:
 * cli, lsp → backend → dap → rules, simulator → locks → program → kernel-c;
 * `host` (files, threads, cache) stands beside the layers for those four alone, `backend` is the simulator's process.
 */
import type { ICruiseOptions, IForbiddenRuleType } from 'dependency-cruiser';

const analysis = ['kernel-c', 'program', 'locks', 'rules', 'simulator'];
const frontends = ['cli', 'lsp', 'backend', 'dap'];

/** Layer → the other layers it may import. */
const allowed: Record<string, readonly string[]> = {
  'kernel-c': [],
  program: ['kernel-c'],
  locks: ['program', 'kernel-c'],
  rules: ['locks', 'program', 'kernel-c'],
  simulator: ['locks', 'program', 'kernel-c'],
  host: ['program', 'kernel-c'],
  // `gmem-lens lsp` and `gmem-lens dap` start the other two.
  cli: [...analysis, 'host', 'lsp', 'backend'],
  lsp: [...analysis, 'host', 'backend'],
  // Sessions run in the simulator's process.
  backend: [...analysis, 'host', 'dap'],
  dap: analysis,
};

/** Types and names of messages: all that both sides of a connection share. */
const PROTOCOLS = '^server/src/(lsp|simulator/backend)/(debug-)?protocol[.]ts$';

const inLayers = (layers: readonly string[]): string => `^server/src/(${layers.join('|')})/`;

const layerRules: IForbiddenRuleType[] = Object.entries(allowed).map(([layer, others]) => ({
  name: `layer-${layer}`,
  comment: `server/src/${layer} may import ${others.length > 0 ? others.join(', ') : 'no other layer'}.`,
  severity: 'error',
  from: { path: inLayers([layer]) },
  to: { path: '^server/src/', pathNot: inLayers([layer, ...others]) },
}));

/** Package (as a pattern) → the only code that may import it. */
const owners: Record<string, string> = {
  '(vscode|vscode-languageclient)': '^client/src/',
  '(web-tree-sitter|tree-sitter-c)': inLayers(['kernel-c']),
  'vscode-(languageserver|languageserver-textdocument)': inLayers(['lsp']),
  'vscode-jsonrpc': inLayers(['lsp', 'backend']),
  '@vscode/debug(adapter|protocol)': inLayers(['dap']),
  commander: inLayers(['cli']),
};

const ownerRules: IForbiddenRuleType[] = Object.entries(owners).map(([packages, owner]) => ({
  name: `owner-of-${packages.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '')}`,
  comment: `Only ${owner} may import ${packages}.`,
  severity: 'error',
  from: { pathNot: owner },
  to: { path: `(^|/)(node_modules/|@types/)${packages}(/|$)|^${packages}$` },
}));

export const forbidden: IForbiddenRuleType[] = [
  ...layerRules,
  ...ownerRules,
  {
    name: 'analysis-does-no-io',
    comment: 'Files come in as text and facts go out; only host, cli, lsp and backend touch the machine.',
    severity: 'error',
    from: { path: inLayers(analysis) },
    to: { path: '^(node:)?(fs|fs/promises|worker_threads|child_process|net|http|https|os|cluster)$' },
  },
  {
    name: 'host-for-frontends-only',
    comment: `Only ${frontends.join(', ')} may import host.`,
    severity: 'error',
    from: { path: '^server/src/', pathNot: inLayers(['host', ...frontends]) },
    to: { path: inLayers(['host']) },
  },
  {
    name: 'client-and-server-apart',
    comment:
      'Client and server are two processes that share the description of their messages, no other code.',
    severity: 'error',
    from: { path: '^(client|server)/src/' },
    to: { path: '^(client|server)/src/', pathNot: ['^$1/src/', PROTOCOLS] },
  },
  {
    name: 'protocols-stand-alone',
    comment: 'What describes messages goes into every program that sends them.',
    severity: 'error',
    from: { path: PROTOCOLS },
    to: { path: '^(client|server)/src/', pathNot: PROTOCOLS },
  },
  {
    name: 'no-cycles',
    comment: 'Modules that need each other at run time are one module.',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'no-tests-in-the-product',
    severity: 'error',
    comment: 'What is bundled must not need the tests or the build.',
    from: { path: '^(client|server)/src/' },
    to: { path: '^(test|scripts)/' },
  },
  {
    name: 'resolvable',
    severity: 'error',
    comment: 'An import that nothing answers to.',
    from: {},
    to: { couldNotResolve: true, pathNot: '^vscode$' },
  },
];

export const options: ICruiseOptions = {
  doNotFollow: { path: 'node_modules' },
  tsPreCompilationDeps: true,
  enhancedResolveOptions: {
    exportsFields: ['exports'],
    conditionNames: ['types', 'import', 'node', 'require', 'default'],
    extensions: ['.ts', '.js', '.json', '.d.ts'],
  },
};
