/** What docs/estate.md shows is tried: its definition, its faults, and the names of its control API. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDefinitionText } from '../../estate/definition-file';
import { startEstate } from '../../estate/estate';
import { parseDefinition } from '../../estate/world/definition';

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'estate.md'), 'utf8');

const blocks = (language: string): string[] =>
  [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map(([, text = '']) => text);

test('the definition on the page is one, with every field that it explains', () => {
  const [definition = ''] = blocks('yaml');
  const { instances, rates } = parseDefinition(parseDefinitionText(definition, 'docs/estate.md'));
  expect(instances.map(({ name }) => name)).toEqual(['SQL1', 'mi-west']);
  expect(rates.seedingRate).toBe(104_857_600);
});

test('the commands of the control API on the page do what they say', async () => {
  const commands = blocks('sh').flatMap((block) => [
    ...block.matchAll(/^curl -s -X (?<method>\w+) \$CONTROL(?<path>\S+) -d '(?<body>[^']*)'$/gm),
  ]);
  const estate = await startEstate({});
  try {
    for (const { groups } of commands) {
      const { method = '', path = '', body = '' } = groups ?? {};
      const response = await fetch(`${estate.control.url}${path}`, { method, body });
      expect({ path, body, status: response.status }).toEqual({ path, body, status: 200 });
    }
    expect(commands.length).toBe(5);
    expect(estate.world.clock.speed).toBe(600);
    expect(estate.world.faults.list().map(({ rule }) => rule.surface)).toEqual([
      'sql',
      'sql',
      'arm',
      'world',
      'arm',
    ]);
  } finally {
    await estate.close();
  }
});

test('every resource of the control API on the page is there', async () => {
  const estate = await startEstate({});
  try {
    const paths = [...page.matchAll(/^\| `GET (\/[a-z-]+)/gm)].map(([, path = '']) => path);
    for (const path of [...paths, '/faults']) {
      expect({ path, status: (await fetch(`${estate.control.url}${path}`)).status }).toEqual({
        path,
        status: 200,
      });
    }
    expect(paths).toHaveLength(6);
    for (const path of [
      '/instances/SQL1/restart',
      '/instances/SQL1/stop',
      '/instances/SQL1/start',
      '/instances/SQL1/kill',
      '/instances/SQL1/revive',
    ]) {
      const response = await fetch(`${estate.control.url}${path}`, { method: 'POST', body: '{}' });
      expect({ path, status: response.status }).toEqual({ path, status: 200 });
    }
  } finally {
    await estate.close();
  }
});
