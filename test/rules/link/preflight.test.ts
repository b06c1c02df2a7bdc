import { LINK_CHECKS, runLinkPreflight } from '../../../src/rules/link/preflight';
import { certificate, database, endpoint, facts, instance, NOW, NOW_TEXT, ownGroups, spec } from './facts';
import type { Case } from './preflight-cases';
import { DATABASE_CASES } from './preflight-cases-database';
import { INSTANCE_CASES } from './preflight-cases-instance';
import { INSTANCE_FIRST_CASES, INSTANCE_FIRST_SPEC, instanceFirst } from './preflight-cases-instance-first';
import { REPLICA_CASES } from './preflight-cases-replicas';
import { SERVER_CASES } from './preflight-cases-server';
import { TRUST_CASES } from './preflight-cases-trust';

const CASES: readonly Case[] = [
  ...SERVER_CASES,
  ...TRUST_CASES,
  ...DATABASE_CASES,
  ...INSTANCE_CASES,
  ...REPLICA_CASES,
  ...INSTANCE_FIRST_CASES,
];

for (const [id, outcome, what, read, evidence, migration] of CASES) {
  test(`${id} is ${outcome}: ${what}`, () => {
    const report = runLinkPreflight(read, migration ?? spec(), NOW);
    const result = report.checks.find((check) => check.id === id);
    expect(result?.evidence).toMatch(evidence);
    expect(result?.outcome).toBe(outcome);
    // A remedy is told exactly when something is to be done.
    expect(result?.remedy === null).toBe(outcome === 'passed' || outcome === 'not-applicable');
  });
}

test('every check is seen to pass and to fail (or to stay open)', () => {
  const outcomes = (id: string) => new Set(CASES.filter(([of]) => of === id).map(([, outcome]) => outcome));
  for (const { id } of LINK_CHECKS) {
    const seen = outcomes(id);
    const isOpen = seen.has('failed') || seen.has('unknown');
    // A backslash cannot come into the name: the schema refuses it and the default replaces it.
    if (id !== 'certificate.name') expect([id, isOpen]).toEqual([id, true]);
    expect([id, seen.has('passed') || seen.has('not-applicable')]).toEqual([id, true]);
  }
});

test('a name with a backslash that came around the schema is refused', () => {
  const base = spec();
  const settings = { ...base.settings, certificate: { ...base.settings.certificate, name: 'Cert_A\\B' } };
  const report = runLinkPreflight(facts(), { ...base, settings }, NOW);
  expect(report.checks.find(({ id }) => id === 'certificate.name')?.outcome).toBe('failed');
});

test('ids are unique and every check cites its source', () => {
  const ids = LINK_CHECKS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const check of LINK_CHECKS) expect([check.id, check.source.length > 3]).toEqual([check.id, true]);
});

test('a sound pair has no blockers and no warnings', () => {
  const report = runLinkPreflight(facts(), spec(), NOW);
  expect(
    report.checks.filter(
      ({ severity, outcome }) => severity !== 'info' && outcome !== 'passed' && outcome !== 'not-applicable',
    ),
  ).toEqual([]);
  expect(report).toMatchObject({ blockers: 0, warnings: 0, observedAt: NOW_TEXT });
});

test('the objects of an earlier run of the same migration do not stop the next one', () => {
  const again = facts({
    availabilityGroups: ownGroups,
    database: database({ availabilityGroupName: 'AG_Orders' }),
    instance: instance({ distributedGroupNames: ['DAG_Orders'], databaseNames: ['Orders'] }),
    trustCertificates: [{ name: 'Cert_SQL01_endpoint', thumbprint: 'AB01' }],
  });
  expect(runLinkPreflight(again, spec(), NOW).blockers).toBe(0);
});

test('what could not be read counts as a blocker, and the oldest fact dates the report', () => {
  const read = facts({ instance: instance({ state: 'Dreaming', observedAt: '2027-03-01T09:59:00.000Z' }) });
  expect(runLinkPreflight(read, spec(), NOW)).toMatchObject({
    blockers: 1,
    observedAt: '2027-03-01T09:59:00.000Z',
  });
});

test('a sound pair whose instance leads first: nothing of the other direction is asked', () => {
  // Of a database that no SQL Server has: recovery model, full backup and the like are Azure's affair.
  const read = instanceFirst({
    database: database({ recoveryModelDesc: 'SIMPLE', lastFullBackupAt: null, lastLogBackupLsn: null }),
  });
  const report = runLinkPreflight(read, INSTANCE_FIRST_SPEC, NOW);
  expect(report).toMatchObject({ blockers: 0, warnings: 0 });
  const asked = (id: string) => report.checks.find((check) => check.id === id);
  for (const id of ['database.full-backup', 'instance.database-name', 'database.recovery-model'])
    expect(asked(id)).toMatchObject({ outcome: 'not-applicable', evidence: 'The instance leads first.' });
  const other = runLinkPreflight(facts(), spec(), NOW);
  for (const { id, outcome } of other.checks.filter((check) => check.id.startsWith('instance-first.')))
    expect([id, outcome]).toEqual([id, 'not-applicable']);
});

describe('the remedy of a certificate that is not valid is one that can be followed', () => {
  const remedyWith = (endpoints: Parameters<typeof facts>[0], dates: Parameters<typeof certificate>[0]) => {
    const read = facts({ certificates: [certificate(dates)], ...endpoints });
    const { checks } = runLinkPreflight(read, spec(), NOW);
    return checks.find(({ id }) => id === 'certificate.valid')?.remedy ?? '';
  };
  const future = { startDate: '2027-04-01T00:00:00.000Z' };
  const expired = { expiryDate: '2027-02-28T00:00:00.000Z' };

  // A rotation is refused without the certificate of an endpoint (rotation.no-certificate).
  test.each([
    ['no endpoint', { endpoints: [] }],
    ['an endpoint without a certificate', { endpoints: [endpoint({ certificateName: null })] }],
    ['an endpoint whose certificate is gone', { endpoints: [endpoint({ certificateName: 'Gone' })] }],
  ])('%s: no rotation', (_case, endpoints) => {
    expect(remedyWith(endpoints, future)).toMatch(/^Drop the certificate .* Or wait until 2027-04-01/);
    expect(remedyWith(endpoints, expired)).toMatch(/^Drop the certificate /);
    expect(remedyWith(endpoints, expired)).not.toMatch(/rotate|wait/);
  });

  test('an endpoint that uses it: a rotation', () => {
    expect(remedyWith({}, future)).toContain('sqlferry certificates rotate');
    expect(remedyWith({}, expired)).toContain('sqlferry certificates rotate');
  });
});
