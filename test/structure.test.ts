/**
 * How the product's sources are cut: no imports in a circle, short functions, short files. What broke these rules when
 * they were written down is listed, and the lists only become shorter: an entry that is mended must be taken out.
 */
import { join } from 'node:path';
import { importCycles, readSource, readSources } from './support/source-structure';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

/** Groups of files that import one another, for types alone too. A part of a group is still known. */
const KNOWN_CYCLES: readonly (readonly string[])[] = [
  [
    'src/workflows/run/in-doubt.ts',
    'src/workflows/run/cutover.ts',
    'src/workflows/run/failover-child.ts',
    'src/workflows/run/failover.ts',
    'src/workflows/run/external-changes.ts',
    'src/workflows/link/server-watch.ts',
    'src/workflows/run/status.ts',
  ],
  ['src/workflows/sql-server/unlifted-fences.ts', 'src/workflows/run/run.ts'],
  [
    'src/workflows/run/standing-messages.ts',
    'src/workflows/run/drill-messages.ts',
    'src/workflows/run/messages.ts',
    'src/workflows/run/state-parts.ts',
    'src/workflows/run/state-size.ts',
    'src/workflows/run/state.ts',
  ],
];

const KNOWN_LONG_FILES: readonly string[] = [];

const KNOWN_LONG_FUNCTIONS: readonly string[] = [
  'src/workflows/run/failover.ts failOverPlanned',
  'src/workflows/link/server-watch.ts note',
];

interface Comparison {
  /** Breaks a rule, and is not listed. */
  readonly fresh: readonly string[];
  /** Listed, and breaks no rule any more: take it out of the list. */
  readonly mended: readonly string[];
}

const CLEAN: Comparison = { fresh: [], mended: [] };

const compare = (found: readonly string[], known: readonly string[]): Comparison => ({
  fresh: found.filter((one) => !known.includes(one)),
  mended: known.filter((one) => !found.includes(one)),
});

const within = (group: readonly string[], known: readonly (readonly string[])[]): boolean =>
  known.some((one) => group.every((file) => one.includes(file)));

function compareCycles(
  found: readonly (readonly string[])[],
  known: readonly (readonly string[])[],
): Comparison {
  const files = found.flat();
  return {
    fresh: found.filter((group) => !within(group, known)).map((group) => group.join(' ↔ ')),
    mended: known.flat().filter((file) => !files.includes(file)),
  };
}

describe('the sources of the product', () => {
  const sources = readSources(join(__dirname, '..'), 'src');

  test('are all read', () => {
    expect(sources.length).toBeGreaterThan(300);
    expect(sources.flatMap(({ functions }) => functions).length).toBeGreaterThan(3_000);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(1_000);
  });

  test('import one another in no circle', () => {
    expect(compareCycles(importCycles(sources), KNOWN_CYCLES)).toEqual(CLEAN);
  });

  test(`have no file over ${MAX_FILE_LINES} lines`, () => {
    const long = sources.filter(({ lines }) => lines > MAX_FILE_LINES).map(({ path }) => path);
    expect(compare(long, KNOWN_LONG_FILES)).toEqual(CLEAN);
  });

  test(`have no function over ${MAX_FUNCTION_LINES} lines`, () => {
    const long = sources.flatMap(({ path, functions }) =>
      functions.filter(({ lines }) => lines > MAX_FUNCTION_LINES).map(({ name }) => `${path} ${name}`),
    );
    expect(compare(long, KNOWN_LONG_FUNCTIONS)).toEqual(CLEAN);
  });
});

describe('the check itself', () => {
  const read = (text: string) => readSource('src/a/b.ts', text, () => true);

  test('measures functions of every form, behind comments and letters of several bytes', () => {
    const text = `/** ä → ü */

const arrow = () =>
  1;
export function declared() {
  const inner = () => {
    return 'ö';
  };
  return [1].map((one) => {
    return one + inner();
  });
}
class Thing {
  private readonly field = () => {};
  constructor() {
    this.#hidden();
  }
  method() { /* é */
    return { key: () => 1, short() {}, get it() { return 1; } };
  }
  #hidden() {}
}
`;
    expect(read(text).functions.map(({ name, line, lines }) => `${line} ${name} ${lines}`)).toEqual([
      '3 arrow 2',
      '5 declared 8',
      '6 inner 3',
      '9 within declared 3',
      '14 field 1',
      '15 Thing.constructor 3',
      '18 Thing.method 3',
      '19 key 1',
      '19 short 1',
      '19 it 1',
      '21 Thing.hidden 1',
    ]);
    expect(read(text).lines).toBe(22);
  });

  test.each([
    "import { x } from '../c';",
    "import type { X } from '../c';",
    "import { type X } from '../c';",
    "import '../c';",
    "export * from '../c';",
    "export { x } from '../c';",
    "export type { X } from '../c';",
    "const x = await import('../c');",
    "let x: import('../c').X;",
  ])('sees %s', (text) => {
    expect(readSource('src/a/b.ts', text, (path) => path === 'src/c.ts').imports).toEqual(['src/c.ts']);
  });

  test('sees circles of any length, and only them', () => {
    const file = (path: string, ...imports: string[]) => ({ path, lines: 1, functions: [], imports });
    const files = [file('a', 'b', 'd'), file('b', 'c'), file('c', 'a'), file('d'), file('e', 'e', 'a')];
    expect(importCycles(files)).toEqual([['a', 'b', 'c'], ['e']]);
  });

  test('what is listed may only become less', () => {
    expect(compare(['a', 'b'], ['b', 'c'])).toEqual({ fresh: ['a'], mended: ['c'] });
    expect(compareCycles([['a', 'b'], ['x']], [['a', 'b', 'c']])).toEqual({ fresh: ['x'], mended: ['c'] });
    expect(
      compareCycles(
        [['a', 'b', 'c', 'd']],
        [
          ['a', 'b'],
          ['c', 'd'],
        ],
      ),
    ).toEqual({ fresh: ['a ↔ b ↔ c ↔ d'], mended: [] });
  });
});
