/** Which `#if` branches are read: from a kernel's `.config`, or from the table of defaults. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import table from '../../../grammars/config-defaults.json' with { type: 'json' };
import {
  type Configuration,
  configurationOf,
  parseDotConfig,
  type SymbolTable,
} from '../kernel-c/conditions.js';
import { errorCode, reasonOf, TreeError } from './tree.js';

/** What a configuration is made of: plain data, so that workers can make the same one. */
export interface ConfigurationData {
  symbols: SymbolTable;
  /** Is a `CONFIG_` symbol that isn't listed off? */
  closed: boolean;
  /** Hash of the above. */
  key: string;
}

export interface LoadedConfiguration {
  data: ConfigurationData;
  configuration: Configuration;
  /** The `.config` that was read; `undefined` for the defaults. */
  file?: string;
}

const { source: _source, ...tables } = table;
const defaults: Readonly<Record<string, SymbolTable>> = tables;

/**
 * Symbols taken for granted of an architecture. One without a table of its own gets what the others agree on.
 */
export function defaultSymbols(architecture: string): SymbolTable {
  const own = defaults[architecture];
  if (own) return own;
  const [first = {}, ...others] = Object.values(defaults);
  const agreed = Object.entries(first).filter(([name, value]) =>
    others.every((other) => other[name] === value),
  );
  return Object.fromEntries(agreed);
}

/**
 * The configuration to read a tree with.
 * @param tree absolute path
 * @param config a `.config` named by the user, absolute or relative to the current folder; without one TREE/.config
 * is used where it exists, else the defaults
 * @throws TreeError when the named file, or the tree's own, can't be read or is no `.config`
 */
export function loadConfiguration(tree: string, architecture: string, config?: string): LoadedConfiguration {
  const given = config !== undefined && config !== '';
  const file = given ? resolve(config) : join(tree, '.config');
  const text = readConfig(file, given);
  const known = defaultSymbols(architecture);
  if (text === undefined) return loaded(known, false);
  const symbols = parseDotConfig(text);
  if (Object.keys(symbols).length === 0) {
    throw new TreeError(`${file} is no kernel .config: it has no CONFIG_ line.`, remedy(given));
  }
  // What no .config says, such as KVM_HAVE_MMU_RWLOCK, comes from headers that a scope may not reach.
  const macros = Object.entries(known).filter(([name]) => !name.startsWith('CONFIG_'));
  return { ...loaded({ ...Object.fromEntries(macros), ...symbols }, true), file };
}

function remedy(given: boolean): string {
  return given
    ? 'Name a .config that make olddefconfig or a distribution has written, or leave the option out.'
    : 'Mend or remove that file, or name another one with --config.';
}

function readConfig(file: string, mustExist: boolean): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (!mustExist && errorCode(error) === 'ENOENT') return undefined;
    const what =
      errorCode(error) === 'ENOENT' ? `There is no ${file}.` : `${file} can't be read: ${reasonOf(error)}.`;
    throw new TreeError(what, remedy(mustExist));
  }
}

function loaded(
  symbols: SymbolTable,
  closed: boolean,
): { data: ConfigurationData; configuration: Configuration } {
  const sorted = Object.entries(symbols).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = createHash('sha256')
    .update(JSON.stringify([closed, sorted]))
    .digest('hex')
    .slice(0, 32);
  return { data: { symbols, closed, key }, configuration: configurationOf(symbols, closed, key) };
}
