import { parseLink } from '../../../src/model/link/spec-file';
import { formatSpecProblems } from '../../../src/model/spec-file';

const BASE = `apiVersion: sqlferry/v1
kind: Link
name: orders
database: Orders
server: sql-01
instance: mi-01
logBackups: { directory: /backup }
`;

const parse = (sections: string) => parseLink(`${BASE}${sections}`, 'migration.yaml');
const told = (sections: string): string => {
  const result = parse(sections);
  return result.ok ? 'no problem' : formatSpecProblems(result.problems);
};
const hook = (fields: string, phase = 'beforeFailover') => `hooks:\n  ${phase}:\n    - { ${fields} }\n`;
const URL = 'url: "https://hooks.example.com/x"';

test('new runs look at the new primary and take turns; hooks and repairs are asked for', () => {
  const result = parse('');
  if (!result.ok) throw new Error(formatSpecProblems(result.problems));
  expect(result.value.afterFailover).toEqual({ checks: true, repairOrphanedUsers: false });
  expect(result.value.failover.atOnce).toBe(8);
  expect(result.value.hooks).toBeUndefined();
});

test('a hook has half a minute and no veto unless it is given one', () => {
  const result = parse(hook(`name: drain, type: webhook, ${URL}`));
  if (!result.ok) throw new Error(formatSpecProblems(result.problems));
  expect(result.value.hooks).toEqual({
    beforeFailover: [
      {
        name: 'drain',
        type: 'webhook',
        url: 'https://hooks.example.com/x',
        headers: {},
        timeout: 30_000,
        onFailure: 'tell',
      },
    ],
    whenFenced: [],
    afterFailover: [],
    whenWithdrawn: [],
  });
});

test.each([
  ['plain http', hook('name: a, type: webhook, url: "http://hooks.example.com"'), 'must be an https URL'],
  ['a password in a URL', hook('name: a, type: webhook, url: "https://u:p@h"'), 'must hold no password'],
  [
    'a secret instead of its reference',
    hook(`name: a, type: webhook, ${URL}, headers: { Authorization: "Bearer abc" }`),
    'must refer to a secret, not hold it',
  ],
  [
    'a header of the run',
    hook(`name: a, type: webhook, ${URL}, headers: { Idempotency-Key: "env:KEY" }`),
    'is set by the run itself',
  ],
  ['a relative program', hook('name: a, type: command, executable: drain.sh'), 'must be an absolute path'],
  ['a shell', hook('name: a, type: command, executable: /x, shell: true'), 'unknown key'],
  ['no time', hook(`name: a, type: webhook, ${URL}, timeout: 0s`), 'must be from 1s to 1h'],
  ['too much time', hook(`name: a, type: webhook, ${URL}, timeout: 2h`), 'must be from 1s to 1h'],
  ['another type', hook('name: a, type: email'), 'type'],
  ['a phase that is none', hook(`name: a, type: webhook, ${URL}`, 'onFailover'), 'unknown key'],
  [
    'two of one name',
    `hooks:\n  afterFailover:\n    - { name: a, type: webhook, ${URL} }\n    - { name: a, type: webhook, ${URL} }\n`,
    'migration.yaml:11:15: hooks.afterFailover[1].name: another hook of afterFailover is named "a" as well',
  ],
  [
    'behind the fence longer than the fence',
    `${hook(`name: a, type: webhook, ${URL}, timeout: 10m`, 'whenFenced')}`,
    'the hooks behind the fence may take 10m, and all that happens there has 10m (cutover.catchUpTimeout)',
  ],
  ['more than the platform allows', 'failover: { atOnce: 9 }\n', 'failover.atOnce'],
])('%s is refused', (_name, sections, message) => {
  expect(told(sections)).toContain(message);
});
