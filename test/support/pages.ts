/** The pages that people read, taken apart: links, code, shell lines. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(__dirname, '../..');

export interface Fence {
  readonly language: string;
  /** Heading under which it stands. */
  readonly heading: string;
  readonly lines: readonly string[];
}

export interface Page {
  /** Path below the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly fences: readonly Fence[];
  /** Anchors of the headings, as GitHub makes them. */
  readonly anchors: readonly string[];
  /** Targets of Markdown links outside of fences. */
  readonly links: readonly string[];
  /** What stands between backticks outside of fences. */
  readonly spans: readonly string[];
}

export function readPage(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const { prose, fences, headings } = split(text);
  return {
    path,
    text,
    fences,
    anchors: headings.map(anchorOf),
    links: [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = '']) => target),
    spans: [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span),
  };
}

/** Pages of the root and of the estate, and every page of docs/. */
export function allPages(): readonly Page[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return [
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'estate/README.md',
    ...docs.map((name) => `docs/${name}`),
  ].map(readPage);
}

function split(text: string) {
  const prose: string[] = [];
  const headings: string[] = [];
  const fences: { language: string; heading: string; lines: string[] }[] = [];
  let open: (typeof fences)[number] | undefined;
  for (const line of text.split('\n')) {
    const mark = /^\s*```(\w*)/.exec(line);
    if (mark !== null) {
      if (open === undefined) {
        open = { language: mark[1] ?? '', heading: headings.at(-1) ?? '', lines: [] };
        fences.push(open);
      } else {
        open = undefined;
      }
    } else if (open !== undefined) {
      open.lines.push(line);
    } else {
      const heading = /^#+\s+(.*)$/.exec(line)?.[1];
      if (heading !== undefined) headings.push(heading);
      prose.push(line);
    }
  }
  if (open !== undefined) throw new Error(`a fence under "${open.heading}" does not end`);
  return { prose: prose.join('\n'), fences, headings };
}

/** Lower case, punctuation out, spaces to hyphens (what GitHub does with headings). */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

/** Lines that a person types: of sh blocks all, of console blocks those behind a prompt. */
export function shellLines(fence: Fence): readonly string[] {
  switch (fence.language) {
    case 'sh':
    case 'bash':
      return fence.lines.filter((line) => line.trim() !== '' && !line.startsWith('#'));
    case 'console':
      return fence.lines.filter((line) => line.startsWith('$ ')).map((line) => line.slice(2));
    default:
      return [];
  }
}

/** One call of `sqlferry` as a page writes it. */
export interface Call {
  readonly page: string;
  readonly text: string;
  /** Undefined for `sqlferry --version` and the like. */
  readonly command: string | undefined;
  readonly options: readonly string[];
}

/** Environment assignments may stand in front; what follows a comment sign, a pipe or a redirection is not ours. */
const CALL = /^(?:[A-Z][A-Z0-9_]*=\S+\s+)*sqlferry(?:\s+(?<rest>.*))?$/;

export function callsOf(page: Page): readonly Call[] {
  const typed = [...page.fences.flatMap(shellLines), ...page.spans];
  return typed.flatMap((text) => {
    const rest = CALL.exec(text.trim())?.groups?.rest;
    if (rest === undefined) return [];
    const words = (rest.split(/\s[#|>&]|;/)[0] ?? '').replaceAll(/"[^"]*"|'[^']*'/g, 'TEXT').split(/\s+/);
    const [first = ''] = words;
    const command = /^[a-z]+$/.test(first) ? first : undefined;
    const options = words
      .filter((word) => /^-{1,2}[a-z]/i.test(word))
      .map((word) => word.replace(/=.*$/, ''));
    return [{ page: page.path, text, command, options }];
  });
}
