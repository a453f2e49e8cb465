/** The bundled scenarios and reference kernels, for tests of the simulator. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kernelTexts } from '../../server/src/host/scenario-files.ts';
import { type KernelCode, referenceKernel } from '../../server/src/simulator/scenario/kernel-code.ts';
import { loadScenario } from '../../server/src/simulator/scenario/load.ts';
import { type Scenario, withVariant } from '../../server/src/simulator/scenario/model.ts';
import type { RunInput } from '../../server/src/simulator/scenario/simulation.ts';

const server = join(import.meta.dirname, '../../server');

const textsOf = (name: string): Record<string, string> => kernelTexts(join(server, 'kernels', name));
const configOf = (name: string): string =>
  readFileSync(join(server, 'kernels', name, 'configs/correct.config'), 'utf8');

const kernels = new Map<string, KernelCode>();

/** A bundled kernel; `change` gives its texts with something else in them. */
export function kernelNamed(
  name: string,
  change?: (texts: Record<string, string>) => Record<string, string>,
): KernelCode {
  if (change) return referenceKernel(name, change(textsOf(name)), configOf(name));
  let kernel = kernels.get(name);
  if (!kernel) kernels.set(name, (kernel = referenceKernel(name, textsOf(name), configOf(name))));
  return kernel;
}

/** A scenario from its text, on its kernel. */
export function inputOf(text: string, variant?: string, file = 'test.yaml'): RunInput {
  const { scenario, problems } = loadScenario(file, (path) => (path === file ? text : undefined));
  if (!scenario)
    throw new Error(problems.map(({ line, message }) => `${file}:${line}: ${message}`).join('\n'));
  const chosen = withVariant(scenario, variant);
  if (!chosen) throw new Error(`${file} has no variant ${variant}`);
  return {
    scenario: chosen,
    kernel: kernelNamed(chosen.design),
    ...(variant !== undefined && { variant }),
  };
}

/** A scenario of the library, `name` or `name@variant`. */
export function libraryInput(name: string, change: (text: string) => string = (text) => text): RunInput {
  const [file, variant] = name.split('@') as [string, string?];
  return inputOf(
    change(readFileSync(join(server, 'scenarios', `${file}.yaml`), 'utf8')),
    variant,
    `${file}.yaml`,
  );
}

export const libraryNames = (): string[] =>
  readdirSync(join(server, 'scenarios'))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => name.slice(0, -'.yaml'.length));

export const variantsOf = ({ variants }: Scenario): string[] => variants.map(({ name }) => name);
