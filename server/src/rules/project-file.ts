/** The text of `.gmem-lens.yaml` → project rules, or all that is wrong with it, each with its place and a remedy. */
import { Ajv, type ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';
import { type Document, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import schema from '../../../grammars/project-rules.schema.json' with { type: 'json' };
import { allRules } from './all-rules.js';
import { PROJECT_FILE, type ProjectDocument, type ProjectRules, projectRulesOf } from './project-rules.js';

export interface ProjectFileProblem {
  /** From 1. */
  line: number;
  column: number;
  message: string;
  /** What to do about it. */
  remedy: string;
}

export class ProjectFileError extends Error {
  /** @param file as the user knows it */
  constructor(
    readonly file: string,
    readonly problems: readonly ProjectFileProblem[],
  ) {
    super(
      problems
        .map(({ line, column, message, remedy }) => `${file}:${line}:${column}: ${message}. ${remedy}`)
        .join('\n'),
    );
    this.name = 'ProjectFileError';
  }
}

const validate = new Ajv({ allErrors: true, strict: true, strictRequired: false }).compile<ProjectDocument>(
  schema,
);

/**
 * @param file as the user knows it, for errors
 * @throws ProjectFileError with everything that is wrong
 */
export function parseProjectFile(text: string, file: string = PROJECT_FILE): ProjectRules {
  const ruleIds = allRules.map(({ id }) => id);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const problems: ProjectFileProblem[] = document.errors.map(({ pos, message }) => ({
    ...placeAt(lines, pos[0]),
    message: `no YAML: ${firstSentence(message)}`,
    remedy: 'Mend the line; indentation is by spaces, and a text with ": " in it wants quotes.',
  }));
  if (problems.length > 0) throw new ProjectFileError(file, problems);
  const value: unknown = document.toJS() ?? {};
  if (!validate(value)) {
    for (const error of meaningful(validate.errors ?? [])) problems.push(problemOf(error, document, lines));
    throw new ProjectFileError(file, distinct(problems));
  }
  problems.push(...contradictions(value, ruleIds, document, lines));
  if (problems.length > 0) throw new ProjectFileError(file, distinct(problems));
  return projectRulesOf(value, file, (row) => placeOf(document, lines, ['forbid', row, 'under']).line);
}

const placeAt = (lines: LineCounter, offset: number): { line: number; column: number } => {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
};

const firstSentence = (text: string) => text.split('\n')[0]!.replace(/[.:]$/, '');

const pathOf = (pointer: string): (string | number)[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));

/** Where a value stands, or its key. */
function placeOf(
  document: Document,
  lines: LineCounter,
  path: readonly (string | number)[],
  key?: string,
): { line: number; column: number } {
  const node = path.length === 0 ? document.contents : document.getIn(path, true);
  let offset = isNode(node) ? node.range?.[0] : undefined;
  if (key !== undefined && isNode(node))
    visit(node, {
      Pair(_, pair) {
        if (!isPair(pair) || !isScalar(pair.key) || pair.key.value !== key) return undefined;
        offset = pair.key.range?.[0] ?? offset;
        return visit.BREAK;
      },
    });
  return placeAt(lines, offset ?? 0);
}

/** A `oneOf` says itself what its branches say in pieces. */
function meaningful(errors: readonly ErrorObject[]): ErrorObject[] {
  const choices = errors.filter((error) => error.keyword === 'oneOf').map((error) => error.schemaPath);
  return errors.filter((error) => !choices.some((path) => error.schemaPath.startsWith(`${path}/`)));
}

function distinct(problems: readonly ProjectFileProblem[]): ProjectFileProblem[] {
  const seen = new Map(problems.map((one) => [`${one.line}:${one.column}:${one.message}`, one]));
  return [...seen.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function problemOf(error: ErrorObject, document: Document, lines: LineCounter): ProjectFileProblem {
  const path = pathOf(error.instancePath);
  const name =
    path.length === 0 ? 'the file' : String(path.filter((part) => typeof part === 'string').at(-1));
  const { keyword, params } = error as ErrorObject<string, Record<string, unknown>>;
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params.additionalProperty);
      const known = Object.keys(
        (error.parentSchema?.properties as object | undefined) ?? propertiesAt(error),
      );
      return {
        ...placeOf(document, lines, path, key),
        message: `${key} is not known here`,
        remedy: `${suggestion(key, known)}Known: ${known.join(', ')}.`,
      };
    }
    case 'required': {
      const key = String(params.missingProperty);
      return {
        ...placeOf(document, lines, path),
        message: `${key} is missing`,
        remedy: `Add ${key}: to this entry.`,
      };
    }
    case 'enum': {
      const allowed = (params.allowedValues as unknown[]).filter((one) => one !== false).map(String);
      const given = String(document.getIn(path) ?? '');
      return {
        ...placeOf(document, lines, path),
        message: `${name} can't be '${given}'`,
        remedy: `${suggestion(given, allowed)}Write one of ${allowed.join(', ')}.`,
      };
    }
    case 'type':
      return {
        ...placeOf(document, lines, path),
        message: `${name} must be ${KIND[String(params.type)] ?? String(params.type)}`,
        remedy: REMEDY[String(params.type)] ?? 'See docs/project-rules.md for its form.',
      };
    case 'oneOf':
      return {
        ...placeOf(document, lines, path),
        message: 'a lock is named by an argument or by its name, by one of the two',
        remedy: 'Write argument: 0 for the first argument, or lock: kvm.mmu_lock.',
      };
    case 'pattern':
      return {
        ...placeOf(document, lines, path),
        message: `${name} can't be '${String(document.getIn(path))}'`,
        remedy: FORM[name] ?? 'Write the name of a function or macro, without brackets.',
      };
    case 'minItems':
    case 'minLength':
      return {
        ...placeOf(document, lines, path),
        message: `${name} is empty`,
        remedy: 'Fill it in, or take the entry out.',
      };
    default:
      return {
        ...placeOf(document, lines, path),
        message: `${name} ${error.message ?? 'is not of its form'}`,
        remedy: 'See docs/project-rules.md for its form.',
      };
  }
}

