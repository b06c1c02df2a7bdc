/** The product's sources as files, functions and imports, read with the parser that also compiles the tests. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { parseSync } from '@swc/core';

export interface SourceFunction {
  /** `name` or `Class.name`; one without a name is named by the function around it. */
  readonly name: string;
  readonly line: number;
  readonly lines: number;
}

export interface SourceFile {
  /** Path below the root, with forward slashes. */
  readonly path: string;
  readonly lines: number;
  readonly functions: readonly SourceFunction[];
  /** Files of the same folder tree that it imports, for types alone too. */
  readonly imports: readonly string[];
}

/** Every TypeScript file below `folder`. */
export function readSources(root: string, folder: string): readonly SourceFile[] {
  const texts = new Map(
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [relative(root, file).split(sep).join('/'), readFileSync(file, 'utf8')]),
  );
  return [...texts].map(([path, text]) => readSource(path, text, (file) => texts.has(file)));
}

/** @param exists tells which paths are files, so that an import of a folder finds its index */
export function readSource(path: string, text: string, exists: (path: string) => boolean): SourceFile {
  const { functions, targets } = new Reader(text).read();
  const imports = targets
    .filter((target) => target.startsWith('.'))
    .map((target) => join(dirname(path), target).split(sep).join('/'))
    .flatMap((target) => [`${target}.ts`, `${target}/index.ts`].filter(exists));
  return { path, lines: lineCount(text), functions, imports: [...new Set(imports)] };
}

const lineCount = (text: string): number => text.replace(/\n$/, '').split('\n').length;

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const FUNCTIONS = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
  'ClassMethod',
  'PrivateMethod',
  'Constructor',
  'MethodProperty',
  'GetterProperty',
  'SetterProperty',
]);

const DECLARATIONS = new Set(['ImportDeclaration', 'ExportAllDeclaration', 'ExportNamedDeclaration']);

/** One walk over a syntax tree. */
class Reader {
  private readonly functions: SourceFunction[] = [];
  private readonly targets: string[] = [];
  private readonly lineStarts: readonly number[];
  private base = 0;

  constructor(private readonly text: string) {
    // Spans count bytes.
    let offset = 0;
    this.lineStarts = text.split('\n').map((line) => {
      const start = offset;
      offset += Buffer.byteLength(line) + 1;
      return start;
    });
  }

  read(): { readonly functions: readonly SourceFunction[]; readonly targets: readonly string[] } {
    // Spans begin anywhere, also behind a leading comment: an empty statement in front tells where.
    const module: unknown = parseSync(`;${this.text}`, { syntax: 'typescript', target: 'es2022' });
    if (!isTree(module)) throw new Error('no syntax tree');
    const [first] = module.body as readonly Tree[];
    this.base = spanOf(first)?.end ?? 0;
    this.walk(module, 'module', undefined);
    return { functions: this.functions, targets: this.targets };
  }

  /** @param around name of the function or class around the node; @param given name by what holds the node */
  private walk(node: unknown, around: string, given: string | undefined): void {
    if (Array.isArray(node)) {
      for (const one of node) this.walk(one, around, undefined);
      return;
    }
    if (!isTree(node)) return;
    this.noteImport(node);
    const name = nameOf(node) ?? given;
    const inside = this.noteFunction(node, name, around);
    const holds = node.type === 'ClassDeclaration' || node.type === 'ClassExpression';
    for (const [key, child] of Object.entries(node)) {
      if (key !== 'span') this.walk(child, holds && name !== undefined ? name : inside, name);
    }
  }

  private noteFunction(node: Tree, name: string | undefined, around: string): string {
    const span = spanOf(node);
    if (!FUNCTIONS.has(String(node.type)) || span === undefined) return around;
    const own = name === undefined ? `within ${around}` : qualified(node, name, around);
    const line = this.lineAt(span.start);
    this.functions.push({ name: own, line, lines: this.lineAt(span.end - 1) - line + 1 });
    return own;
  }

  private noteImport(node: Tree): void {
    const isCall = node.type === 'CallExpression' && isTree(node.callee) && node.callee.type === 'Import';
    if (isCall) {
      const [argument] = node.arguments as readonly Tree[];
      if (isTree(argument?.expression)) this.noteTarget(argument.expression);
    }
    if (node.type === 'TsImportType' && isTree(node.argument)) this.noteTarget(node.argument);
    if (DECLARATIONS.has(String(node.type)) && isTree(node.source)) this.noteTarget(node.source);
  }

  private noteTarget(literal: Tree): void {
    if (typeof literal.value === 'string') this.targets.push(literal.value);
  }

  private lineAt(position: number): number {
    const offset = position - this.base;
    return this.lineStarts.findLastIndex((start) => start <= offset) + 1;
  }
}

function spanOf(node: Tree | undefined): { readonly start: number; readonly end: number } | undefined {
  const span = node?.span;
  if (!isTree(span) || typeof span.start !== 'number' || typeof span.end !== 'number') return undefined;
  return { start: span.start, end: span.end };
}

/** The name that a node gives to itself, or to the function that it holds. */
function nameOf(node: Tree): string | undefined {
  if (node.type === 'Constructor') return 'constructor';
  for (const holder of [node.identifier, node.key, node.id]) {
    if (isTree(holder) && typeof holder.value === 'string') return holder.value;
    // Of a private method: `#name`.
    if (isTree(holder) && isTree(holder.id) && typeof holder.id.value === 'string') return holder.id.value;
  }
  return undefined;
}

const METHODS = new Set(['ClassMethod', 'PrivateMethod', 'Constructor']);

const qualified = (node: Tree, name: string, around: string): string =>
  METHODS.has(String(node.type)) ? `${around}.${name}` : name;

/**
 * Files that reach themselves through imports.
 * @returns one sorted list for each group whose files all reach one another
 */
export function importCycles(files: readonly SourceFile[]): readonly (readonly string[])[] {
  const reach = new Map(files.map(({ path }) => [path, reachableFrom(path, files)]));
  const inCycle = files.map(({ path }) => path).filter((path) => reach.get(path)?.has(path));
  const groups = new Map<string, string[]>();
  for (const path of inCycle.sort()) {
    const first = inCycle.filter((one) => reach.get(path)?.has(one) && reach.get(one)?.has(path)).sort()[0];
    groups.set(first ?? path, [...(groups.get(first ?? path) ?? []), path]);
  }
  return [...groups.values()];
}

function reachableFrom(start: string, files: readonly SourceFile[]): ReadonlySet<string> {
  const importsOf = new Map(files.map(({ path, imports }) => [path, imports]));
  const found = new Set<string>();
  const open = [...(importsOf.get(start) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(importsOf.get(next) ?? []));
  }
  return found;
}
