import { FaultRegistry } from '../../../estate/faults/registry';
import type { FaultRuleInput } from '../../../estate/faults/rules';

const registry = () => new FaultRegistry(() => 0.5);
const statement = (text: string, login = 'sa', instance = 'SQL1') => ({ instance, login, statement: text });

describe('fault registry', () => {
  it('strikes what fits: instance, login and statement, without case', () => {
    const faults = registry();
    faults.add({
      surface: 'sql',
      statement: '^create availability group',
      login: 'SA',
      instance: 'sql1',
      action: { kind: 'hang' },
    });
    expect(faults.matchSql(statement('CREATE AVAILABILITY GROUP [x]'))).toEqual({ kind: 'hang' });
    expect(faults.matchSql(statement('SELECT 1'))).toBeUndefined();
    expect(faults.matchSql(statement('CREATE AVAILABILITY GROUP [x]', 'app'))).toBeUndefined();
    expect(faults.matchSql(statement('CREATE AVAILABILITY GROUP [x]', 'sa', 'mi'))).toBeUndefined();
    expect(faults.matchArm({ method: 'PUT', path: '/x' })).toBeUndefined();
  });

  it('skips, counts, and is spent', () => {
    const faults = registry();
    const id = faults.add({
      surface: 'arm',
      method: 'POST',
      path: '/failover',
      skip: 1,
      count: 2,
      action: { kind: 'lost-response' },
    });
    const hits = Array.from({ length: 5 }, () => faults.matchArm({ method: 'post', path: '/a/failover?x' }));
    expect(hits.map((hit) => hit?.kind)).toEqual([
      undefined,
      'lost-response',
      'lost-response',
      undefined,
      undefined,
    ]);
    expect(faults.list()).toMatchObject([{ id, matched: 3, struck: 2, spent: true }]);
    expect(faults.remove(id)).toBe(true);
    expect(faults.remove(id)).toBe(false);
    expect(faults.list()).toEqual([]);
  });

  it('draws its chance, and leaves the next rule its turn', () => {
    const faults = registry();
    faults.add({ surface: 'login', probability: 0.4, action: { kind: 'drop' } });
    faults.add({ surface: 'login', probability: 0.6, action: { kind: 'error', number: 18456 } });
    expect(faults.matchLogin({ instance: 'SQL1', login: 'sa' })).toMatchObject({
      kind: 'error',
      number: 18456,
      severity: 14,
    });
    faults.clear();
    expect(faults.matchLogin({ instance: 'SQL1', login: 'sa' })).toBeUndefined();
  });

  it('survives a trip through JSON', () => {
    const faults = registry();
    faults.add({
      surface: 'arm',
      path: 'x',
      count: 3,
      action: { kind: 'status', status: 429, code: 'TooManyRequests', retryAfter: 2 },
    });
    faults.add({ surface: 'sql', action: { kind: 'drop', when: 'after', how: 'fin' } });
    const copy = registry();
    for (const rule of JSON.parse(JSON.stringify(faults)) as FaultRuleInput[]) copy.add(rule);
    expect(copy.toJSON()).toEqual(faults.toJSON());
  });

  it.each([
    [{ surface: 'disk', action: { kind: 'hang' } }, 'surface'],
    [{ surface: 'sql', action: { kind: 'error', number: 'x' } }, 'action.number'],
    [{ surface: 'sql', statement: '(', action: { kind: 'hang' } }, 'statement: is not a regular expression'],
    [{ surface: 'sql', colour: 'red', action: { kind: 'hang' } }, 'colour'],
    [{ surface: 'arm', action: { kind: 'status', status: 200, code: 'x' } }, 'action.status'],
    [
      { surface: 'world', action: { kind: 'break-seeding', database: 'x' } },
      'exactly one of afterMs and onOperation',
    ],
  ])('says what is wrong with %j', (rule, message) => {
    expect(() => registry().add(rule as FaultRuleInput)).toThrow(message);
  });
});
