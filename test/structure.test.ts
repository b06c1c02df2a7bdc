/** How the product's sources are cut: no imports in a circle, short functions, short files. */
import { join } from 'node:path';
import { importCycles, readSource, readSources } from './support/source-structure';

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

describe('the sources of the product', () => {
  const sources = readSources(join(__dirname, '..'), 'src');

  test('are all read', () => {
    expect(sources.length).toBeGreaterThan(300);
    expect(sources.flatMap(({ functions }) => functions).length).toBeGreaterThan(3_000);
    expect(sources.flatMap(({ imports }) => imports).length).toBeGreaterThan(1_000);
  });

  test('import one another in no circle', () => {
    expect(importCycles(sources)).toEqual([]);
  });

  test(`have no file over ${MAX_FILE_LINES} lines`, () => {
    const long = sources.filter(({ lines }) => lines > MAX_FILE_LINES).map(({ path }) => path);
    expect(long).toEqual([]);
  });

  test(`have no function over ${MAX_FUNCTION_LINES} lines`, () => {
    const long = sources.flatMap(({ path, functions }) =>
      functions.filter(({ lines }) => lines > MAX_FUNCTION_LINES).map(({ name }) => `${path} ${name}`),
    );
    expect(long).toEqual([]);
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
});
