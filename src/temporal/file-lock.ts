import { readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { isErrno } from './errno';

const POLL_MS = 100;
/** A lock file without a readable process id belongs to a holder that died while it wrote. */
const UNSIGNED_MS = 10_000;

/** Runs `work` while no other process of this machine holds the lock file. A dead holder's lock is taken over. */
export async function withFileLock<Result>(file: string, work: () => Promise<Result>): Promise<Result> {
  await acquire(file);
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function acquire(file: string): Promise<void> {
  let unsignedMs = 0;
  while (!(await tryLock(file))) {
    const holder = await readHolder(file);
    unsignedMs = holder === undefined ? unsignedMs + POLL_MS : 0;
    const abandoned = holder === undefined ? unsignedMs > UNSIGNED_MS : !isAlive(holder);
    if (abandoned) await rm(file, { force: true });
    else await sleep(POLL_MS);
  }
}

async function tryLock(file: string): Promise<boolean> {
  try {
    await writeFile(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

async function readHolder(file: string): Promise<number | undefined> {
  try {
    const pid = Number(await readFile(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}
