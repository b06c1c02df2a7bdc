import {
  cutoverRoute,
  LINK_CAPABILITY_TABLE,
  type LinkOperation,
  linkCapabilities,
} from '../../../src/rules/link/capability';
import { clusterTypeClause } from '../../../src/rules/link/cluster-type';
import { instance, server } from './facts';

const V2016 = { productVersion: '13.0.7000.253', canValidateCertificateChain: false };
const V2017 = { productVersion: '14.0.3490.10', canValidateCertificateChain: false };
const V2019 = { productVersion: '15.0.4312.2', canValidateCertificateChain: false };
const V2022_RTM = {
  productVersion: '16.0.1000.6',
  productUpdateLevel: null,
  canValidateCertificateChain: false,
};
const V2022_CU13 = { productVersion: '16.0.4125.3', productUpdateLevel: 'CU13' };
const V2022_CU27 = { productVersion: '16.0.4300.1', productUpdateLevel: 'CU27' };
const V2025 = { productVersion: '17.0.1000.7', productUpdateLevel: null };
const STANDARD = { edition: 'Standard Edition (64-bit)', engineEdition: 2 };

type Row = readonly [
  Partial<ReturnType<typeof server>>,
  string | null,
  LinkOperation,
  'yes' | 'no' | 'unknown',
  string,
];

const ROWS: readonly Row[] = [
  [V2016, 'SQLServer2022', 'link-to-instance', 'yes', 'capability.available'],
  [V2016, 'SQLServer2022', 'cluster-type-clause', 'no', 'capability.release'],
  [V2016, 'SQLServer2022', 'planned-failover', 'no', 'capability.release'],
  [V2017, 'AlwaysUpToDate', 'link-to-instance', 'yes', 'capability.available'],
  [V2017, 'AlwaysUpToDate', 'cluster-type-clause', 'yes', 'capability.available'],
  [
    { ...V2017, productVersion: '14.0.3495.9', canTrustCertificateIssuers: false },
    'SQLServer2022',
    'link-to-instance',
    'no',
    'capability.probe',
  ],
  [V2019, 'SQLServer2022', 'planned-failover', 'no', 'capability.release'],
  [V2019, 'SQLServer2022', 'validate-certificate-chain', 'no', 'capability.release'],
  [V2022_RTM, 'SQLServer2022', 'link-to-instance', 'yes', 'capability.available'],
  [V2022_RTM, 'SQLServer2022', 'planned-failover', 'no', 'capability.build'],
  [V2022_RTM, 'SQLServer2022', 'link-from-instance', 'no', 'capability.build'],
  [V2022_CU13, 'SQLServer2022', 'planned-failover', 'yes', 'capability.available'],
  [V2022_CU13, 'SQLServer2022', 'failback', 'yes', 'capability.available'],
  [V2022_CU13, 'SQLServer2022', 'forced-failover', 'yes', 'capability.available'],
  [V2022_CU13, 'AlwaysUpToDate', 'failback', 'no', 'capability.update-policy'],
  [V2022_CU13, null, 'planned-failover', 'unknown', 'capability.update-policy'],
  [V2022_CU13, 'Novel', 'planned-failover', 'unknown', 'capability.update-policy'],
  [V2022_CU13, 'SQLServer2022', 'multi-database-link', 'no', 'capability.update'],
  [V2022_CU27, 'SQLServer2022', 'multi-database-link', 'yes', 'capability.available'],
  [{ ...V2022_CU27, ...STANDARD }, 'SQLServer2022', 'multi-database-link', 'no', 'capability.edition'],
  [{ ...V2022_CU27, ...STANDARD }, 'SQLServer2022', 'planned-failover', 'yes', 'capability.available'],
  [V2025, 'SQLServer2022', 'link-to-instance', 'no', 'capability.update-policy'],
  [V2025, 'SqlServer2025', 'link-to-instance', 'yes', 'capability.available'],
  [V2025, 'SqlServer2025', 'planned-failover', 'yes', 'capability.available'],
  [V2025, 'AlwaysUpToDate', 'link-to-instance', 'yes', 'capability.available'],
  [V2025, 'AlwaysUpToDate', 'planned-failover', 'no', 'capability.update-policy'],
  [
    { edition: 'Express Edition', engineEdition: 4 },
    'SQLServer2022',
    'link-to-instance',
    'no',
    'capability.edition',
  ],
  [{ productVersion: '12.0.1.1' }, 'SQLServer2022', 'link-to-instance', 'no', 'capability.release'],
  [{ productVersion: '18.0.1.1' }, 'SQLServer2022', 'link-to-instance', 'unknown', 'capability.release'],
];

test.each(
  ROWS,
)('%j with policy %s: %s is %s by %s', (changes, databaseFormat, operation, available, ruleId) => {
  const capability = linkCapabilities(server(changes), instance({ databaseFormat })).operations[operation];
  expect(capability).toMatchObject({ available, ruleId });
  expect(capability.reason).toMatch(/\.$/);
});

test.each([
  [V2016, 'SQLServer2022', 'delete-link'],
  [V2017, 'SQLServer2022', 'delete-link'],
  [V2019, 'SQLServer2022', 'delete-link'],
  [V2022_RTM, 'SQLServer2022', 'delete-link'],
  [V2022_CU13, 'SQLServer2022', 'planned-failover'],
  [V2022_CU13, 'AlwaysUpToDate', 'delete-link'],
  [V2022_CU13, null, 'delete-link'],
  [V2025, 'SQLServer2025', 'planned-failover'],
  [V2025, 'AlwaysUpToDate', 'delete-link'],
] as const)('%j with policy %s leaves by %s', (changes, databaseFormat, route) => {
  expect(cutoverRoute(server(changes), instance({ databaseFormat }))).toBe(route);
});

test('every operation has one row with its source, and what is final is said', () => {
  const operations = LINK_CAPABILITY_TABLE.map(({ operation }) => operation);
  expect(new Set(operations).size).toBe(operations.length);
  expect(Object.keys(linkCapabilities(server(), instance()).operations).sort()).toEqual(
    [...operations].sort(),
  );
  for (const row of LINK_CAPABILITY_TABLE) expect(row.source).not.toBe('');
  const final = LINK_CAPABILITY_TABLE.filter(({ cannotUndo }) => cannotUndo !== null).map(
    (row) => row.operation,
  );
  expect(final).toEqual(['planned-failover', 'forced-failover', 'cutover-by-delete']);
});

test('only 2016 leaves out the cluster type', () => {
  expect(clusterTypeClause('13.0.7000.253')).toBe('omit');
  expect(clusterTypeClause('14.0.3490.10')).toBe('NONE');
  expect(clusterTypeClause('17.0.1000.7')).toBe('NONE');
});
