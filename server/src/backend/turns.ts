/** Long work that lets others have their turn. */

/** Resolves when messages that have come in meanwhile were handled. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
