/**
 * The cached facts of one scope of one tree, in one file: an index, and behind it each file's facts as bytes.
 * The index can be read without the rest. Every part has its checksum: what doesn't fit is not used.
 */
import type { CacheFolder } from './cache-folder.js';
import { hashOf } from './source-file.js';

/** One file of the tree in a pack. */
export interface PackEntry {
  path: string;
  /** Bytes, as the file had them when it was read. */
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  /** Milliseconds since 1970: when it was read. */
  readAt: number;
  /** SHA-256 of the file's bytes, in hex. */
  hash: string;
  /** Of a template: the inclusions that its facts are of, as JSON. */
  instances?: string;
  /** SHA-256 of the facts' bytes, in hex. */
  check: string;
  /** Bytes of the facts. */
  length: number;
}

export interface PackRecord {
  entry: PackEntry;
  facts: Uint8Array;
}

/** Magic, length of the index (32 bits, little-endian), SHA-256 of the index. */
const MAGIC = Buffer.from('gmemlens facts 1');
const LENGTH_AT = MAGIC.length;
const CHECK_AT = LENGTH_AT + 4;
const HEADER = CHECK_AT + 32;

/** As much as is read to get at the index; that of the KVM scope has about 150 KB. */
const FRONT = 512 * 1024;

const NUMBERS = [
  'size',
  'mtimeMs',
  'ctimeMs',
  'readAt',
  'length',
] as const satisfies readonly (keyof PackEntry)[];
const TEXTS = ['path', 'hash', 'check'] as const satisfies readonly (keyof PackEntry)[];

function isEntry(value: unknown): value is PackEntry {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  return (
    NUMBERS.every((name) => typeof entry[name] === 'number') &&
    TEXTS.every((name) => typeof entry[name] === 'string') &&
    (entry.instances === undefined || typeof entry.instances === 'string')
  );
}

/** The index in a pack's first bytes; a number says how many bytes it takes, `undefined` that this is no pack. */
function parseIndex(bytes: Buffer): PackEntry[] | number | undefined {
  if (bytes.length < HEADER || !bytes.subarray(0, LENGTH_AT).equals(MAGIC)) return undefined;
  const end = HEADER + bytes.readUInt32LE(LENGTH_AT);
  if (end > bytes.length) return end;
  const index = bytes.subarray(HEADER, end);
  if (hashOf(index) !== bytes.toString('hex', CHECK_AT, HEADER)) return undefined;
  const entries: unknown = JSON.parse(index.toString('utf8'));
  return Array.isArray(entries) && entries.every(isEntry) ? entries : undefined;
}

/** What is known of the files, without their facts. Empty where there is no pack. */
export function readPackIndex(folder: CacheFolder, name: string): ReadonlyMap<string, PackEntry> {
  const front = folder.read('facts', name, FRONT);
  if (!front) return new Map();
  let entries = parseIndex(front);
  if (typeof entries === 'number' && front.length === FRONT) {
    const more = folder.read('facts', name, entries);
    entries = more && parseIndex(more);
  }
  if (!Array.isArray(entries)) {
    folder.corrupt('facts', name, 'damaged or of another version');
    return new Map();
  }
  return new Map(entries.map((entry) => [entry.path, entry]));
}

/** The whole pack: facts of each file that are what was written. Empty where there is no pack. */
export function readPack(folder: CacheFolder, name: string): Map<string, PackRecord> {
  const bytes = folder.read('facts', name);
  const records = new Map<string, PackRecord>();
  if (!bytes) return records;
  const entries = parseIndex(bytes);
  if (!Array.isArray(entries)) {
    folder.corrupt('facts', name, 'damaged or of another version');
    return records;
  }
  let at = HEADER + bytes.readUInt32LE(LENGTH_AT);
  for (const entry of entries) {
    const facts = bytes.subarray(at, at + entry.length);
    at += entry.length;
    if (facts.length === entry.length && hashOf(facts) === entry.check)
      records.set(entry.path, { entry, facts });
    else folder.corrupt('facts', name, 'damaged');
  }
  return records;
}

/** Replaces the pack. Never rejects. */
export function writePack(
  folder: CacheFolder,
  name: string,
  records: readonly PackRecord[],
): Promise<boolean> {
  const index = Buffer.from(JSON.stringify(records.map((record) => record.entry)));
  const header = Buffer.alloc(HEADER);
  MAGIC.copy(header);
  header.writeUInt32LE(index.length, LENGTH_AT);
  header.write(hashOf(index), CHECK_AT, 'hex');
  return folder.write('facts', name, [header, index, ...records.map((record) => record.facts)]);
}
