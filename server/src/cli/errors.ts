/** Errors that end a command with one line: what is wrong, and what to do. */
import { TreeError } from '../host/tree.js';

export class UsageError extends Error {}

/** Exit status 2: could not run. */
export const COULD_NOT_RUN = 2;
/** Exit status 1: it ran and found something. */
export const FOUND = 1;

/** By its name: the module with the YAML reader is only loaded where there is such a file. */
const isProjectFileError = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ProjectFileError';

export function describeError(error: unknown): string {
  if (error instanceof TreeError) return `${error.message} ${error.remedy}`.trim();
  if (error instanceof UsageError || error instanceof RangeError || isProjectFileError(error))
    return error.message;
  if (error instanceof Error)
    return process.env.GMEM_LENS_DEBUG
      ? (error.stack ?? error.message)
      : `${error.message} (set GMEM_LENS_DEBUG=1 for details)`;
  return String(error);
}
