/** Messages from outside, checked against grammars/simulator-protocol.schema.json before anything acts on them. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import schema from '../../../../grammars/simulator-protocol.schema.json' with { type: 'json' };
import type {
  ChangesArguments,
  ExplainArguments,
  GmemLaunch,
  GoToArguments,
  MachineViewArguments,
  TimelineArguments,
} from './debug-protocol.js';
import type {
  DebugEnd,
  DebugMessage,
  DebugStartParams,
  InitializeParams,
  RunParams,
  ScenariosParams,
} from './protocol.js';

/** Shapes by their name in the schema. */
export interface Shapes {
  InitializeParams: InitializeParams;
  ScenariosParams: ScenariosParams;
  RunParams: RunParams;
  DebugStartParams: DebugStartParams;
  DebugMessage: DebugMessage;
  DebugEnd: DebugEnd;
  GmemLaunch: GmemLaunch;
  MachineViewArguments: MachineViewArguments;
  TimelineArguments: TimelineArguments;
  GoToArguments: GoToArguments;
  ChangesArguments: ChangesArguments;
  ExplainArguments: ExplainArguments;
}

/** What is wrong with a message, in words; members that aren't known are no mistake, for newer clients' sake. */
export class ShapeError extends Error {}

let ajv: Ajv | undefined;
const validators = new Map<string, ValidateFunction>();

function validatorOf(shape: keyof Shapes): ValidateFunction {
  let validate = validators.get(shape);
  if (!validate) {
    // A test checks the schema itself; without its check the first message is answered sooner.
    ajv ??= new Ajv({ meta: false, validateSchema: false, strict: false }).addSchema(schema, 'protocol');
    validate = ajv.compile({ $ref: `protocol#/definitions/${shape}` });
    validators.set(shape, validate);
  }
  return validate;
}

/** @throws ShapeError naming what is wrong */
export function checked<Name extends keyof Shapes>(shape: Name, value: unknown): Shapes[Name] {
  const validate = validatorOf(shape);
  if (validate(value)) return value as Shapes[Name];
  throw new ShapeError((validate.errors ?? []).map(inWords).join('; '));
}

function inWords({ instancePath, keyword, message, params }: ErrorObject): string {
  const name = instancePath === '' ? 'it' : instancePath.slice(1).replaceAll('/', '.').replaceAll('~1', '/');
  if (keyword === 'enum') return `${name} must be one of ${(params.allowedValues as unknown[]).join(', ')}`;
  return `${name} ${message ?? 'is not valid'}`;
}
