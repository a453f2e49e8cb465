#!/usr/bin/env node
/** The command line: arguments in, exit status out. Commands are loaded when they run. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { COULD_NOT_RUN, describeError } from './errors.js';
import type { TreeOptions } from './load.js';
import { version } from './version.js';

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError('a whole number is wanted.');
  return value;
}

/** Runs a command; what it throws becomes one line on stderr and exit status 2. */
function run(command: () => Promise<number>): Promise<void> {
  return command().then(
    (status) => {
      process.exitCode = status;
    },
    (error: unknown) => {
      process.stderr.write(`gmem-lens: ${describeError(error)}\n`);
      process.exitCode = COULD_NOT_RUN;
    },
  );
}

const program = new Command('gmem-lens')
  .description(
    'Call paths, lock contexts and lock findings of guest memory code in a Linux kernel tree that was never built.',
  )
  .version(version)
  .showHelpAfterError('(gmem-lens --help shows what there is)')
  .configureOutput({ writeErr: (text) => process.stderr.write(text) })
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : COULD_NOT_RUN);
  });

function onTree(command: Command, formats: readonly string[]): Command {
  return command
    .addOption(
      new Option('--format <format>', 'how results are written').choices([...formats]).default('text'),
    )
    .option('--scope <scope>', "what is read: 'kvm', 'all', or globs relative to the tree", 'kvm')
    .option('--arch <architecture>', 'folder of arch/ that is meant', 'x86')
    .option('--config <file>', "a kernel .config (default: the tree's own, else a distribution's choices)")
    .option('--workers <n>', 'threads that read the tree (default: as the machine has)', wholeNumber);
}

onTree(
  program
    .command('check')
    .argument('[tree]', 'kernel tree', '.')
    .description('report lock findings with their paths'),
  ['text', 'json', 'sarif'],
)
  .option('--rule <ids>', 'only these rules, separated by commas')
  .addOption(
    new Option('--fail-on <severity>', 'exit with 1 for findings of at least this severity')
      .choices(['error', 'warning', 'info'])
      .default('warning'),
  )
  .option('--baseline <file>', 'report only findings that this file does not list')
  .option('--write-baseline <file>', 'list the findings in this file, for --baseline')
  .option('--diff <revision>', 'report only what the change since this git revision brings')
  .action((tree: string, options) => run(async () => (await import('./check.js')).check(tree, options)));

program
  .command('explain')
  .argument('[rule]', 'a rule; nothing: the list of all')
  .description("a rule's page: what happens on the machine, where that is said, how it is mended")
  .action((rule: string | undefined) => run(async () => (await import('./explain.js')).explain(rule)));

onTree(program.command('calls').argument('[tree]', 'kernel tree', '.').description('every call edge'), [
  'text',
  'jsonl',
  'json',
]).action((tree: string, options) => run(async () => (await import('./listings.js')).calls(tree, options)));

onTree(program.command('functions').argument('[tree]', 'kernel tree', '.').description('every function'), [
  'text',
  'jsonl',
  'json',
]).action((tree: string, options) =>
  run(async () => (await import('./listings.js')).functions(tree, options)),
);

onTree(
  program
    .command('callers')
    .argument('<function>', 'name, or file:name')
    .argument('[tree]', 'kernel tree', '.')
    .description('the tree of callers up to the entry points'),
  ['text', 'json', 'dot'],
)
  .option('--depth <n>', 'levels of callers', wholeNumber, 12)
  .action((name: string, tree: string, options) =>
    run(async () => (await import('./callers.js')).callers(name, tree, options)),
  );

onTree(
  program
    .command('locks')
    .argument('[what]', 'a function, FILE:LINE, or nothing for all functions')
    .argument('[tree]', 'kernel tree')
    .description('lock contexts'),
  ['text', 'jsonl', 'json'],
).action((what: string | undefined, tree: string | undefined, options) =>
  run(async () => {
    const { isFolder } = await import('../host/tree.js');
    const onlyTree = what !== undefined && tree === undefined && isFolder(what);
    return (await import('./locks.js')).locks(
      onlyTree ? undefined : what,
      onlyTree ? what : (tree ?? '.'),
      options,
    );
  }),
);

onTree(
  program
    .command('hooks')
    .argument('[tree]', 'kernel tree', '.')
    .description('invalidation and RMP hooks: declaration, implementation, callers, lock context'),
  ['text', 'json'],
).action((tree: string, options) =>
  run(async () => (await import('./hooks.js')).hooksCommand(tree, options)),
);

