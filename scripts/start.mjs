// From a fresh clone to a result: installs, builds, reports on a kernel tree and opens it in VS Code.
//
// usage: npm start [-- [--no-open] [TREE]]
// TREE is a Linux kernel tree; without one it is a bundled reference kernel.
// Nothing but Node's own modules here: this runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const referenceKernel = join(root, 'server', 'kernels', 'guest-memfd');
const oldestNode = 20;
const windows = process.platform === 'win32';

/** An editor that waits for a display or a password must not keep `npm start` waiting. */
const editorTimeoutMs = 60_000;

function main(args) {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < oldestNode) {
    stop(`Node ${oldestNode} or newer is needed; this is ${process.version}.`);
  }
  const open = !args.includes('--no-open') && !process.env.CI;
  const given = findTree(args.filter((argument) => argument !== '--no-open'));
  install();
  step('building', process.execPath, [join(root, 'scripts', 'build.mjs')]);
  const status = report(given);
  const tree = given ?? referenceKernel;
  if (open) openInEditor(tree);
  else explainEditor(tree);
  process.exitCode = status;
}

/** @returns the absolute path of the TREE that was given, if one was */
function findTree(args) {
  const option = args.find((argument) => argument.startsWith('-'));
  if (option !== undefined) stop(`unknown option ${option}; usage: npm start [-- [--no-open] [TREE]]`);
  if (args.length > 1) stop('more than one TREE was given; usage: npm start [-- [--no-open] [TREE]]');
  if (args.length === 0) {
    console.log(
      'No TREE given, so this looks at the bundled reference kernel in each of its configurations.',
    );
    console.log('For your own: npm start -- /path/to/linux\n');
    return undefined;
  }
  // npm changes to the project's folder and leaves in INIT_CWD where it was called.
  const tree = resolve(process.env.INIT_CWD ?? process.cwd(), args[0]);
  if (!existsSync(tree)) stop(`There is no ${tree}.`);
  if (!existsSync(join(tree, 'virt', 'kvm'))) {
    stop(
      `${tree} is no Linux kernel tree (it has no virt/kvm). Name the folder that contains arch, include, mm and virt.`,
    );
  }
  return tree;
}

function install() {
  if (isInstalled()) return;
  const args = ['ci', '--ignore-scripts', '--include=dev', '--no-audit', '--no-fund'];
  step('installing dependencies', windows ? 'npm.cmd' : 'npm', args);
}

/** npm writes a copy of the lock file when it has installed everything. */
function isInstalled() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  return (
    existsSync(installed) && statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs
  );
}

/**
 * @param tree without one, the bundled kernels
 * @returns 0, or 2 when the report could not be made; findings are a result, not a failure
 */
function report(tree) {
  const args = tree === undefined ? ['report'] : ['report', tree];
  const { status, error } = run(process.execPath, [join(root, 'dist', 'cli.js'), ...args]);
  if (error) stop(`the report could not be started: ${error.message}`);
  return status === 0 || status === 1 ? 0 : 2;
}

function openInEditor(tree) {
  const code = findOnPath(windows ? 'code.cmd' : 'code');
  if (code === undefined) return explainEditor(tree);
  const vsix = packageFile();
  step('packing the extension', process.execPath, [join(root, 'scripts', 'package.mjs')]);
  const opened = [['--install-extension', vsix, '--force'], [tree]].every((args) => succeeded(code, args));
  if (opened) console.log(`\nVS Code has Guest Memory Lens now and opens ${tree}.`);
  else {
    console.log('\nVS Code could not be started from here.');
    explainEditor(tree);
  }
}

function explainEditor(tree) {
  const vsix = relative(process.cwd(), packageFile());
  console.log('\nIn VS Code:');
  console.log('  npm run package');
  console.log(`  code --install-extension ${vsix}`);
  console.log(`  code ${tree}`);
}

function packageFile() {
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return join(root, `${name}-${version}.vsix`);
}

function findOnPath(program) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function succeeded(program, args) {
  const { status, error } = run(program, args, { timeout: editorTimeoutMs });
  return !error && status === 0;
}

function step(what, program, args) {
  console.log(`${what} …`);
  const { status, error } = run(program, args);
  if (error) stop(`${what} failed: ${error.message}`);
  if (status !== 0) stop(`${what} failed; the lines above say why.`);
}

function run(program, args, options = {}) {
  const batch = windows && program.endsWith('.cmd');
  return spawnSync(program, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: batch,
    ...options,
  });
}

function stop(message) {
  console.error(`start: ${message}`);
  process.exit(2);
}

main(process.argv.slice(2));
