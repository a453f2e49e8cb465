// Preloaded into a measured process: writes its peak of resident memory, in KiB, to file descriptor 3 when it ends.
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

// Worker threads load this, too.
if (isMainThread) process.on('exit', () => writeSync(3, String(process.resourceUsage().maxRSS)));
