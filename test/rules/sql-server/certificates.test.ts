import { judgeExpiry } from '../../../src/rules/sql-server/certificate-expiry';
import {
  certificateNameToUse,
  isRotationOf,
  rotatedCertificateName,
} from '../../../src/rules/sql-server/certificate-name';
import {
  type RotationFacts,
  rotationPlan,
  rotationRefusals,
} from '../../../src/rules/sql-server/certificate-rotation';
import { certificate, endpoint, FQDN, NOW, NOW_TEXT } from '../link/facts';
import { replica, seeding } from '../link/replica';

const DAY = 86_400_000;
const after = (ms: number): string => new Date(NOW + ms).toISOString();

test.each([
  [90 * DAY, 'ok', 90],
  [90 * DAY - 1, 'info', 89],
  [30 * DAY, 'info', 30],
  [30 * DAY - 1, 'warning', 29],
  [7 * DAY, 'warning', 7],
  [7 * DAY - 1, 'critical', 6],
  [1, 'critical', 0],
  [0, 'expired', 0],
  [-1, 'expired', -1],
])('%d ms before the end: %s', (left, level, daysLeft) => {
  expect(judgeExpiry(after(left), NOW)).toEqual({ level, daysLeft });
});

test('an end that cannot be read is unknown, not expired', () => {
  expect(judgeExpiry(null, NOW)).toEqual({ level: 'unknown', daysLeft: null });
  expect(judgeExpiry('someday', NOW)).toEqual({ level: 'unknown', daysLeft: null });
});

describe('names', () => {
  test('carry the day, and a number when the day has one already', () => {
    expect(rotatedCertificateName('Cert_A', NOW_TEXT, [])).toBe('Cert_A_20270301');
    expect(rotatedCertificateName('Cert_A', NOW_TEXT, ['CERT_A_20270301'])).toBe('Cert_A_20270301_2');
    expect(rotatedCertificateName('Cert_A', NOW_TEXT, ['Cert_A_20270301', 'Cert_A_20270301_2'])).toBe(
      'Cert_A_20270301_3',
    );
  });

  test('stay within 128 characters and are known again', () => {
    const base = 'x'.repeat(128);
    const name = rotatedCertificateName(base, NOW_TEXT, []);
    expect(name).toHaveLength(128);
    expect(isRotationOf(base, name)).toBe(true);
    expect(isRotationOf('Cert_A', 'Cert_A_20270301_2')).toBe(true);
    expect(isRotationOf('Cert_A', 'Cert_A')).toBe(false);
    expect(isRotationOf('Cert_A', 'Cert_AB_20270301')).toBe(false);
    expect(isRotationOf('Cert_A', 'Cert_A_endpoint')).toBe(false);
  });
});

describe('the certificate that the steps work with', () => {
  const has = (name: string, changes: Parameters<typeof certificate>[0] = {}) => ({
    endpoint: endpoint({ certificateName: name }),
    certificates: [certificate({ name, privateKeyEncryptionType: 'MK', expiryDate: after(DAY), ...changes })],
    trusted: [],
    serverTime: NOW_TEXT,
  });

  test('is the one of the spec when the endpoint has none or that one', () => {
    expect(certificateNameToUse('Cert_A', false, { ...has('Cert_A'), endpoint: null })).toBe('Cert_A');
    expect(certificateNameToUse('Cert_A', false, has('cert_a'))).toBe('Cert_A');
  });

  test('is a rotation of it, also where the spec names it', () => {
    expect(certificateNameToUse('Cert_A', false, has('Cert_A_20270301'))).toBe('Cert_A_20270301');
    expect(certificateNameToUse('Cert_A', true, has('Cert_A_20270301'))).toBe('Cert_A_20270301');
  });

  test('is another one only when the instance trusts it and the spec does not ask for a name', () => {
    const other = has('Other', { thumbprint: 'AB' });
    expect(certificateNameToUse('Cert_A', false, other)).toBe('Cert_A');
    const trusted = { ...other, trusted: [{ name: 'whatever', thumbprint: 'ab' }] };
    expect(certificateNameToUse('Cert_A', false, trusted)).toBe('Other');
    expect(certificateNameToUse('Cert_A', true, trusted)).toBe('Cert_A');
  });

  test('is never one that has expired or has no private key', () => {
    expect(certificateNameToUse('Cert_A', false, has('Cert_A_20270301', { expiryDate: NOW_TEXT }))).toBe(
      'Cert_A',
    );
    const noKey = has('Cert_A_20270301', { privateKeyEncryptionType: 'NA' });
    expect(certificateNameToUse('Cert_A', false, noKey)).toBe('Cert_A');
  });
});

