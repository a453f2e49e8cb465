/** A real kernel tree as the C that a scenario runs. */
import { type Configuration, withSymbols } from '../../kernel-c/conditions.js';
import type { Program } from '../../program/program.js';
import { programSource, type ReadText } from '../execution/program-source.js';
import { layered, withFallback } from '../execution/source.js';
import { textsSource } from '../execution/texts-source.js';
import { ENTRY_FILE } from '../kernel-api/entry.js';
import type { KernelCode } from '../scenario/kernel-code.js';
import { BOOT_FUNCTION } from './boot.js';
import { treeEntryText } from './entry.js';
import { treeRefusals } from './refusals.js';
import { missingIn } from './requirements.js';
import { STAND_IN_FILE, standInText } from './stand-ins.js';
import { TREE_MODELLED, treeModelOf } from './table.js';
import { TreeCalls } from './tree-calls.js';

export interface TreeInput {
  program: Program;
  configuration: Configuration;
  readText: ReadText;
}

/** Values of options that the analyser only takes for switched on: arch/x86/Kconfig. */
const OPTION_VALUES = new Map([['CONFIG_ILLEGAL_POINTER_VALUE', 0xdead000000000000]]);

/** Files outside of what the analyser reads whose functions are executed too. */
const LIBRARY_FILES = ['lib/rbtree.c', 'lib/interval_tree.c'];

export function treeKernel({ program, configuration: given, readText }: TreeInput): KernelCode {
  const missing = missingIn(program);
  const configuration = withSymbols(given, OPTION_VALUES, 'run');
  const own: Record<string, string> = { [STAND_IN_FILE]: standInText(), [ENTRY_FILE]: treeEntryText() };
  const library = Object.fromEntries(
    LIBRARY_FILES.flatMap((path) => {
      const text = readText(path);
      return text === undefined ? [] : [[path, text]];
    }),
  );
  return {
    name: 'tree',
    refusals: (scenario) => [...missing, ...treeRefusals(scenario)],
    source: () =>
      layered([
        textsSource(own),
        withFallback(
          programSource(program, configuration, (path) => own[path] ?? readText(path)),
          textsSource(library, configuration),
        ),
      ]),
    initcalls: () => [{ function: BOOT_FUNCTION, file: ENTRY_FILE }],
    vmType: ({ platform }) => (platform === 'snp' ? 'KVM_X86_SNP_VM' : 'KVM_X86_SW_PROTECTED_VM'),
    calls: (context) => new TreeCalls(context),
    table: TREE_MODELLED,
    modelOf: treeModelOf,
  };
}
