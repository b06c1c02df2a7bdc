import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jsonSchemas } from '../../src/model/json-schema';

const FOLDER = join(__dirname, '../../schemas');

describe.each(Object.entries(jsonSchemas()))('schemas/%s.schema.json', (name, schema) => {
  const file = join(FOLDER, `${name}.schema.json`);
  const text = `${JSON.stringify(schema, null, 2)}\n`;

  test('is what the zod schema says; regenerate with UPDATE_SCHEMAS=1 jest test/model/json-schema', () => {
    if (process.env.UPDATE_SCHEMAS === '1') {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(file, text);
    }
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  test('refuses unknown keys and asks only for what has no default', () => {
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(expect.arrayContaining(['apiVersion', 'kind']));
    expect(schema.required).not.toContain('azure');
    expect(schema.required).not.toContain('cutover');
  });

  test('describes durations and secrets as the text that stands in the file', () => {
    const durations = [...text.matchAll(/Duration such as/g)];
    if (name === 'link-migration') expect(durations.length).toBeGreaterThan(0);
    else expect(text).toContain('azure-keyvault:');
  });
});
