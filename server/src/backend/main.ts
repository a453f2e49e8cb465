/** Entry of dist/simulator.js: the language server and the debug adapter start it. It ends with whoever has started it. */
import { serveStdio } from './serve.js';

// Whatever writes to the console must not write into the messages.
console.log = console.error;

void serveStdio().then((status) => process.exit(status));
