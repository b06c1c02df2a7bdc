/** Logins of a group with two replicas: what differs between them is told and not copied; both follow the instance. */

import type { EstateDefinitionInput } from '../../../estate/world/definition';
import { atSites } from '../../../src/activities/link/context';
import { LINK_STEPS } from '../../../src/activities/link/steps/registry';
import { compareObjects } from '../../../src/activities/sql-server/instance-objects';
import { systemClock } from '../../../src/adapters/clock';
import type { LinkSite } from '../../../src/model/link/side';
import { driftOf } from '../../../src/model/sql-server/instance-objects';
import { query } from '../../support/application';
import { overGroup } from '../../support/group-spec';
import { type EstateStage, QUICK_POLLING, startEstateStage } from '../../support/scenario';
import { StepBench } from '../../support/step-bench';

const SECTIONS = `
logBackups: { directory: "C:\\\\Backup" }
instanceObjects: { logins: { ofDatabase: false, include: [batch] } }
${QUICK_POLLING}
`;
const SID = '0x0102030405060708090A0B0C0D0E0F10';
const server = (name: string) => ({
  kind: 'sql-server' as const,
  name,
  clustered: true,
  endpoint: { name: 'Hadr_endpoint' },
});
const ESTATE: EstateDefinitionInput = {
  clock: { speed: 600 },
  instances: [
    { ...server('SQL1'), databases: [{ name: 'Sales', dataBytes: 1024 ** 3 }] },
    server('SQL2'),
    { kind: 'managed-instance', name: 'mi-west', databases: [{ name: 'Sales' }] },
  ],
  groups: [{ name: 'AG_Prod', replicas: ['SQL1', 'SQL2'], databases: ['Sales'] }],
};

let stage: EstateStage;
let bench: StepBench;
beforeEach(async () => {
  stage = await startEstateStage({ estate: ESTATE });
  const parts = { replicas: ['SQL2'], availabilityGroup: 'AG_Prod' };
  bench = await StepBench.open(stage, overGroup(stage.spec(SECTIONS), stage.estate, parts));
});
afterEach(async () => {
  await bench.close();
  await stage.close();
});

const login = (on: string, password: string, more = '') =>
  query(stage.estate, on, `CREATE LOGIN [batch] WITH PASSWORD = N'${password}', SID = ${SID}${more}`);
const hashOn = (name: string): string =>
  Buffer.from(stage.estate.world.instances.get(name).logins.get('batch')?.passwordHash ?? []).toString('hex');

async function compared(primary: LinkSite) {
  const { ports, spec } = bench;
  const { signal } = new AbortController();
  return compareObjects(atSites({ ports, spec, clock: systemClock, signal }), primary);
}
const drift = async (primary: LinkSite) => driftOf(await compared(primary));
const details = async () => (await drift('server')).map(({ detail }) => detail).join('; ');

/** As an administrator does it by hand. */
async function copyToSecond(): Promise<void> {
  const hash = hashOn('SQL1');
  await query(stage.estate, 'SQL2', 'DROP LOGIN [batch]');
  await query(stage.estate, 'SQL2', `CREATE LOGIN [batch] WITH PASSWORD = 0x${hash} HASHED, SID = ${SID}`);
}

test('while SQL Server leads, a password that differs between replicas is told, and not copied', async () => {
  await login('SQL1', 'Rotated!Passw0rd1');
  await login('SQL2', 'Older!Passw0rd1');
  const before = await bench.look('instance.logins');
  expect(before.effects).toEqual([]);
  expect(await details()).toContain('sql2 from sql1, which leads: another password');
  expect((await drift('server')).map(({ copyable }) => copyable)).not.toContain(true);
  await copyToSecond();
  expect(await drift('server')).toMatchObject([{ name: 'batch', state: 'missing', copyable: true }]);
  await bench.run('instance.logins');
  expect(hashOn('mi-west')).toBe(hashOn('SQL1'));
  expect(await drift('server')).toEqual([]);
});

