/** One process at a time for work that writes node_modules or dist. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './exec.mjs';

/** A lock whose holder is dead, or that nobody signed for this long, is taken over. */
const UNSIGNED_MS = 10_000;

export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true });
  await acquire(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file) {
  const started = Date.now();
  for (let told = false; !tryLock(file); ) {
    const holder = holderOf(file);
    const abandoned = holder === undefined ? Date.now() - started > UNSIGNED_MS : !isAlive(holder);
    if (abandoned) {
      rmSync(file, { force: true });
      continue;
    }
    if (!told && holder !== undefined) say(`waiting for process ${holder}, which installs or builds ...`);
    told ||= holder !== undefined;
    await sleep(200);
  }
}

function tryLock(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function holderOf(file) {
  try {
    const pid = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
