import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** How much of a failed program's output its error repeats. */
const lastWords = 2_000;

/** Runs a program without a terminal; what it prints is returned, or repeated in the error if it fails. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let all = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      all += text;
    });
    const fail = (reason: string): void =>
      reject(new Error(`${[program, ...args].join(' ')}: ${reason}\n${all.slice(-lastWords).trim()}`));
    child.on('error', (error) => fail(error.message));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(stdout);
      else fail(signal === null ? `exit status ${code}` : `killed by ${signal}`);
    });
  });
}

/** One line about what takes so long. */
export function progress(text: string): void {
  process.stderr.write(`${text}\n`);
}
