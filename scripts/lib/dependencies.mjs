/** Makes node_modules fit package-lock.json: `npm ci` only when it does not. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { sha256 } from './digest.mjs';
import { at, capture, projectNode, Stop, say } from './exec.mjs';
import { withLock } from './lock.mjs';

const STAMP = at('node_modules', '.sqlferry-install');

/** @returns true when something was installed. */
export async function ensureDependencies() {
  if (isFresh()) return false;
  return withLock(at('.sqlferry', 'install.lock'), async () => {
    if (isFresh()) return false;
    if (matchesLockfile()) {
      writeStamp();
      return false;
    }
    await install();
    writeStamp();
    return true;
  });
}

const lockDigest = () => sha256(readFileSync(at('package-lock.json')));

function isFresh() {
  return existsSync(STAMP) && existsSync(projectNode) && readFileSync(STAMP, 'utf8') === lockDigest();
}

function writeStamp() {
  mkdirSync(at('node_modules'), { recursive: true });
  writeFileSync(STAMP, lockDigest());
}

/**
 * Whether an installation made by hand holds what the lockfile asks for: npm writes what it installed into the hidden
 * lockfile node_modules/.package-lock.json. Optional packages of other platforms are not in it.
 */
function matchesLockfile() {
  if (!existsSync(projectNode) || !existsSync(at('node_modules', '.package-lock.json'))) return false;
  const wanted = readPackages(at('package-lock.json'));
  const installed = readPackages(at('node_modules', '.package-lock.json'));
  if (!wanted || !installed) return false;
  const complete = Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional === true || installed[path]?.version === entry.version,
  );
  return (
    complete && Object.entries(installed).every(([path, entry]) => wanted[path]?.version === entry.version)
  );
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

async function install() {
  const started = Date.now();
  say('installing dependencies (npm ci; about 450 MB, half a minute) ...');
  const result = await capture(...npmCommand(['ci', '--no-audit', '--no-fund', '--loglevel=error']));
  if (result.code !== 0) {
    process.stderr.write(result.stderr || result.stdout);
    throw new Stop(`npm ci failed with exit code ${result.code}; see the lines above`);
  }
  say(`dependencies installed in ${Math.round((Date.now() - started) / 1000)} s`);
}

/**
 * `npm ci` removes node_modules, and with it the Node that runs this script when npm put it first on PATH: so npm runs
 * on the Node that npm itself was started with, and with our folder off PATH.
 */
function npmCommand(args) {
  const own = at('node_modules', '.bin');
  const PATH = (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== own)
    .join(delimiter);
  const options = { env: { ...process.env, PATH } };
  const { npm_execpath: npm, npm_node_execpath: node } = process.env;
  if (npm && node && existsSync(npm) && existsSync(node) && npm.endsWith('.js') && !node.startsWith(own))
    return [node, [npm, ...args], options];
  return [process.platform === 'win32' ? 'npm.cmd' : 'npm', args, options];
}
