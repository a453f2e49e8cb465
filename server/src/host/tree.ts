/**
 * `host` is the only place that touches Node's file system, worker threads and the disk cache.
 * It knows kernel trees and facts; it must not know any protocol. The tree is only ever read.
 *
 * This file: is a folder a kernel tree?
 */
import { accessSync, constants, realpathSync, type Stats, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** What makes a folder a kernel tree for us. */
const MARK = join('virt', 'kvm');

/** Something is wrong with what the user named: one line each for what it is and what to do about it. */
export class TreeError extends Error {
  constructor(
    message: string,
    readonly remedy: string,
  ) {
    super(message);
    this.name = 'TreeError';
  }
}

/** A place that could not be read; the rest goes on without it. `file` is relative to the tree, with `/`. */
export interface HostNote {
  file: string;
  /** From 1. */
  line: number;
  message: string;
}

/** The system's code of an error, such as `ENOENT`; empty for errors that have none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** Why a file or folder can't be read, in words; falls back to the system's own. */
export function reasonOf(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied';
    case 'ELOOP':
      return 'its symbolic links lead in a circle';
    case 'EISDIR':
      return 'it is a directory';
    case 'ENOTDIR':
      return 'a part of its path is no directory';
    case 'ENAMETOOLONG':
      return 'its name is too long';
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open';
    case 'ENOSPC':
      return 'the disk is full';
    case 'EROFS':
      return 'the file system is read-only';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The absolute path of a kernel tree, links resolved.
 * @param path absolute, or relative to the current folder
 * @param options.anyFolder also take a folder without virt/kvm: an explicit glob says what to read there
 * @throws TreeError when there is no such folder, it can't be read, or it is no kernel tree
 */
export function openTree(path: string, options: { anyFolder?: boolean } = {}): string {
  const given = resolve(path);
  const root = existingFolder(given);
  try {
    accessSync(root, constants.R_OK | constants.X_OK);
  } catch (error) {
    throw new TreeError(
      `${given} can't be read: ${reasonOf(error)}.`,
      'Give yourself the right to read and enter it.',
    );
  }
  if (options.anyFolder || isTree(root)) return root;
  const above = findTree(root);
  throw new TreeError(
    `${given} is no Linux kernel tree: it has no virt/kvm.`,
    above === undefined
      ? 'Name the folder that contains arch, include, mm and virt, or say what to read with --scope GLOB.'
      : `It lies inside of one: name ${above}.`,
  );
}

function existingFolder(path: string): string {
  let found: Stats;
  let root: string;
  try {
    root = realpathSync(path);
    found = statSync(root);
  } catch (error) {
    const missing = errorCode(error) === 'ENOENT';
    throw new TreeError(
      missing ? `There is no ${path}.` : `${path} can't be opened: ${reasonOf(error)}.`,
      'Name an existing kernel tree: the folder that contains arch, include, mm and virt.',
    );
  }
  if (!found.isDirectory()) {
    const above = findTree(root);
    throw new TreeError(
      `${path} is a file, not a folder.`,
      above === undefined
        ? 'Name a kernel tree: the folder that contains virt/kvm.'
        : `Name its kernel tree: ${above}.`,
    );
  }
  return root;
}

/** Does a folder contain virt/kvm? False where nobody can say. */
export function isTree(folder: string): boolean {
  try {
    return statSync(join(folder, MARK)).isDirectory();
  } catch {
    return false;
  }
}

/** The nearest folder above a file (or the folder itself) that is a kernel tree. */
export function findTree(path: string): string | undefined {
  for (let current = resolve(path); ; current = dirname(current)) {
    if (isTree(current)) return current;
    if (dirname(current) === current) return undefined;
  }
}

/** Is there a folder at this path? */
export function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
