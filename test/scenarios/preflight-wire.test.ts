import { LINK_CHECKS } from '../../src/rules/link/preflight';
import { checkOf, openChecks, preflightOverTheWire, type WireCase } from './preflight-wire';
import { DATABASE_WIRE_CASES } from './preflight-wire-cases-database';
import { INSTANCE_FIRST_WIRE_CASES } from './preflight-wire-cases-instance-first';
import { LINK_WIRE_CASES } from './preflight-wire-cases-link';
import { REPLICA_WIRE_CASES } from './preflight-wire-cases-replicas';
import { SERVER_WIRE_CASES } from './preflight-wire-cases-server';

const CASES: readonly WireCase[] = [
  ...SERVER_WIRE_CASES,
  ...DATABASE_WIRE_CASES,
  ...LINK_WIRE_CASES,
  ...REPLICA_WIRE_CASES,
  ...INSTANCE_FIRST_WIRE_CASES,
];

/** What no estate can show, with the reason; test/rules/link/preflight.test.ts asks them of facts. */
const NOT_ON_AN_ESTATE: Readonly<Record<string, string>> = {
  'server.operating-system': 'the estate runs on Windows and Linux, which both pass',
  'server.name': 'an instance of the estate always has a name',
  'server.clock': 'all instances of an estate share one clock',
  'certificate.name': 'a backslash is refused by the schema, and the default name replaces it',
  'database.user-database': 'the schema refuses the names of system databases',
  'group.single-database-link': 'Azure refuses the preview to a subscription that is not registered for it',
  'instance.link-capacity': 'a hundred links would have to be made first',
};

describe('a sound estate has no blockers and no unexpected warnings', () => {
  test.each([
    ['2022', 'SQLServer2022', []],
    ['2025', 'SQLServer2025', []],
    // A way back by the link exists from 2022 on; only 2022 CU5 and later can validate the chain beforehand.
    ['2019', 'SQLServer2022', ['server.chain-validation', 'instance.way-back']],
    ['2017', 'SQLServer2022', ['server.chain-validation', 'instance.way-back']],
    ['2016', 'SQLServer2022', ['server.chain-validation', 'instance.way-back']],
  ] as const)('SQL Server %s to %s', async (version, databaseFormat, remarks) => {
    const { report, effectsOfReading } = await preflightOverTheWire({
      world: { server: { version }, instance: { databaseFormat } },
    });
    expect(openChecks(report)).toEqual(remarks);
    expect(report.blockers).toBe(0);
    expect(effectsOfReading).toBe(0);
  });
});

describe('each check is seen through real sockets', () => {
  for (const given of CASES) {
    test(`${given.id}${given.what === undefined ? '' : `: ${given.what}`}`, async () => {
      const { report, effectsOfReading } = await preflightOverTheWire(given);
      const check = checkOf(report, given.id);
      expect(check.evidence).toMatch(given.evidence);
      expect(check.remedy).toMatch(given.remedy);
      expect(check.outcome).toBe(given.outcome ?? 'failed');
      expect([...openChecks(report)].sort()).toEqual(
        [...new Set([...shown(given.id), ...(given.also ?? [])])].sort(),
      );
      expect(effectsOfReading).toBe(0);
    });
  }

  /** A remark that every estate gets is not listed among the open checks. */
  const shown = (id: string): readonly string[] => (id === 'database.version-store' ? [] : [id]);

  test('certificate.authorities, before the first link', async () => {
    const { report } = await preflightOverTheWire({});
    expect(checkOf(report, 'certificate.authorities')).toMatchObject({
      outcome: 'failed',
      evidence: 'MicrosoftPKI and DigiCertPKI will be imported.',
      remedy: expect.stringContaining('the run imports'),
    });
  });
});

test('every check has a case here, or a reason why there is none', () => {
  const covered = new Set([...CASES.map(({ id }) => id), 'certificate.authorities']);
  const unaccounted = LINK_CHECKS.map(({ id }) => id).filter(
    (id) => covered.has(id) === id in NOT_ON_AN_ESTATE,
  );
  expect(unaccounted).toEqual([]);
  const known = new Set(LINK_CHECKS.map(({ id }) => id));
  expect([...covered, ...Object.keys(NOT_ON_AN_ESTATE)].filter((id) => !known.has(id))).toEqual([]);
});
