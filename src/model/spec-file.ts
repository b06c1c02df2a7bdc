import type { z } from 'zod';
import { type Inventory, inventorySchema } from './inventory';
import { knownKeys, parentsOf } from './spec-file-keys';
import { explainIssue } from './spec-file-messages';
import { readYaml } from './spec-file-yaml';
import type { Position, SpecIssue, SpecPath } from './spec-issue';
import { nearest } from './suggest';

/** One mistake in a spec file, told so that a person can go there and mend it. */
export interface SpecProblem {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
  /** Counted from 1. */
  readonly column: number;
  /** Field, for example `cutover.schedule.windows[0].from`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly remedy?: string;
}

/** Finds the place of a field in its file, for problems that show only when files are seen together. */
export type LocateField = (path: SpecPath) => { readonly file: string } & Position;

export type SpecResult<T> =
  | { readonly ok: true; readonly value: T; readonly locate: LocateField }
  | { readonly ok: false; readonly problems: readonly SpecProblem[] };

export interface SpecKind<S extends z.ZodType> {
  /** Value of the field `kind`. */
  readonly kind: string;
  readonly schema: S;
  /** Conditions between fields; asked only when every field is right by itself. */
  readonly check?: (value: z.output<S>) => readonly SpecIssue[];
}

/**
 * Reads one spec from YAML text. Does not touch the disk.
 * @param file name for messages
 * @returns the typed value with defaults filled in, or all problems in the order of the file; never throws
 */
export function parseSpec<S extends z.ZodType>(
  text: string,
  file: string,
  kind: SpecKind<S>,
): SpecResult<z.output<S>> {
  const yaml = readYaml(text);
  const problem = (issue: SpecIssue, position: Position): SpecProblem => toProblem(file, issue, position);
  if (!yaml.ok) {
    return { ok: false, problems: yaml.issues.map((issue) => problem(issue, issue.position)) };
  }
  const wrongKind = checkKind(yaml.value, kind.kind);
  if (wrongKind) return { ok: false, problems: [problem(wrongKind, yaml.locate(wrongKind.path))] };

  const parsed = kind.schema.safeParse(yaml.value);
  if (!parsed.success) {
    const known = { keys: (path: SpecPath) => knownKeys(kind.schema, path, yaml.value) };
    const issues = parsed.error.issues.flatMap((issue) =>
      explainIssue(issue, yaml.value, {
        keysAt: known.keys,
        parentsOf: (key) => parentsOf(kind.schema, key),
      }),
    );
    return {
      ok: false,
      problems: inFileOrder(issues.map((issue) => problem(issue, yaml.locate(issue.path, issue.at)))),
    };
  }
  const conflicts = kind.check?.(parsed.data) ?? [];
  if (conflicts.length > 0) {
    return {
      ok: false,
      problems: inFileOrder(conflicts.map((issue) => problem(issue, yaml.locate(issue.path)))),
    };
  }
  return { ok: true, value: parsed.data, locate: (path) => ({ file, ...yaml.locate(path) }) };
}

export const INVENTORY_KIND: SpecKind<typeof inventorySchema> = {
  kind: 'Inventory',
  schema: inventorySchema,
};

/** Reads the text of inventory.yaml. */
export function parseInventory(text: string, file: string): SpecResult<Inventory> {
  return parseSpec(text, file, INVENTORY_KIND);
}

/** Writes problems as compilers do, `file:line:column: field: message`, one a line, remedies indented below. */
export function formatSpecProblems(problems: readonly SpecProblem[]): string {
  return problems
    .map(({ file, line, column, path, message, remedy }) => {
      const field = path === '' ? '' : `${path}: `;
      const help = remedy === undefined ? '' : `\n    ${remedy}`;
      return `${file}:${line}:${column}: ${field}${message}${help}`;
    })
    .join('\n');
}

/** @returns `cutover.schedule.windows[0].from` */
export function formatPath(path: SpecPath): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

export function toProblem(file: string, issue: SpecIssue, position: Position): SpecProblem {
  const { line, column } = position;
  const told = { file, line, column, path: formatPath(issue.path), message: issue.message };
  return issue.remedy === undefined ? told : { ...told, remedy: issue.remedy };
}

/** A file of another kind would only cause a list of unknown keys: say it once. */
function checkKind(value: unknown, expected: string): SpecIssue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { path: [], message: `must hold the fields of one ${expected}, such as "kind: ${expected}"` };
  }
  const found = (value as Readonly<Record<string, unknown>>).kind;
  if (found === undefined || found === expected) return undefined;
  const suggestion = typeof found === 'string' ? nearest(found, [expected])[0] : undefined;
  const message = `this file is of kind ${JSON.stringify(found)}, expected "${expected}"`;
  const remedy =
    suggestion === undefined ? `Give the ${expected} file here.` : `Did you mean "kind: ${suggestion}"?`;
  return { path: ['kind'], message, remedy };
}

function inFileOrder(problems: readonly SpecProblem[]): readonly SpecProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
