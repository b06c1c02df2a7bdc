import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ResolvedLink } from '../model/link/spec';
import { EXIT } from './exit-codes';
import { CliFailure } from './failure';

export interface SpecFileOptions {
  readonly inventory: string;
  readonly migration: string;
}

/** Reads and checks both spec files. @throws CliFailure that lists every mistake with file, line, field and remedy */
export async function loadLinkMigration(options: SpecFileOptions): Promise<ResolvedLink> {
  const { parseInventory, formatSpecProblems } = await import('../model/spec-file');
  const { parseLink, resolveLink } = await import('../model/link/spec-file');
  const inventory = parseInventory(readText(options.inventory, '--inventory'), options.inventory);
  const migration = parseLink(readText(options.migration, 'the migration file'), options.migration);
  if (!inventory.ok || !migration.ok) {
    const problems = [inventory, migration].flatMap((result) => (result.ok ? [] : result.problems));
    throw specFailure(formatSpecProblems(problems), problems);
  }
  const resolved = resolveLink(inventory.value, migration.value, migration.locate);
  if (!resolved.ok) throw specFailure(formatSpecProblems(resolved.problems), resolved.problems);
  return resolved.value;
}

function readText(file: string, what: string): string {
  try {
    return readFileSync(resolve(file), 'utf8');
  } catch (error) {
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : error;
    const text =
      code === 'ENOENT'
        ? `there is no file ${file} (${what})`
        : `${what}: ${file} cannot be read (${String(code)})`;
    throw new CliFailure(text, EXIT.usage, ['make example files with: sqlferry init']);
  }
}

const specFailure = (text: string, problems: readonly unknown[]): CliFailure =>
  new CliFailure(
    `${problems.length} mistake${problems.length === 1 ? '' : 's'} in the spec files; nothing was done\n${indented(text)}`,
    EXIT.usage,
    [],
    { problems },
  );

const indented = (text: string): string => text.replaceAll(/^/gm, '  ');
