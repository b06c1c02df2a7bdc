/** Runs `sqlferry` as a person or a script would: in this process with its streams caught, or as a process of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../src/cli/main';
import { inventoryYaml } from '../support/estate-spec';
import type { EstateStage } from '../support/scenario';

export interface CommandResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const ROOT = join(__dirname, '..', '..');
export const BIN = join(ROOT, 'bin', 'sqlferry.js');

/** Runs the command in this process, without a terminal. @param env is added to the environment while it runs */
export async function sqlferry(argv: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CommandResult> {
  const before = { ...process.env };
  const caught = [catchStream(process.stdout), catchStream(process.stderr)] as const;
  const input = Object.getOwnPropertyDescriptor(process.stdin, 'isTTY');
  Object.defineProperty(process.stdin, 'isTTY', { value: undefined, configurable: true });
  Object.assign(process.env, env);
  for (const [name, value] of Object.entries(env)) if (value === undefined) delete process.env[name];
  try {
    const code = await main(argv);
    return { code, out: caught[0].text(), err: caught[1].text() };
  } finally {
    for (const stream of caught) stream.release();
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    if (input === undefined) Reflect.deleteProperty(process.stdin, 'isTTY');
    else Object.defineProperty(process.stdin, 'isTTY', input);
  }
}

function catchStream(stream: NodeJS.WriteStream) {
  const chunks: string[] = [];
  const terminal = Object.getOwnPropertyDescriptor(stream, 'isTTY');
  Object.defineProperty(stream, 'isTTY', { value: undefined, configurable: true });
  const spy = jest.spyOn(stream, 'write').mockImplementation((chunk: string | Uint8Array): boolean => {
    chunks.push(String(chunk));
    return true;
  });
  return {
    text: () => chunks.join(''),
    release: () => {
      spy.mockRestore();
      if (terminal === undefined) Reflect.deleteProperty(stream, 'isTTY');
      else Object.defineProperty(stream, 'isTTY', terminal);
    },
  };
}

/** Runs the built command as a process of its own. */
export function sqlferryProcess(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [BIN, ...argv], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString('utf8');
    });
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk.toString('utf8');
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, out, err }));
  });
}

/** The one JSON object that a command prints. */
export function json(result: CommandResult): Record<string, unknown> {
  const lines = result.out.trimEnd().split('\n');
  if (lines.length !== 1) throw new Error(`${lines.length} lines: ${result.out}${result.err}`);
  return jsonObject(lines[0] ?? '');
}

export function jsonObject(line: string): Record<string, unknown> {
  const value: unknown = JSON.parse(line);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`no object: ${line}`);
  return value as Record<string, unknown>;
}

export interface SpecFolder {
  readonly inventory: string;
  readonly migration: string;
  close(): void;
}

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
cutover: { approval: { required: false }, fence: { disableLogins: [sales_app] } }
polling: { steady: 500ms, seeding: 500ms, active: 100ms, heartbeatTimeout: 5s }
`;

export interface SpecFileChanges {
  readonly name?: string;
  readonly database?: string;
  /** YAML after `instance`. */
  readonly sections?: string;
  /** Changes the text of the inventory. */
  readonly inventory?: (yaml: string) => string;
}

/** Both spec files of a running estate, in a folder of their own. */
export function writeSpecs({ estate, folder }: EstateStage, changes: SpecFileChanges = {}): SpecFolder {
  const directory = mkdtempSync(join(tmpdir(), 'sqlferry-cli-'));
  const inventory = join(directory, 'inventory.yaml');
  const migration = join(directory, 'migration.yaml');
  const yaml = inventoryYaml(estate, join(folder, 'ca.pem'));
  writeFileSync(inventory, changes.inventory?.(yaml) ?? yaml);
  writeFileSync(
    migration,
    `apiVersion: sqlferry/v1
kind: Link
name: ${changes.name ?? 'sales'}
database: ${changes.database ?? 'Sales'}
server: sql1
instance: mi-west
${changes.sections ?? SECTIONS}`,
  );
  return { inventory, migration, close: () => rmSync(directory, { recursive: true }) };
}
