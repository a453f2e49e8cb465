/** One file's bytes → text, with what identifies them. */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { MAX_FILE_BYTES } from '../kernel-c/file-facts.js';

export interface SourceFile {
  text: string;
  /** SHA-256 of the bytes, in hex. */
  hash: string;
  /** Bytes. */
  size: number;
  mtimeMs: number;
  ctimeMs: number;
}

export function hashOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

/** A file that is not read, with the reason in words for its note. */
export class UnreadableFile extends Error {}

/**
 * Reads a file. Size and time are those of the bytes that were read, even where the file is replaced meanwhile.
 * Bytes that aren't UTF-8 become replacement characters.
 * @throws UnreadableFile for what isn't a file or is too big; the system's own error for what can't be opened
 */
export function readSource(path: string): SourceFile {
  // Without O_NONBLOCK (which Windows lacks) a named pipe would wait for a writer.
  const file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw new UnreadableFile('not a file');
    if (found.size > MAX_FILE_BYTES) {
      const megabytes = (found.size / 1048576).toFixed(1);
      throw new UnreadableFile(
        `${megabytes} MB is more than the limit of ${MAX_FILE_BYTES / 1048576} MB a file`,
      );
    }
    const bytes = readFileSync(file);
    const { size, mtimeMs, ctimeMs } = found;
    return { text: bytes.toString('utf8'), hash: hashOf(bytes), size, mtimeMs, ctimeMs };
  } finally {
    closeSync(file);
  }
}
