/** An effect names the site that it is for; where there is none of that name, nothing is done in some default way. */
import { type ApplyContext, applyEffect } from '../../../src/activities/run/apply-effect';
import type { Effect, Statement } from '../../../src/model/statement';

const STATEMENT: Statement = { id: 'test', text: 'SELECT 1;', display: 'SELECT 1;', database: 'master' };

/** Three regions, of which one is asked. */
function scene() {
  const done: string[] = [];
  const at = (site: string) => [site, { execute: async () => void done.push(site) }] as const;
  const context = {
    ports: { sites: Object.fromEntries(['north', 'west', 'south'].map(at)) },
    signal: new AbortController().signal,
    reporter: { noteUnanswered: () => undefined },
  } as unknown as ApplyContext;
  return { done, apply: (effect: Effect) => applyEffect(effect, context) };
}

const tsql = (on: string, server?: string): Effect => ({
  kind: 'tsql',
  on,
  statement: STATEMENT,
  ...(server === undefined ? {} : { server }),
});

test('a statement goes to its site, however many there are', async () => {
  const { done, apply } = scene();
  await apply(tsql('west'));
  expect(done).toEqual(['west']);
});

test.each([
  [
    'a site that the ports do not know',
    tsql('east'),
    'there is no site "east"; known are: north, west, south',
  ],
  ['a name that every object has', tsql('constructor'), 'there is no site "constructor"'],
  ['a replica where no group is', tsql('west', 'sql2'), 'there is no replica sql2'],
  [
    'a request to Azure where nothing is',
    { kind: 'arm', request: { operation: 'delete-link', linkName: 'DAG' }, display: 'DELETE' } as const,
    'nothing of these sites is in Azure',
  ],
])('%s is refused', async (_what, effect, message) => {
  const { done, apply } = scene();
  await expect(apply(effect)).rejects.toThrow(message);
  await expect(apply(effect)).rejects.toThrow(RangeError);
  expect(done).toEqual([]);
});
