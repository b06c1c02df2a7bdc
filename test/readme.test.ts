/** README.md, docs/ and the pages beside the code: what they show runs, what they name exists, what they link to is there. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parse } from 'yaml';
import { allPages, callsOf, type Page, ROOT, readPage, shellLines } from './support/pages';

const PAGES = allPages();
const README = readPage('README.md');
/** Pages that name ids, fields and codes of the product; the others are made from tables, or are the estate's. */
const PROSE = ['README.md', 'docs/link-migration.md', 'docs/temporal.md', 'docs/architecture.md'].map(
  readPage,
);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const textBelow = (folder: string, ...endings: readonly string[]): string =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .map((name) => read(join(folder, name)))
    .join('\n');

const SOURCE = textBelow('src', '.ts');
const MANIFEST = JSON.parse(read('package.json')) as { scripts: Record<string, string> };

describe.each(PAGES.map((page) => [page.path, page] as const))('%s', (_path, page) => {
  test('links to what exists', () => {
    const broken = page.links.filter((target) => !/^[a-z]+:/.test(target) && !resolves(page, target));
    expect(broken).toEqual([]);
  });

  test('names files and folders that exist', () => {
    const named = page.spans.filter((span) =>
      /^(src|estate|test|docs|examples|schemas|scripts|bench|bin|config|\.ci)\/\S*$/.test(span),
    );
    expect(named.filter((span) => !pathExists(span))).toEqual([]);
  });

  test('names npm scripts that exist', () => {
    const typed = [...page.fences.flatMap((fence) => fence.lines), ...page.spans].join('\n');
    const scripts = [...typed.matchAll(/\bnpm run (?:-s |--silent )?([a-z]+)/g)].map(([, name = '']) => name);
    expect(scripts.filter((name) => !(name in MANIFEST.scripts))).toEqual([]);
  });

  test('names settings that are read somewhere', () => {
    const named = new Set(page.text.match(/\b(?:SQLFERRY|TEMPORAL)_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []);
    expect([...named].filter((name) => !SETTINGS.includes(name))).toEqual([]);
  });
});

/** Settings of ours, of the scripts and the compose file, and of Temporal's own configuration of clients. */
const SETTINGS: readonly string[] = [
  SOURCE,
  textBelow('scripts', '.mjs', '.cjs'),
  read('docker-compose.yml'),
  textBelow(join('node_modules', '@temporalio', 'envconfig', 'lib'), '.js', '.d.ts'),
].flatMap((text) => text.match(/\b(?:SQLFERRY|TEMPORAL)_[A-Z0-9_]*[A-Z0-9]\b/g) ?? []);

test('every page of docs/ is in both lists of pages', () => {
  const names = PAGES.filter(({ path }) => path.startsWith('docs/') && path !== 'docs/README.md');
  for (const { path } of names) {
    expect(README.links).toContain(path);
    expect(readPage('docs/README.md').links).toContain(path.slice('docs/'.length));
  }
});

describe('calls of sqlferry', () => {
  const calls = PAGES.flatMap(callsOf);
  const help = new Map<string, string>();

  /** @returns what `--help` says; undefined when there is no such command */
  function helpOf(command: string | undefined): string | undefined {
    const key = command ?? '';
    const known = help.get(key);
    if (known !== undefined) return known === '' ? undefined : known;
    let text = '';
    try {
      text = helpText(command === undefined ? [] : [command]);
      // Options of a sub-command stand in its own help.
      const below = command === undefined ? [] : [...text.matchAll(/^ {2}([a-z]+) \[options\]/gm)];
      text += below.map(([, sub = '']) => helpText([command ?? '', sub])).join('');
    } catch {
      // Commander ends with an error for an unknown command.
    }
    // Without a command of that name the general help is printed.
    const isOwn = command === undefined || text.startsWith(`Usage: sqlferry ${command} `);
    help.set(key, isOwn ? text : '');
    return isOwn ? text : undefined;
  }

  function helpText(path: readonly string[]): string {
    return execFileSync(process.execPath, [join(ROOT, 'bin', 'sqlferry.js'), ...path, '--help'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  }

  test('there are many', () => {
    expect(calls.length).toBeGreaterThan(30);
    expect(new Set(calls.map(({ command }) => command)).size).toBeGreaterThan(12);
  });

  test('name commands and options that exist', () => {
    const wrong = calls.filter(({ command, options }) => {
      const text = helpOf(command);
      if (text === undefined) return true;
      return options.some((option) => !new RegExp(`(^|[\\s,])${option}([\\s,=]|$)`, 'm').test(text));
    });
    expect(wrong).toEqual([]);
  });

  test('an unknown command or option would be noticed', () => {
    expect(helpOf('fly')).toBeUndefined();
    expect(helpOf('start')).not.toContain('--nonsense');
  });
});

describe('the README', () => {
  test('shows no shell line of a kind that nothing checks', () => {
    const kinds = [
      /^npm (test|run( -s)? [a-z]+)/,
      /^alias sqlferry="node \$PWD\/bin\/sqlferry\.js"$/,
      /^([A-Z_]+=\S+ )?sqlferry [a-z]+/,
      /^temporal server start-dev$/,
      /^cd (try-it|my-migration)$/,
      /^\. \.\/estate\.env$/,
      /^cp \.env\.example \.env$/,
      /^docker compose /,
    ];
    const lines = README.fences.flatMap(shellLines);
    expect(lines.length).toBeGreaterThan(25);
    expect(lines.filter((line) => !kinds.some((kind) => kind.test(line)))).toEqual([]);
  });

  test('names services and profiles of the compose file', () => {
    const { services } = parse(read('docker-compose.yml'), { merge: true }) as {
      services: Record<string, { profiles?: readonly string[] }>;
    };
    const profiles = Object.values(services).flatMap((service) => service.profiles ?? []);
    const lines = README.fences.flatMap(shellLines).filter((line) => line.startsWith('docker compose '));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) {
      const { profile, service } =
        /^docker compose (?:--profile (?<profile>\w+) )?up -d(?: --build)?(?: (?<service>\w+))?$/.exec(line)
          ?.groups ?? {};
      expect(profile ?? service).toBeDefined();
      if (profile !== undefined) expect(profiles).toContain(profile);
      if (service !== undefined) expect(Object.keys(services)).toContain(service);
    }
    expect(existsSync(join(ROOT, '.env.example'))).toBe(true);
  });
});

describe('ids, fields and codes', () => {
  const fields = schemaFields();

  test.each(PROSE.map((page) => [page.path, page] as const))('of %s exist', (_path, page) => {
    const dotted = page.spans.filter((span) => /^[a-z][A-Za-z-]*(\.[a-z][A-Za-z-]*)+$/.test(span));
    const names = dotted.filter((span) => !/\.(ts|md|yaml|toml|sql|key|env)$/.test(span));
    const codes = page.spans.filter((span) => /^([A-Z][a-z]+){2,}$/.test(span));
    expect(names.filter((span) => !fields.has(span) && !isId(span))).toEqual([]);
    expect(codes.filter((span) => !new RegExp(`\\b${span}\\b`).test(SOURCE))).toEqual([]);
  });

  test('there are some, and a wrong one would be noticed', () => {
    expect(fields.has('cutover.approval.validFor')).toBe(true);
    expect(fields.has('cutover.approval.validfor')).toBe(false);
    expect(isId('server.fence')).toBe(true);
    expect(isId('server.hedge')).toBe(false);
    expect(isId('link.unhealthy')).toBe(true);
    expect(isId('chain.unhealthy')).toBe(false);
  });
});

const isId = (span: string): boolean => SOURCE.includes(`'${span}'`) || isOfAKind(span);

/** Codes of what happens to any topology begin with its kind. */
function isOfAKind(span: string): boolean {
  const [kind = '', rest = ''] = span.split(/\.(.*)/s);
  return SOURCE.includes(`kind: '${kind}'`) && SOURCE.includes(`kind}.${rest}\``);
}

/** Paths of all fields of the two spec files, from the generated schemas. */
function schemaFields(): ReadonlySet<string> {
  const found = new Set<string>();
  for (const name of readdirSync(join(ROOT, 'schemas'))) {
    if (name.endsWith('.json')) collect(JSON.parse(read(join('schemas', name))), [], found);
  }
  return found;
}

function collect(node: unknown, path: readonly string[], found: Set<string>): void {
  if (Array.isArray(node)) {
    for (const one of node) collect(one, path, found);
    return;
  }
  if (typeof node !== 'object' || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    if (key === 'properties') {
      for (const [field, inner] of Object.entries(value as object)) {
        // A field is also named by the end of its path: `endpoint.port` of any SQL Server.
        const own = [...path, field];
        for (let from = 0; from < own.length; from += 1) found.add(own.slice(from).join('.'));
        collect(inner, own, found);
      }
    } else {
      collect(value, path, found);
    }
  }
}

function resolves(page: Page, target: string): boolean {
  const [file = '', anchor] = target.split('#');
  const path = file === '' ? page.path : normalize(join(dirname(page.path), file));
  if (!existsSync(join(ROOT, path))) return false;
  return anchor === undefined || readPage(path).anchors.includes(anchor);
}

/** `*` stands for any part of a name. */
function pathExists(span: string): boolean {
  const path = span.replace(/\/$/, '');
  if (!path.includes('*')) return existsSync(join(ROOT, path));
  const form = new RegExp(`^${(path.split('/').at(-1) ?? '').replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
  const folder = join(ROOT, dirname(path));
  return existsSync(folder) && readdirSync(folder).some((name) => form.test(name));
}