test('an older password does not come to the instance by a local failover', async () => {
  await login('SQL1', 'Rotated!Passw0rd1');
  await copyToSecondAnew();
  await bench.run('instance.logins');
  await query(stage.estate, 'SQL2', "ALTER LOGIN [batch] WITH PASSWORD = N'Older!Passw0rd1'");
  const right = hashOn('mi-west');
  await query(stage.estate, 'SQL2', 'ALTER AVAILABILITY GROUP [AG_Prod] FAILOVER');
  // A read may go to the former leader once more.
  const outcome = await bench.untilDone((left) => bench.run('instance.login-passwords', left));
  expect(outcome).toMatchObject({ outcome: 'already-done' });
  expect(hashOn('mi-west')).toBe(right);
  expect((await drift('server')).length).toBeGreaterThan(0);
});

async function copyToSecondAnew(): Promise<void> {
  await login('SQL2', 'Any!Passw0rd1');
  await copyToSecond();
}

test.each([
  ['no such login', undefined],
  ['isExpirationChecked|expiration', ', CHECK_EXPIRATION = ON'],
])('a replica that has it otherwise is a finding: %s', async (what, more) => {
  await login('SQL1', 'Same!Passw0rd1');
  if (more !== undefined) await login('SQL2', 'Same!Passw0rd1', more);
  expect(await details()).toMatch(new RegExp(what, 'i'));
});

test('while the instance leads, every replica gets logins and passwords; a silent one is a remark', async () => {
  await login('mi-west', 'First!Passw0rd1');
  await login('SQL1', 'Old!Passw0rd1');
  expect(await drift('instance')).toMatchObject([
    { state: 'differs', copyable: true },
    { state: 'missing', detail: 'sql2 has no such login', copyable: true },
  ]);
  for (const id of ['server.logins', 'server.login-passwords'] as const) await bench.run(id);
  for (const name of ['SQL1', 'SQL2']) expect(hashOn(name)).toBe(hashOn('mi-west'));
  expect(await drift('instance')).toEqual([]);
  await query(stage.estate, 'mi-west', "ALTER LOGIN [batch] WITH PASSWORD = N'Rotated!Passw0rd1'");
  expect(await bench.run('server.login-passwords')).toMatchObject({
    effects: [{}, { server: 'sql2' }],
  });
  expect(hashOn('SQL2')).toBe(hashOn('mi-west'));
  stage.estate.world.instances.kill('SQL2');
  const { findings } = await compared('instance');
  expect(findings).toContainEqual(expect.objectContaining({ name: 'sql2', state: 'remark' }));
  expect(driftOf({ findings })).toEqual([]);
});

describe('an undo after a copy that failed on one replica', () => {
  const has = (name: string) => stage.estate.world.instances.get(name).logins.get('batch') !== undefined;
  const failHalfway = async (): Promise<unknown> => {
    await login('mi-west', 'First!Passw0rd1');
    stage.estate.world.faults.add({
      surface: 'sql',
      instance: 'SQL2',
      statement: 'CREATE LOGIN \\[batch\\]',
      count: 1,
      action: {
        kind: 'error',
        number: 15118,
        severity: 16,
        state: 1,
        message: 'Password validation failed.',
      },
    });
    const { before } = await bench.look('server.logins');
    await expect(bench.run('server.logins')).rejects.toMatchObject({ errors: [{ number: 15118 }] });
    return before;
  };

  test('takes away what was made where it was made: what a person made later on another replica stays', async () => {
    const before = await failHalfway();
    const { before: after } = await bench.look('server.logins');
    await login('SQL2', 'First!Passw0rd1');
    await bench.undo('server.logins', LINK_STEPS['server.logins'].made(before, after));
    expect([has('SQL1'), has('SQL2')]).toEqual([false, true]);
  });

  test('takes nothing away where a replica did not answer when the copy had failed', async () => {
    const before = await failHalfway();
    stage.estate.world.instances.kill('SQL2');
    const { before: after } = await bench.look('server.logins');
    stage.estate.world.instances.revive('SQL2');
    await login('SQL2', 'First!Passw0rd1');
    const made = LINK_STEPS['server.logins'].made(before, after);
    await expect(bench.untilDone((left) => bench.undo('server.logins', made, left), 4)).rejects.toMatchObject(
      {
        code: 'UndoUncertain',
        message: expect.stringContaining('on sql2: DROP LOGIN [batch];'),
      },
    );
    expect([has('SQL1'), has('SQL2')]).toEqual([true, true]);
  });
});
