/** Actions from their mappings. */
import type {
  Action,
  ActionBody,
  Attribute,
  BackingKind,
  FileRange,
  GuestRange,
  ScenarioFile,
  ScenarioSlot,
  Target,
} from './model.js';
import { given, type Part } from './part.js';
import type { ScenarioProblem } from './problem.js';

const BESIDE = new Set(['label', 'after', 'expect']);
const PAGE = 4096;

/** The actions of a list; mappings that name no action, or several, are problems and left out. */
export function readActions(parts: readonly Part[], problems: ScenarioProblem[]): Action[] {
  return parts.flatMap((part) => {
    const names = part.keys().filter((key) => !BESIDE.has(key));
    const [name] = names;
    if (name === undefined || names.length > 1) {
      const at = names[1] === undefined ? part.at : part.keyPlace(names[1]);
      const message =
        name === undefined
          ? 'this action says nothing to do'
          : `one action can't be both \`${name}\` and \`${names[1]}\``;
      const remedy =
        name === undefined
          ? 'name what is done, such as `punch-hole: {file: …}`'
          : 'make it two entries of the list';
      problems.push({ ...at, message, remedy });
      return [];
    }
    // An action without anything to say is written `destroy-vm: {}`.
    const body = bodyOf(name, part.part(name) ?? part, problems);
    if (!body) return [];
    return [
      {
        ...body,
        ...given('label', part.get<string>('label')),
        after: part.texts('after'),
        expect: part.get<string>('expect') ?? 'ok',
        at: part.at,
      },
    ];
  });
}

function bodyOf(name: string, part: Part, problems: ScenarioProblem[]): ActionBody | undefined {
  switch (name) {
    case 'create-file':
      return { do: name, ...fileOf(part) };
    case 'close-file':
    case 'unregister':
      return { do: name, file: part.get<string>('file') ?? '' };
    case 'read-file':
    case 'write-file':
    case 'map-file':
    case 'punch-hole':
      return { do: name, ...fileRange(part) };
    case 'fallocate':
      return { do: name, ...fileRange(part), retryOnEintr: part.get<boolean>('retry-on-eintr') ?? false };
    case 'create-slot':
      return { do: name, ...slotOf(part) };
    case 'delete-slot':
      return { do: name, slot: part.get<number>('slot') ?? 0 };
    case 'enlarge-pages':
      return {
        do: name,
        file: part.get<string>('file') ?? '',
        backing: part.get<BackingKind>('backing') ?? '4k',
      };
    case 'allocate':
      return { do: name, size: part.size('size') ?? PAGE, owner: part.get<string>('owner') ?? 'host' };
    case 'signal':
      return { do: name, to: part.get<string>('to') ?? '' };
    case 'reclaim':
      return { do: name, ...given('size', part.size('size')) };
    case 'destroy-vm':
      return { do: name };
    case 'repeat':
      return {
        do: name,
        times: part.get<number>('times') ?? 1,
        stride: part.size('stride') ?? 0,
        actions: readActions(part.parts('do'), problems),
      };
    default:
      return onMemory(name, part, problems);
  }
}

/** Actions on guest memory, or on the host's view of it. */
function onMemory(name: string, part: Part, problems: ScenarioProblem[]): ActionBody | undefined {
  switch (name) {
    case 'set-attributes':
      return setAttributes(part, problems);
    case 'get-attributes':
      return {
        do: name,
        ...guestRange(part),
        ...given('is', part.get<Attribute[]>('is')),
        ...given('alike', part.size('alike')),
      };
    case 'supported-attributes':
      return { do: name, include: part.get<Attribute[]>('include') ?? [] };
    case 'encrypt-region':
    case 'unencrypt-region':
    case 'discard':
      return { do: name, ...guestRange(part) };
    case 'write':
    case 'read':
    case 'execute':
      return {
        do: name,
        ...guestRange(part),
        private: part.get<boolean>('private') ?? true,
        ...given('pattern', part.get<string>('pattern')),
        ...given('bytes', part.get<string>('bytes')),
      };
    case 'accept': {
      const pageSize = part.get<'4K' | '2M'>('page-size') ?? '4K';
      return { do: name, ...guestRange(part), pageSize, rescind: part.get<boolean>('rescind') ?? false };
    }
    case 'host-read':
    case 'host-write': {
      const via = part.get<'directmap' | '4K' | '2M' | '1G'>('via') ?? 'directmap';
      return { do: name, target: targetOf(part), via, ...given('pattern', part.get<string>('pattern')) };
    }
    case 'migrate':
      return { do: name, target: targetOf(part) };
    default:
      // The schema knows no other.
      return undefined;
  }
}

function setAttributes(part: Part, problems: ScenarioProblem[]): ActionBody | undefined {
  const to = part.get<'private' | 'shared'>('to');
  const attributes = part.get<Attribute[]>('attributes');
  if ((to === undefined) === (attributes === undefined)) {
    problems.push({
      ...part.at,
      message:
        to === undefined
          ? 'set-attributes doesn’t say which attributes'
          : 'set-attributes has both `to` and `attributes`',
      remedy: 'give `to: private`, `to: shared` or a list of `attributes`',
    });
    return undefined;
  }
  return {
    do: 'set-attributes',
    ...guestRange(part),
    attributes: attributes ?? (to === 'private' ? ['private'] : []),
    ...given('operation', part.get<'write' | 'or' | 'and'>('operation')),
    flags: part.get<number>('flags') ?? 0,
  };
}

export const fileOf = (part: Part): ScenarioFile => ({
  name: part.get<string>('name') ?? '',
  size: part.size('size') ?? 0,
  ...given('backing', part.get<BackingKind>('backing')),
  flags: part.get<ScenarioFile['flags']>('flags') ?? [],
});

export const slotOf = (part: Part): ScenarioSlot => ({
  id: part.get<number>('id') ?? 0,
  gpa: part.size('gpa') ?? 0,
  size: part.size('size') ?? 0,
  ...given('file', part.get<string>('file')),
  offset: part.size('offset') ?? 0,
  readOnly: part.get<boolean>('read-only') ?? false,
  ...given('sharedFile', part.get<string>('shared-file')),
});

export const guestRange = (part: Part): GuestRange => ({
  gpa: part.size('gpa') ?? 0,
  size: part.size('size') ?? PAGE,
});

export const fileRange = (part: Part): FileRange => ({
  file: part.get<string>('file') ?? '',
  offset: part.size('offset') ?? 0,
  ...given('size', part.size('size')),
});

export function targetOf(part: Part): Target {
  if (part.has('gpa')) return { kind: 'gpa', ...guestRange(part) };
  if (part.has('file')) return { kind: 'file', ...fileRange(part) };
  return { kind: 'own' };
}
