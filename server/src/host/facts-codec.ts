/**
 * Facts as bytes, as they travel between threads and lie in the cache: a JSON head, and behind it the bodies that the
 * head leaves out. Bodies are JSON text that most readers never look at: quoted once more inside of JSON they would
 * double the bytes and the time; behind the head they become slices of one string.
 */
import { FACTS_VERSION, type FileFacts } from '../kernel-c/facts.js';

/** Facts bytes that are not what `encodeFacts` wrote. */
export class MalformedFacts extends Error {}

/** Bytes of the head's length in front of it. */
const PREFIX = 4;

/** In the head, a body's place is taken by its length in UTF-16 code units; bodies follow in the same order. */
type Shortened<T, K extends keyof T> = Omit<T, K> & { [key in K]?: number };

export function encodeFacts(facts: FileFacts): Uint8Array<ArrayBuffer> {
  const bodies: string[] = [];
  const lengthOf = (body: string) => {
    bodies.push(body);
    return body.length;
  };
  const head = JSON.stringify({
    ...facts,
    functions: facts.functions.map((fn) => ({ ...fn, body: lengthOf(fn.body) })),
    variables: facts.variables.map((variable) =>
      variable.initialiser === undefined
        ? variable
        : { ...variable, initialiser: lengthOf(variable.initialiser) },
    ),
  });
  const tail = bodies.join('');
  const headBytes = Buffer.byteLength(head);
  const bytes = Buffer.allocUnsafeSlow(PREFIX + headBytes + Buffer.byteLength(tail));
  bytes.writeUInt32LE(headBytes, 0);
  bytes.write(head, PREFIX);
  bytes.write(tail, PREFIX + headBytes);
  return bytes;
}

/** @throws MalformedFacts for bytes of another version or shape */
export function decodeFacts(bytes: Uint8Array): FileFacts {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < PREFIX) throw new MalformedFacts('too short');
  const end = PREFIX + buffer.readUInt32LE(0);
  if (end > buffer.length) throw new MalformedFacts('head is cut off');
  let head: unknown;
  try {
    head = JSON.parse(buffer.toString('utf8', PREFIX, end));
  } catch {
    throw new MalformedFacts('head is no JSON');
  }
  if (!isHead(head)) throw new MalformedFacts('not the facts of this version');
  return withBodies(head, buffer.toString('utf8', end));
}

type Head = Omit<FileFacts, 'functions' | 'variables'> & {
  functions: Shortened<FileFacts['functions'][number], 'body'>[];
  variables: Shortened<FileFacts['variables'][number], 'initialiser'>[];
};

const LISTS = [
  'functions',
  'prototypes',
  'macros',
  'variables',
  'aggregates',
  'typedefs',
  'enumerators',
  'invocations',
  'includes',
  'notes',
] as const satisfies readonly (keyof FileFacts)[];

/** The outer shape; what is inside is guarded by the cache's checksums. */
function isHead(value: unknown): value is Head {
  if (typeof value !== 'object' || value === null) return false;
  const head = value as Record<string, unknown>;
  return (
    head.version === FACTS_VERSION &&
    typeof head.lineCount === 'number' &&
    LISTS.every((name) => Array.isArray(head[name]))
  );
}

function withBodies(head: Head, tail: string): FileFacts {
  let at = 0;
  const next = (length: unknown) => {
    if (typeof length !== 'number' || length < 0 || at + length > tail.length)
      throw new MalformedFacts('bodies are cut off');
    const from = at;
    at += length;
    return tail.slice(from, at);
  };
  // In place, number by text: the objects were made a moment ago and are nobody else's.
  for (const fn of head.functions as { body: unknown }[]) fn.body = next(fn.body);
  for (const variable of head.variables as { initialiser?: unknown }[])
    if (variable.initialiser !== undefined) variable.initialiser = next(variable.initialiser);
  if (at !== tail.length) throw new MalformedFacts('bodies are left over');
  return head as unknown as FileFacts;
}
