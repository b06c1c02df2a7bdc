import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, normalize, relative } from 'node:path';

const SRC = join(__dirname, '../../src');
const sources = (folder: string): readonly string[] =>
  readdirSync(join(SRC, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
const textOf = (file: string): string => readFileSync(join(SRC, file), 'utf8');
const importsOf = (file: string): readonly string[] =>
  [...textOf(file).matchAll(/from '([^']+)'/g)].map(([, from = '']) =>
    from.startsWith('.') ? relative(SRC, normalize(join(SRC, file, '..', from))) : from,
  );

const RULES = sources('rules');
const MODEL = sources('model');

test.each(RULES)('%s imports only model and rules', (file) => {
  for (const from of importsOf(file)) expect(from).toMatch(/^(model|rules)\//);
});

test.each([...RULES, ...MODEL])('%s needs nothing that the workflow sandbox forbids', (file) => {
  for (const from of importsOf(file)) {
    expect(from.startsWith('node:') || builtinModules.includes(from)).toBe(false);
  }
  expect(textOf(file)).not.toMatch(/Date\.now\(|new Date\(\)|Math\.random|process\.|setTimeout|require\(/);
});

test('YAML, whose package needs node built-ins, is read in one file that rules do not reach', () => {
  expect(MODEL.filter((file) => importsOf(file).includes('yaml'))).toEqual([
    join('model', 'spec-file-yaml.ts'),
  ]);
  for (const file of RULES)
    for (const from of importsOf(file)) expect(from).not.toMatch(/^model\/(link\/)?spec-file/);
});
