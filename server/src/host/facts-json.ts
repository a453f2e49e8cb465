/** Facts as they travel between threads and lie in the cache. */
import type { FileFacts } from '../kernel-c/facts.js';

const decoder = new TextDecoder();

export function readFactsJson(bytes: Uint8Array): FileFacts {
  return JSON.parse(decoder.decode(bytes)) as FileFacts;
}
