/** Settings from the editor, checked against the extension manifest's own schema. */
import { Ajv } from 'ajv';
import manifest from '../../../package.json' with { type: 'json' };

export interface Settings {
  architecture: string;
  /** Path of a `.config`; empty: the tree's own. */
  config: string;
  scope: string;
  codeLens: boolean;
  diagnostics: boolean;
  inlayHints: boolean;
  /** Locks that are shown in the margin and by inlay hints, as users name them. */
  shownLocks: readonly string[];
  /** By rule; rules that aren't named report as they are. */
  severities: Readonly<Record<string, SettingSeverity>>;
  /** Of a simulator that runs already; empty: one is started. */
  simulatorAddress: string;
  /** Threads; 0: as the machine has. */
  workers: number;
}

export type SettingSeverity = 'error' | 'warning' | 'information' | 'hint' | 'off';

interface SettingSchema {
  type: string;
  default: unknown;
}

const schemas = manifest.contributes.configuration.properties as unknown as Record<string, SettingSchema>;
const ajv = new Ajv({ strict: false });
const validators = new Map(Object.entries(schemas).map(([name, schema]) => [name, ajv.compile(schema)]));

/** Value of `gmemLens.<path>` in the section, whether it is nested or written with dots. */
function valueAt(section: unknown, path: string): unknown {
  let value = section;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/**
 * Settings out of the section `gmemLens`. A value that the schema refuses counts as not set and is named in `problems`.
 */
export function readSettings(section: unknown): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const get = <T>(path: string): T => {
    const name = `gmemLens.${path}`;
    const given = valueAt(section, path);
    const validate = validators.get(name);
    if (given === undefined || given === null || !validate) return schemas[name]?.default as T;
    if (validate(given)) return given as T;
    problems.push(
      `setting ${name}: ${JSON.stringify(given)} ${validate.errors?.[0]?.message ?? 'is not valid'}; ${JSON.stringify(schemas[name]?.default)} is used`,
    );
    return schemas[name]?.default as T;
  };
  return {
    settings: {
      architecture: get('architecture'),
      config: get('config'),
      scope: get('scope'),
      codeLens: get('codeLens.enable'),
      diagnostics: get('diagnostics.enable'),
      inlayHints: get('inlayHints.enable'),
      shownLocks: get('lockMarks.locks'),
      severities: get('rules'),
      simulatorAddress: get('simulator.address'),
      workers: get('indexing.workers'),
    },
    problems,
  };
}
