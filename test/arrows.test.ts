/** The arrows between the folders of src, and the house beside it (docs/architecture.md): who may know whom. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';

const ROOT = join(__dirname, '..');
/** The product, with a room for each of its folders, and the estate, a single room. */
const HOUSES = ['src', 'estate'];

interface Import {
  readonly file: string;
  readonly line: number;
  /** As `placeOf` gives it, or the package. */
  readonly target: string;
  readonly isPackage: boolean;
  readonly typeOnly: boolean;
}

interface Room {
  /** Rooms, or single modules, that may be imported. */
  readonly may: readonly string[];
  /** Rooms or modules of which only types may be imported. */
  readonly types?: readonly string[];
  /** Packages, where they are restricted; `node:` stands for all built-in modules. */
  readonly packages?: readonly string[];
}

/** What messages and types of a workflow are: the way in for those who start and ask it. */
const WORKFLOW_MESSAGES = ['workflows/run/answers', 'workflows/run/messages'];

const ROOMS: Readonly<Record<string, Room>> = {
  model: { may: [], packages: ['zod', 'yaml'] },
  rules: { may: ['model'], packages: [] },
  tsql: { may: ['model'], packages: [] },
  ports: { may: ['model'], packages: [] },
  // A driver needs the statements' shapes: pure values, no decisions.
  adapters: { may: ['ports', 'model', 'tsql'] },
  activities: { may: ['model', 'rules', 'tsql', 'ports'] },
  workflows: {
    // The keys alone: the rest of src/temporal does input and output.
    may: ['model', 'rules', 'temporal/search-attribute-keys', 'temporal/task-queues'],
    types: ['activities'],
    packages: ['@temporalio/workflow', '@temporalio/common'],
  },
  temporal: { may: [] },
  client: { may: ['model', 'temporal', ...WORKFLOW_MESSAGES], types: ['workflows', 'activities'] },
  worker: { may: ['model', 'ports', 'adapters', 'activities', 'temporal'], types: ['workflows'] },
  api: { may: ['client', 'model', 'rules'] },
  cli: {
    may: [
      'client',
      'model',
      'rules',
      'worker',
      'estate',
      'temporal',
      'activities',
      'ports',
      ...WORKFLOW_MESSAGES,
    ],
    types: ['workflows'],
  },
  // A house beside src, and the independent witness: shared code would make it agree with the product's mistakes.
  estate: { may: [] },
};

