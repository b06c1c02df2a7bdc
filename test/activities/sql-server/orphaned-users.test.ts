/** Users whose login has another SID on the other side: seen by a plan before, mended after, on every version. */
import { estateWithApplication } from '../../support/application';
import { type EstateStage, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

const USERS = [{ name: 'app' }, { name: 'gone', login: 'absent' }, { name: 'o]dd' }];

let stage: EstateStage;
afterEach(() => stage.close());

async function open(version: '2016' | '2019' | '2022'): Promise<StepBench> {
  stage = await startEstateStage({
    estate: estateWithApplication({
      server: {
        version,
        logins: [
          { name: 'sa', password: 'Ferry!Passw0rd' },
          { name: 'app', password: 'App!Passw0rd', roles: [] },
          { name: 'o]dd', password: 'App!Passw0rd', roles: [] },
        ],
      },
      database: { users: USERS },
      instance: {
        logins: [
          { name: 'ferryadmin', password: 'Ferry!Passw0rd' },
          { name: 'APP', password: 'App!Passw0rd', roles: [] },
          { name: 'o]dd', password: 'App!Passw0rd', roles: [] },
        ],
      },
    }),
  });
  return StepBench.open(stage, stage.spec());
}

test.each([
  '2016',
  '2019',
  '2022',
] as const)('a plan names the statements before the failover (%s)', async (version) => {
  const bench = await open(version);
  const { before, effects } = await bench.look('instance.repair-orphaned-users');
  expect(before).toEqual({
    orphans: [
      { user: 'app', login: 'APP' },
      { user: 'gone', login: null },
      { user: 'o]dd', login: 'o]dd' },
    ],
  });
  expect(effects.map((effect) => (effect.kind === 'tsql' ? effect.statement.text : ''))).toEqual([
    'ALTER USER [app] WITH LOGIN = [APP];',
    'ALTER USER [o]]dd] WITH LOGIN = [o]]dd];',
  ]);
  await bench.close();
});

test('on the side that leads it mends what has a login, once, and leaves the rest', async () => {
  const bench = await open('2022');
  const { world } = stage.estate;
  // As after a failover back: the logins of the server have other SIDs than the users that came along.
  const sid = Buffer.from('11223344556677889900aabbccddeeff', 'hex');
  for (const user of ['app', 'o]dd'])
    world.databases.alterUserSid('SQL1', 'Sales', user, Buffer.concat([sid, Buffer.from(user)]));
  expect(await bench.run('server.repair-orphaned-users')).toMatchObject({
    outcome: 'done',
    effects: { length: 2 },
  });
  const { before } = await bench.look('server.repair-orphaned-users');
  expect(before).toEqual({ orphans: [{ user: 'gone', login: null }] });
  expect(await bench.run('server.repair-orphaned-users')).toMatchObject({
    outcome: 'already-done',
    evidence: 'no login of the same name for gone',
  });
  await bench.close();
});
