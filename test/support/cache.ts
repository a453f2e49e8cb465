/** A folder outside the project for what tests download, kept between runs and shared by all that run at once. */
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 500;

export function testCache(): string {
  const { GMEM_LENS_TEST_CACHE: own, XDG_CACHE_HOME: shared } = process.env;
  if (own) return resolve(own);
  return join(shared || join(homedir(), '.cache'), 'guest-memory-lens-tests');
}

/**
 * The folder `name` of the cache. The first to ask has `make` fill it, under a temporary name, so that a folder
 * with the right name is always whole; others wait for that.
 */
export async function cachedFolder(name: string, make: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(testCache(), name);
  if (await exists(folder)) return folder;
  return withLock(`${folder}.lock`, async () => {
    if (await exists(folder)) return folder;
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await make(partial);
    await rename(partial, folder);
    return folder;
  });
}

async function withLock<T>(path: string, action: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryLock(path))) await sleep(pollMs);
  try {
    return await action();
  } finally {
    await rm(path, { force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  if (await isAbandoned(path)) await removeAbandoned(path);
  return false;
}

/** Only one waiter at a time, and it looks again: the lock may be somebody else's by now. */
async function removeAbandoned(path: string): Promise<void> {
  const guard = `${path}.cleanup`;
  try {
    await mkdir(guard);
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return;
    throw error;
  }
  try {
    if (await isAbandoned(path)) await rm(path, { force: true });
  } finally {
    await rm(guard, { recursive: true });
  }
}

/** A holder that was killed leaves its lock behind. */
async function isAbandoned(path: string): Promise<boolean> {
  const holder = Number(await readFile(path, 'utf8').catch(() => ''));
  // Empty: the holder is just writing its number, or has just gone.
  if (!holder) return false;
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
