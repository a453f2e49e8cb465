/** Many C programs in one run of gcc, and the same in the machine: every `out(value)` of both must agree. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine } from '../../../server/src/simulator/execution/machine.ts';
import { textsSource } from '../../../server/src/simulator/execution/texts-source.ts';
import { run } from '../../support/run.ts';

export interface CProgram {
  name: string;
  /** Definitions; with `#` in names where the program's number is to stand, so that programs don't meet. */
  text: string;
  /** Name of a function without parameters that calls `out`. */
  entry: string;
}

const FLAGS = ['-std=gnu11', '-O1', '-w', '-fwrapv', '-fno-strict-aliasing'];

/** Kernel types, and what `out` is. */
const PRELUDE = `
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef _Bool bool;
`;

const numbered = (text: string, index: number): string => text.replaceAll('@', `_${index}`);

/** What gcc's programs say, by program. @throws where gcc is missing or refuses a program */
export async function gccOutputs(programs: readonly CProgram[]): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'gmem-lens-gcc-'));
  try {
    const source = join(folder, 'programs.c');
    const calls = programs.map(
      ({ entry }, index) => `\tprintf("#%d\\n", ${index});\n\t${numbered(entry, index)}();`,
    );
    await writeFile(
      source,
      [
        'int printf(const char *format, ...);',
        PRELUDE,
        'static void out(u64 value) { printf("%llx\\n", value); }',
        ...programs.map(({ text }, index) => numbered(text, index)),
        `int main(void)\n{\n${calls.join('\n')}\n\treturn 0;\n}`,
      ].join('\n'),
    );
    const program = join(folder, 'programs');
    await run('gcc', [...FLAGS, '-o', program, source]);
    const outputs = programs.map((): string[] => []);
    let current = -1;
    for (const line of (await run(program, [])).split('\n')) {
      if (line.startsWith('#')) current = Number(line.slice(1));
      else if (line !== '') outputs[current]!.push(line);
    }
    return outputs;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the machine says of one program. A failure is a value too. */
export function machineOutput({ text, entry }: CProgram, index: number): string[] {
  const output: string[] = [];
  const file = 'program.c';
  try {
    const machine = new Machine(
      textsSource({ [file]: `${PRELUDE}void out(u64 value);${numbered(text, index)}` }),
      {
        heapSize: 1 << 20,
        modelled: {
          out: (call) => {
            output.push(call.unsigned(0).toString(16));
            return undefined;
          },
        },
      },
    );
    const thread = machine.createThread('program', numbered(entry, index), file);
    const stop = machine.run(thread, { maxSteps: 1_000_000 });
    if (stop.k === 'hazard')
      output.push(`${stop.hazard.kind}: ${stop.hazard.message} at ${stop.hazard.loc?.line}`);
    else if (stop.k !== 'ended') output.push(stop.k);
  } catch (error) {
    output.push(String(error));
  }
  return output;
}

/** Where machine and compiler differ, with the program's text. */
export async function differences(programs: readonly CProgram[]): Promise<string[]> {
  const expected = await gccOutputs(programs);
  return programs.flatMap((program, index) => {
    const actual = machineOutput(program, index);
    const wanted = expected[index]!;
    const at = wanted.findIndex((value, i) => actual[i] !== value);
    if (at < 0 && actual.length === wanted.length) return [];
    const where = at < 0 ? wanted.length : at;
    return [
      `${program.name}: value ${where} is ${actual[where]}, gcc says ${wanted[where]}\n${program.text}`,
    ];
  });
}
