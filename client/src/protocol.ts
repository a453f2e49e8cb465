/** What the language server, the simulator and the debug adapter understand: their own descriptions of it, which import nothing else of theirs. */
export * from '../../server/src/lsp/protocol.ts';
export type * from '../../server/src/simulator/backend/debug-protocol.ts';