describe('the gate of a rotation', () => {
  const facts = (changes: Partial<RotationFacts> = {}): RotationFacts => ({
    serverName: 'SQL01',
    serverTime: NOW_TEXT,
    endpoint: endpoint({ certificateName: 'Cert_A', connectionAuthDesc: 'CERTIFICATE' }),
    certificates: [certificate({ name: 'Cert_A', expiryDate: after(20 * DAY) })],
    replicas: [replica()],
    groups: [],
    instances: [FQDN],
    fencedLogins: [],
    ...changes,
  });
  const rules = (changes: Partial<RotationFacts>): readonly string[] =>
    rotationRefusals(facts(changes)).map(({ ruleId }) => ruleId);
  const distributed = (host: string) => ({
    name: 'DAG_Orders',
    isDistributed: true,
    clusterTypeDesc: null,
    databases: [],
    localRoleDesc: 'PRIMARY',
    replicas: [
      { name: 'AG_Orders', endpointUrl: 'TCP://sql01:5022', availabilityModeDesc: '' },
      { name: 'AG_Orders_MI', endpointUrl: `tcp://${host}:5022;Server=[mi-01]`, availabilityModeDesc: '' },
    ],
  });
  const local = (replicas: readonly string[]) => ({
    ...distributed(FQDN),
    name: 'AG_Orders',
    isDistributed: false,
    replicas: replicas.map((name) => ({ name, endpointUrl: `TCP://${name}:5022`, availabilityModeDesc: '' })),
  });

  test('opens for healthy links', () => {
    expect(rules({})).toEqual([]);
    expect(rules({ groups: [distributed(FQDN), local(['SQL01'])] })).toEqual([]);
    expect(rules({ replicas: [] })).toEqual([]);
  });

  test.each([
    ['streaming', { seeding: seeding({ currentState: 'SEEDING', isStreaming: true }) }],
    ['connected and not healthy yet', { synchronizationHealthDesc: 'NOT_HEALTHY', seeding: null }],
  ])('closed while a link seeds: %s', (_what, changes) => {
    expect(rules({ replicas: [replica(), replica({ groupName: 'DAG_Other', ...changes })] })).toEqual([
      'rotation.seeding',
    ]);
  });

  test('closed for other reasons, each with its rule', () => {
    expect(rules({ endpoint: null })).toEqual(['rotation.no-certificate']);
    expect(rules({ replicas: [replica({ localRoleDesc: 'RESOLVING' })] })).toEqual(['rotation.failover']);
    expect(rules({ fencedLogins: ['app'] })).toEqual(['rotation.fence']);
    expect(rules({ replicas: [replica({ connectedStateDesc: 'DISCONNECTED' })] })).toEqual([
      'rotation.not-healthy',
    ]);
    expect(rules({ replicas: [replica({ isSuspended: true })] })).toEqual(['rotation.not-healthy']);
  });

  test('an expired certificate needs no healthy link', () => {
    const expired = [certificate({ name: 'Cert_A', expiryDate: NOW_TEXT })];
    const replicas = [
      replica({ connectedStateDesc: 'DISCONNECTED', synchronizationHealthDesc: 'NOT_HEALTHY' }),
    ];
    expect(rules({ certificates: expired, replicas })).toEqual([]);
  });

  test('closed for partners that would not know the new key', () => {
    expect(rules({ groups: [distributed('mi-02.a1b2c3.database.windows.net'), local(['SQL01'])] })).toEqual([
      'rotation.other-partner',
    ]);
    expect(rules({ groups: [local(['SQL01', 'SQL02'])] })).toEqual(['rotation.other-partner']);
    const windows = endpoint({ certificateName: 'Cert_A', connectionAuthDesc: 'NEGOTIATE, CERTIFICATE' });
    expect(rules({ endpoint: windows, groups: [local(['SQL01', 'SQL02'])] })).toEqual([]);
  });

  test('the plan names old and new, and every link', () => {
    expect(rotationPlan(facts(), 'Cert_A', ['Cert_A'], 365 * DAY)).toMatchObject({
      old: { name: 'Cert_A', expired: false },
      nextName: 'Cert_A_20270301',
      nextExpiresOn: '2028-02-29',
      groups: ['DAG_Orders'],
    });
  });
});
