/** Parameters of our own messages, checked: nothing but a client's good manners says that they have the right shape. */
import { ErrorCodes, ResponseError } from 'vscode-languageserver/node';
import type {
  LockMarksParams,
  LockPathParams,
  Position,
  RuleExplanationParams,
  RunScenarioParams,
  ScenarioFiles,
  ScenariosAtParams,
} from './protocol.js';

type Fields = Readonly<Record<string, unknown>>;

const refuse = (what: string): never => {
  throw new ResponseError(ErrorCodes.InvalidParams, what);
};

function fieldsOf(value: unknown, what: string): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : refuse(`${what} is no object`);
}

function textOf(value: unknown, what: string): string {
  return typeof value === 'string' ? value : refuse(`${what} is no string`);
}

function optionalTextOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  return value === undefined || value === null ? undefined : textOf(value, name);
}

function countOf(value: unknown, what: string): number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
    ? value
    : refuse(`${what} is no count`);
}

function documentOf(fields: Fields): { uri: string } {
  return { uri: textOf(fieldsOf(fields.textDocument, 'textDocument').uri, 'textDocument.uri') };
}

function positionOf(value: unknown): Position {
  const { line, character } = fieldsOf(value, 'position');
  return { line: countOf(line, 'position.line'), character: countOf(character, 'position.character') };
}

/** @throws ResponseError naming what is wrong */
export function lockMarksParams(value: unknown): LockMarksParams {
  return { textDocument: documentOf(fieldsOf(value, 'params')) };
}

/** @throws ResponseError naming what is wrong */
export function lockPathParams(value: unknown): LockPathParams {
  const fields = fieldsOf(value, 'params');
  const lock = optionalTextOf(fields, 'lock');
  const mode = optionalTextOf(fields, 'mode');
  const rule = optionalTextOf(fields, 'rule');
  return {
    textDocument: documentOf(fields),
    position: positionOf(fields.position),
    ...(lock !== undefined && { lock }),
    ...(mode !== undefined && { mode }),
    ...(rule !== undefined && { rule }),
  };
}

/** @throws ResponseError naming what is wrong */
export function ruleExplanationParams(value: unknown): RuleExplanationParams {
  return { rule: textOf(fieldsOf(value, 'params').rule, 'rule') };
}

/** @throws ResponseError naming what is wrong */
export function scenariosAtParams(value: unknown): ScenariosAtParams {
  const fields = fieldsOf(value, 'params');
  return { textDocument: documentOf(fields), position: positionOf(fields.position) };
}

/** @throws ResponseError naming what is wrong */
export function runScenarioParams(value: unknown): RunScenarioParams {
  const fields = fieldsOf(value, 'params');
  const variant = optionalTextOf(fields, 'variant');
  const token = optionalTextOf(fields, 'token');
  const { on } = fields;
  return {
    scenario: textOf(fields.scenario, 'scenario'),
    on: on === 'open' || on === 'reference' ? on : refuse('on is neither open nor reference'),
    ...(variant !== undefined && { variant }),
    ...(token !== undefined && { token }),
  };
}

/** @throws ResponseError naming what is wrong */
export function scenarioFiles(value: unknown): ScenarioFiles {
  const { uris } = fieldsOf(value, 'params');
  return {
    uris: Array.isArray(uris) ? uris.map((uri: unknown) => textOf(uri, 'uri')) : refuse('uris is no list'),
  };
}
