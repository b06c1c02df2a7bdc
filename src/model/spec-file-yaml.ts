import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseAllDocuments,
  type YAMLError,
} from 'yaml';
import type { Position, SpecIssue, SpecPath } from './spec-issue';

export type YamlText =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Place of a field: of its key or its value; of the nearest field above it when it is not there. */
      readonly locate: (path: SpecPath, at?: 'key' | 'value') => Position;
    }
  | { readonly ok: false; readonly issues: readonly (SpecIssue & { readonly position: Position })[] };

const START: Position = { line: 1, column: 1 };

/** Reads YAML 1.2 (so `yes` and `22:30` stay text) and remembers where everything stood. */
export function readYaml(text: string): YamlText {
  const counter = new LineCounter();
  const position = (offset: number): Position => {
    const { line, col } = counter.linePos(offset);
    return { line, column: col };
  };
  const fail = (message: string, at: Position, remedy?: string): YamlText => ({
    ok: false,
    issues: [{ path: [], message, position: at, ...(remedy === undefined ? {} : { remedy }) }],
  });

  const documents = parseAllDocuments(text, { lineCounter: counter, prettyErrors: false });
  if (!Array.isArray(documents)) return fail('the file is empty', START);
  const faults = documents.flatMap((document) => [...document.errors, ...document.warnings]);
  if (faults.length > 0) {
    return { ok: false, issues: faults.map((fault) => explainFault(fault, position(fault.pos[0]))) };
  }
  const [document, second] = documents;
  if (document === undefined || document.contents === null) return fail('the file is empty', START);
  if (second !== undefined) {
    const at = position(second.range?.[0] ?? 0);
    return fail(
      'the file holds several documents, expected one',
      at,
      'Put each into a file of its own, without "---".',
    );
  }
  try {
    const value: unknown = document.toJS();
    return { ok: true, value, locate: (path, at) => locate(document, path, at ?? 'value', position) };
  } catch {
    // An alias without anchor, or one that unfolds beyond reason. The parser's message could repeat a secret.
    return fail(
      'an alias (*name) has no anchor (&name) before it',
      START,
      'Put values that begin with * in quotes.',
    );
  }
}

function locate(
  document: Document.Parsed<ParsedNode>,
  path: SpecPath,
  at: 'key' | 'value',
  position: (offset: number) => Position,
): Position {
  let node: unknown = document.contents;
  let found = startOf(node);
  for (const [index, part] of path.entries()) {
    const last = index === path.length - 1;
    const container = isAlias(node) ? node.resolve(document) : node;
    if (isMap(container)) {
      const pair = container.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (pair === undefined) break;
      const key = startOf(pair.key);
      const scalar = isScalar(pair.value) && pair.value.value !== null;
      // A person looks for the field; only a plain value is pointed at itself.
      found = last && at === 'value' && scalar ? (startOf(pair.value) ?? key) : key;
      node = pair.value;
    } else if (isSeq(container) && typeof part === 'number') {
      const item = container.items[part];
      if (item === undefined) break;
      found = startOf(item) ?? found;
      node = item;
    } else break;
  }
  return found === undefined ? START : position(found);
}

function startOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}

const PLAIN: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  DUPLICATE_KEY: 'the key stands here a second time in the same block',
  TAB_AS_INDENT: 'a tab is used to indent; YAML allows only spaces',
  MULTIPLE_DOCS: 'the file holds several documents, expected one',
  TAG_RESOLVE_FAILED: 'YAML tags such as !name are not used in spec files',
};

const REMEDY: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  DUPLICATE_KEY: 'Keep one of the two.',
  TAB_AS_INDENT: 'Replace the tab by spaces.',
  BAD_SCALAR_START: 'Put the value in quotes.',
  MISSING_CHAR: 'Look for a missing quote, bracket or colon on this line or above it.',
  BAD_INDENT: 'Indent fields of the same block by the same number of spaces and close every bracket.',
  BLOCK_AS_IMPLICIT_KEY: 'A value that contains ": " must stand in quotes.',
};

function explainFault(fault: YAMLError | { code: YAMLError['code']; message: string }, position: Position) {
  const message = PLAIN[fault.code] ?? `no valid YAML: ${fault.message}`;
  const remedy = REMEDY[fault.code];
  return { path: [], message, position, ...(remedy === undefined ? {} : { remedy }) };
}