const KIND: Record<string, string> = {
  object: 'a list of `name: value` lines',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
};

const REMEDY: Record<string, string> = {
  array: 'Begin each entry with "- ".',
  object: 'Write its parts as `name: value`, indented below it.',
  integer: 'Arguments count from 0.',
};

const FORM: Record<string, string> = {
  id: 'Write small letters, digits and dashes, such as no-seamcall-under-mmu-lock.',
  under: "Write a lock as kvm.mmu_lock (struct and member), or a variable's name.",
  lock: "Write a lock as kvm.mmu_lock (struct and member), or a variable's name.",
  calls: 'Write the name of a function or macro; * stands for any part of it.',
};

function propertiesAt(error: ErrorObject): object {
  let at: unknown = schema;
  for (const part of error.schemaPath.replace(/^#\//, '').split('/').slice(0, -1))
    at = (at as Record<string, unknown> | undefined)?.[part];
  return (at as { properties?: object } | undefined)?.properties ?? {};
}

function suggestion(given: string, known: readonly string[]): string {
  const near = known.length > 0 ? closest(given, known) : undefined;
  return near !== undefined && distance(given, near) <= Math.max(2, given.length / 3)
    ? `Is ${near} meant? `
    : '';
}

/** What a schema can't say. */
function contradictions(
  value: ProjectDocument,
  ruleIds: readonly string[],
  document: Document,
  lines: LineCounter,
): ProjectFileProblem[] {
  const problems: ProjectFileProblem[] = [];
  const own = (value.forbid ?? []).map(({ id }) => id);
  own.forEach((id, index) => {
    if (!ruleIds.includes(id) && own.indexOf(id) === index) return;
    problems.push({
      ...placeOf(document, lines, ['forbid', index, 'id']),
      message: ruleIds.includes(id) ? `${id} is one of the tool's own rules` : `${id} is there twice`,
      remedy: 'Give the rule a name of its own.',
    });
  });
  const known = [...new Set([...ruleIds, ...own])];
  for (const id of Object.keys(value.rules ?? {})) {
    if (known.includes(id)) continue;
    problems.push({
      ...placeOf(document, lines, ['rules'], id),
      message: `there is no rule ${id}`,
      remedy: `${suggestion(id, known)}Rules: ${known.join(', ')}.`,
    });
  }
  return problems;
}