/** @returns paths below the root */
function sourceFiles(house: string): readonly string[] {
  return readdirSync(join(ROOT, house), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}

/**
 * Where a path below the root is: for the product `room/module`, for the estate `estate/module`. A folder src/estate
 * would be neither, and keeps its `src`.
 */
function placeOf(path: string): string {
  const parts = path.split(sep);
  const isRoom = parts[0] === 'src' && !HOUSES.includes(parts[1] ?? '');
  return (isRoom ? parts.slice(1) : parts).join('/');
}

/** Statements begin at the start of a line (the formatter sees to it); `import()` and `require()` may stand anywhere. */
const FORMS = [
  /^(?<clause>import\s+type\b|import\b|export\s+type\b|export\b)(?<names>[^;'"`]*?)\sfrom\s+'(?<target>[^']+)'/gm,
  /^(?<clause>import)\s+'(?<target>[^']+)'/gm,
  /\b(?<clause>import|require)\(\s*'(?<target>[^']+)'\s*\)(?!\.[A-Z])/g,
];

function importsOf(text: string, path: string): readonly Import[] {
  return FORMS.flatMap((form) =>
    [...text.matchAll(form)].map((match) => {
      const { clause = '', names = '', target = '' } = match.groups ?? {};
      return {
        file: path,
        line: text.slice(0, match.index).split('\n').length,
        ...resolveTarget(path, target),
        typeOnly: clause.includes('type') || onlyTypeNames(names),
      };
    }),
  );
}

function onlyTypeNames(names: string): boolean {
  const inBraces = /^\s*\{(?<list>[^}]*)\}\s*$/.exec(names)?.groups?.list;
  if (inBraces === undefined) return false;
  const parts = inBraces.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').every((part) => part.startsWith('type '));
}

function resolveTarget(path: string, target: string): Pick<Import, 'target' | 'isPackage'> {
  if (!target.startsWith('.')) return { target, isPackage: true };
  return { target: placeOf(join(dirname(path), target)), isPackage: false };
}

const within = (target: string, places: readonly string[]): boolean =>
  places.some((place) => target === place || target.startsWith(`${place}/`));

/** @returns the forbidden arrow in words; undefined when the import is allowed. */
function violation(one: Import): string | undefined {
  const room = placeOf(one.file).split('/')[0]?.replace(/\.ts$/, '') ?? '';
  const rule = ROOMS[room];
  const place = `${one.file}:${one.line}`;
  if (rule === undefined) return `${place}: ${room} is no room that test/arrows.test.ts knows`;
  if (one.isPackage) return packageViolation(one, room, rule, place);
  if (within(one.target, [room, ...rule.may])) return undefined;
  const typesAllowed = within(one.target, rule.types ?? []);
  if (typesAllowed && one.typeOnly) return undefined;
  const why = typesAllowed ? ' (only types of it may be imported)' : '';
  return `${place}: ${room} → ${one.target}${why}`;
}

function packageViolation(one: Import, room: string, rule: Room, place: string): string | undefined {
  const isNode = one.target.startsWith('node:');
  const allowed = rule.packages;
  if (allowed === undefined || within(one.target, allowed) || (isNode && allowed.includes('node:')))
    return undefined;
  return `${place}: ${room} → ${one.target}: ${room} may import no package but ${allowed.join(', ') || 'none'}`;
}

/**
 * Subjects (docs/architecture.md): a topology may import `run` and `sql-server`, `sql-server` may import `run`; never the
 * other way round, and no topology imports another. In every room the folder of a subject has its name.
 */
const TOPOLOGIES = ['link'];
const SUBJECTS = ['run', 'sql-server', ...TOPOLOGIES];

/** A module of that name in a room is none: `ports/sql-server` is one port among others. */
function subjectOf(path: string): string | undefined {
  const [, folder, module] = path.split('/');
  return module === undefined ? undefined : SUBJECTS.find((subject) => folder === subject);
}

function subjectMay(from: string, to: string): boolean {
  if (from === to || to === 'run') return true;
  return to === 'sql-server' && TOPOLOGIES.includes(from);
}

/** File, line, and `from → to` of two subjects, where it is not allowed. */
function subjectViolation({ file, line, target, isPackage }: Import): string | undefined {
  if (isPackage || !file.startsWith(join('src', ''))) return undefined;
  const from = subjectOf(placeOf(file));
  const to = subjectOf(target);
  if (from === undefined || to === undefined || subjectMay(from, to)) return undefined;
  return `${file}:${line}: ${from} → ${to}`;
}

describe('the arrows', () => {
  const imports = HOUSES.flatMap(sourceFiles).flatMap((file) =>
    importsOf(readFileSync(join(ROOT, file), 'utf8'), file),
  );

  test('run one way', () => {
    expect(imports.length).toBeGreaterThan(100);
    expect(imports.map(violation).filter((text) => text !== undefined)).toEqual([]);
  });

  test('between subjects run one way', () => {
    expect(imports.map(subjectViolation).filter((text) => text !== undefined)).toEqual([]);
  });

  test('only the command line knows the estate, and the estate nothing of the product', () => {
    const crossing = imports.filter(
      ({ file, target, isPackage }) =>
        !isPackage && within(target, ['estate']) !== within(placeOf(file), ['estate']),
    );
    expect(new Set(crossing.map(({ file }) => file.split(sep).slice(0, 2).join('/')))).toEqual(
      new Set(['src/cli']),
    );
  });
});

/** Code without its comments, on the same lines; a `//` inside of a text (an address) begins none. */
const withoutComments = (text: string): string =>
  text.replace(/\/\*.*?\*\//gs, (comment) => comment.replace(/[^\n]/g, '')).replace(/(^|\s)\/\/.*$/gm, '$1');

/** `isLinkUp`, `LINK_STEPS` and `other-link` as words: is Link Up, LINK STEPS, other link. */
const wordsOf = (code: string): string =>
  code.replace(/([a-z0-9])(?=[A-Z])|([A-Z])(?=[A-Z][a-z])/g, '$1$2 ').replace(/[-_]/g, ' ');

/** Lines of code in which the name of a topology is a word by itself, or a part of an identifier or of a text. */
function namedTopologies(text: string, path: string): readonly string[] {
  const names = TOPOLOGIES.map((name) => `${name.replaceAll('-', ' ')}s?`).join('|');
  const named = new RegExp(`(?<![a-z])(${names})(?![a-z])`, 'i');
  return withoutComments(text)
    .split('\n')
    .flatMap((line, index) => (named.test(wordsOf(line)) ? [`${path}:${index + 1}: ${line.trim()}`] : []));
}

describe('the shared subjects', () => {
  const shared = sourceFiles('src').filter((file) =>
    /^(run|sql-server)$/.test(subjectOf(placeOf(file)) ?? ''),
  );

  test('name no topology, neither in code nor in texts', () => {
    expect(shared.length).toBeGreaterThan(100);
    const named = shared.flatMap((file) => namedTopologies(readFileSync(join(ROOT, file), 'utf8'), file));
    expect(named).toEqual([]);
  });

  test.each([
    'const linkName = 1;',
    'const otherLinks = 1;',
    'export interface AzureLinkFacts {',
    'const LINK_STEPS = 1;',
    "const id = 'log-backup.other-link';",
    "const kind = 'keep_link';",
    "const text = 'mend the link first';",
    'const link2 = `Links`;',
    "const page = 'https://example.com'; const link = 1;",
    '/* why */ const link = 1; // how',
  ])('%j is noticed', (line) => {
    expect(namedTopologies(`/** what */\n\n${line}\n`, 'a.ts')).toEqual([
      `a.ts:3: ${withoutComments(line).trim()}`,
    ]);
  });

  test.each([
    '/** A link,\n * and its links. */\nconst x = 1;',
    'const x = 1; // as a link does',
    "const kind = 'linked-server';",
    'const blinking = 1;',
  ])('%j is let through', (text) => {
    expect(namedTopologies(text, 'a.ts')).toEqual([]);
  });
});

describe('the check itself', () => {
  const check = (path: string, line: string) => importsOf(line, path).map(violation);

  test.each([
    ['src/rules/a.ts', "import { x } from '../adapters/azure';", 'rules → adapters/azure'],
    ['src/workflows/a.ts', "import { x } from '../activities/b';", 'only types'],
    ['src/workflows/a.ts', "import { type T, x } from '../activities/b';", 'only types'],
    ['src/workflows/a.ts', "import { readFile } from 'node:fs';", 'workflows → node:fs'],
    ['src/workflows/a.ts', "const x = await import('@azure/arm-sql');", '@azure/arm-sql'],
    ['src/activities/a.ts', "export { x } from '../adapters/mssql/b';", 'activities → adapters/mssql/b'],
    ['src/client/a.ts', "import { run } from '../workflows/link/run';", 'only types'],
    ['src/cli/a.ts', "import { x } from '../adapters/azure';", 'cli → adapters/azure'],
    ['src/newroom/a.ts', "import '../model/lsn';", 'is no room'],
    ['src/estate/a.ts', "import '../model/lsn';", 'is no room'],
    ['src/rules/a.ts', "import { x } from '../../test/b';", 'rules → test/b'],
    ['src/worker/a.ts', "import { x } from '../../estate/estate';", 'worker → estate/estate'],
    ['src/model/a.ts', "import type { T } from '../../estate/world/lsn';", 'model → estate/world/lsn'],
    ['estate/world/a.ts', "import {\n  lsn,\n  x,\n} from '../../src/model/lsn';", 'estate → model/lsn'],
    ['estate/world/a.ts', "import type { T } from '../../src/estate/b';", 'estate → src/estate/b'],
    ['estate/a.ts', "const { x } = require('../scripts/b');", 'estate → scripts/b'],
  ])('%s with %j is refused', (path, line, message) => {
    expect(check(path, line)).toEqual([expect.stringContaining(message)]);
  });

  test.each([
    ['src/workflows/a.ts', "import type { T } from '../activities/b';"],
    ['src/workflows/a.ts', "import { type T, type U } from '../activities/b';"],
    ['src/worker/a.ts', "import { x } from '../adapters/azure';"],
    ['src/cli/a.ts', "const { start } = await import('../../estate/world/world');"],
    ['src/cli/a.ts', "import { x } from './estate/spec-files';"],
    ['estate/world/a.ts', "import { x } from '../sql/types';"],
  ])('%s with %j is allowed', (path, line) => {
    expect(check(path, line)).toEqual([undefined]);
  });

  test('says file and line', () => {
    const [text] = check('src/rules/a.ts', "// one\n\nimport { x } from '../cli/b';").filter(
      (one) => one !== undefined,
    );
    expect(text).toBe(`${join('src', 'rules', 'a.ts')}:3: rules → cli/b`);
  });
});

describe('the lockfile', () => {
  const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  const lock = JSON.parse(text) as { packages: Record<string, { version?: string; resolved?: string }> };

  test('names no download address: any registry serves', () => {
    const addressed = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined);
    expect(addressed).toEqual([]);
    expect(text).not.toContain('.tgz');
  });

  test('hoists protobufjs 8, without which histories in JSON cannot be replayed', () => {
    expect(lock.packages['node_modules/protobufjs']?.version).toMatch(/^8\./);
  });
});