onTree(
  program
    .command('report')
    .argument('[tree]', 'kernel tree; default: the bundled reference kernels')
    .description('hooks, their callers, and findings, for a first look'),
  ['text'],
).action((tree: string | undefined, options: TreeOptions & { format: 'text' }) =>
  run(async () => (await import('./report.js')).reportCommand(tree, options)),
);

program
  .command('run')
  .argument(
    '[scenario]',
    'a scenario file, or the name of a bundled one; NAME@VARIANT for one of its variants',
  )
  .argument('[tree]', "kernel tree to run; default: the bundled reference kernel of the scenario's design")
  .description('run a scenario through kernel C: no SNP machine, no VM, no build')
  .addOption(
    new Option('--format <format>', 'how results are written').choices(['text', 'json']).default('text'),
  )
  .option('--trace', 'every call and step, and the setup')
  .option('--check', 'only say what is wrong with the scenario file')
  .option('--all', 'every bundled scenario with its variants, one line each')
  .option('--max-steps <n>', 'give up after so many steps of C', wholeNumber)
  .option('--schedule <file>', 'who goes when, as `explore --format json` prints it')
  .action((scenario: string | undefined, tree: string | undefined, options) =>
    run(async () => (await import('./run.js')).runCommand(scenario, tree, options)),
  );

program
  .command('explore')
  .argument(
    '<scenario>',
    'a scenario file, or the name of a bundled one; NAME@VARIANT for one of its variants',
  )
  .argument('[tree]', "kernel tree to run; default: the bundled reference kernel of the scenario's design")
  .description('try the interleavings of a scenario’s actors for one in which something goes wrong')
  .addOption(
    new Option('--format <format>', 'how results are written').choices(['text', 'json']).default('text'),
  )
  .option('--max-states <n>', 'give up after so many states', wholeNumber)
  .option('--preemptions <n>', 'only interleavings with at most so many preemptions', wholeNumber)
  .action((scenario: string, tree: string | undefined, options) =>
    run(async () => (await import('./explore.js')).exploreCommand(scenario, tree, options)),
  );

program
  .command('compare')
  .argument('<scenario>', 'a scenario file, or the name of a bundled one')
  .description('a scenario on every design that can carry it, and in its variants: hazards and costs')
  .addOption(
    new Option('--format <format>', 'how results are written').choices(['text', 'json']).default('text'),
  )
  .option('--max-steps <n>', 'give up after so many steps of C in each', wholeNumber)
  .action((scenario: string, options) =>
    run(async () => (await import('./compare.js')).compareCommand(scenario, options)),
  );

onTree(
  program
    .command('doctor')
    .argument('[tree]', 'kernel tree', '.')
    .description('what would keep the tool from working'),
  ['text'],
).action((tree: string, options: TreeOptions) =>
  run(async () => (await import('./doctor.js')).doctor(tree, options)),
);

program
  .command('lsp')
  .description('language server for any editor')
  .option('--stdio', 'speak over stdin and stdout (the default)')
  .action(() => run(async () => (await import('../lsp/stdio.js')).serveStdio()));

program
  .command('simulator')
  .description('the process that runs scenarios, for other programs: docs/simulator-protocol.md')
  .addOption(new Option('--stdio', 'speak over stdin and stdout (the default)').conflicts('port'))
  .option('--port <n>', 'listen on this port of the own machine; 0: any that is free', wholeNumber)
  .action(({ port }: { port?: number }) =>
    run(async () => {
      const { serveOnPort, serveStdio } = await import('../backend/serve.js');
      return port === undefined ? serveStdio() : serveOnPort(port);
    }),
  );

program
  .command('dap')
  .description('debug adapter for any client: steps scenarios through kernel C')
  .addOption(new Option('--stdio', 'speak over stdin and stdout (the default)').conflicts('port'))
  .option('--port <n>', 'listen on this port of the own machine; 0: any that is free', wholeNumber)
  .option('--simulator <address>', 'HOST:PORT of a `gmem-lens simulator` that runs already')
  .action(({ port, simulator: address }: { port?: number; simulator?: string }) =>
    run(async () => {
      const { debugOnPort, debugOverStdio } = await import('../backend/debug-adapter.js');
      return port === undefined ? debugOverStdio({ address }) : debugOnPort(port, { address });
    }),
  );

// `gmem-lens calls | head`: a reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`gmem-lens: ${describeError(error)}\n`);
  process.exitCode = COULD_NOT_RUN;
});
