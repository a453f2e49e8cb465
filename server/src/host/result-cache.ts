/** Results of whole commands by what they depend on: the tool, the command's options, and every file's content. */
import type { CacheFolder } from './cache-folder.js';
import { hashOf } from './source-file.js';

/** SHA-256 in hex, a line break, and the text it is of. */
const CHECK_LENGTH = 64;

export class ResultCache {
  constructor(private readonly folder: CacheFolder) {}

  /** The text that was stored for a key, or `undefined`. */
  get(key: string): string | undefined {
    const bytes = this.folder.read('results', key);
    if (!bytes) return undefined;
    const text = bytes.subarray(CHECK_LENGTH + 1);
    if (hashOf(text) !== bytes.toString('latin1', 0, CHECK_LENGTH)) {
      this.folder.corrupt('results', key, 'damaged');
      return undefined;
    }
    void this.folder.used('results', key);
    return text.toString('utf8');
  }

  /** Never rejects. */
  set(key: string, text: string): Promise<boolean> {
    const bytes = Buffer.from(text);
    return this.folder.write('results', key, [Buffer.from(`${hashOf(bytes)}\n`), bytes]);
  }
}
