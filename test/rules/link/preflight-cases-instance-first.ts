import { facts as base, database, endpoint, instance, ownGroups, server, spec } from './facts';
import type { Case } from './preflight-cases';

const [ownAg, ownDag] = ownGroups;
if (ownAg === undefined || ownDag === undefined) throw new Error('fixture');

const FIRST = spec({ purpose: 'disaster-recovery', initialPrimary: 'instance' });
/** What is read of a pair whose instance has the database. */
export const instanceFirst = (changes: Parameters<typeof base>[0] = {}) =>
  base({
    instance: instance({ databaseNames: ['Orders'] }),
    databaseOnServer: null,
    endpoints: [endpoint()],
    ...changes,
  });
export { FIRST as INSTANCE_FIRST_SPEC };

type Row = readonly [
  id: string,
  outcome: Case[1],
  what: string,
  facts: ReturnType<typeof base>,
  evidence: RegExp,
  spec?: Case[5],
];

const build = (productVersion: string) => instanceFirst({ server: server({ productVersion }) });
const policy = (databaseFormat: string | null, productVersion = '16.0.4165.4') =>
  instanceFirst({
    server: server({ productVersion }),
    instance: instance({ databaseFormat, databaseNames: ['Orders'] }),
  });
const read = (changes: Parameters<typeof database>[0]) => instanceFirst({ database: database(changes) });
const linked = instance({ databaseNames: ['Orders'], distributedGroupNames: ['DAG_Orders'] });
const emptyGroup = { ...ownAg, databases: [] };

const ROWS: readonly Row[] = [
  ['instance-first.build', 'passed', '2022 CU10', build('16.0.4095.4'), /allow it/],
  ['instance-first.build', 'passed', '2025, whatever the policy', build('17.0.1000.7'), /update policy/],
  ['instance-first.build', 'failed', '2022 CU9', build('16.0.4085.2'), /from 16\.0\.4095\.4/],
  ['instance-first.build', 'failed', '2019', build('15.0.4375.4'), /2019 does not have it/],
  ['instance-first.build', 'unknown', 'newer', build('18.0.1.1'), /newer than the releases/],
  [
    'instance-first.update-policy',
    'passed',
    'the same',
    policy('SQLServer2022'),
    /2022, update policy SQLServer2022/,
  ],
  [
    'instance-first.update-policy',
    'failed',
    'newer',
    policy('AlwaysUpToDate'),
    /does not match SQL Server 2022/,
  ],
  [
    'instance-first.update-policy',
    'failed',
    'older',
    policy('SQLServer2022', '17.0.1000.7'),
    /does not match SQL Server 2025/,
  ],
  ['instance-first.update-policy', 'unknown', 'not told', policy(null), /does not report/],
  ['instance-first.failover', 'passed', 'CU16', instanceFirst(), /allow it/],
  ['instance-first.failover', 'failed', 'CU10', build('16.0.4095.4'), /from 16\.0\.4125\.3/],
  ['instance-first.database', 'passed', 'there', instanceFirst(), /on mi-01/],
  [
    'instance-first.database',
    'failed',
    'absent',
    instanceFirst({ database: null }),
    /has no database "Orders"/,
  ],
  [
    'instance-first.database',
    'unknown',
    'a stopped instance',
    instanceFirst({ database: null, instanceServer: null }),
    /not ready/,
  ],
  ['instance-first.not-linked', 'passed', 'alone', instanceFirst(), /no link/],
  [
    'instance-first.not-linked',
    'failed',
    'in another',
    read({ availabilityGroupName: 'AG_Other' }),
    /another link/,
  ],
  [
    'instance-first.not-linked',
    'passed',
    'in this one',
    instanceFirst({
      database: database({ availabilityGroupName: 'AG_Orders_MI' }),
      availabilityGroups: ownGroups,
      instance: linked,
    }),
    /of this link/,
  ],
  ['instance-first.service-managed-key', 'passed', 'none', instanceFirst(), /not encrypted/],
  [
    'instance-first.service-managed-key',
    'passed',
    'its own key',
    read({ isEncrypted: true, tdeEncryptorType: 'ASYMMETRIC KEY' }),
    /Key Vault/,
  ],
  [
    'instance-first.service-managed-key',
    'failed',
    'of the service',
    read({ isEncrypted: true, tdeEncryptorType: 'CERTIFICATE' }),
    /key of the service/,
  ],
  ['instance-first.key-vault', 'not-applicable', 'none', instanceFirst(), /No key/],
  [
    'instance-first.key-vault',
    'unknown',
    'its own key',
    read({ isEncrypted: true, tdeEncryptorType: 'ASYMMETRIC KEY' }),
    /Key Vault/,
  ],
  ['instance-first.name-on-server', 'passed', 'free', instanceFirst(), /no database Orders/],
  [
    'instance-first.name-on-server',
    'failed',
    'taken',
    instanceFirst({ databaseOnServer: database() }),
    /already; it is ONLINE/,
  ],
  [
    'instance-first.name-on-server',
    'passed',
    'by this link',
    instanceFirst({
      databaseOnServer: database({ availabilityGroupName: 'AG_Orders' }),
      availabilityGroups: ownGroups,
    }),
    /came over the link/,
  ],
  ['instance-first.group-name', 'passed', 'free', instanceFirst(), /No group/],
  [
    'instance-first.group-name',
    'passed',
    'empty',
    instanceFirst({ availabilityGroups: [emptyGroup] }),
    /used again/,
  ],
  [
    'instance-first.group-name',
    'failed',
    'of others',
    instanceFirst({ availabilityGroups: [{ ...ownAg, databases: ['B'] }] }),
    /with \[B\]/,
  ],
  ['instance-first.fence-own-login', 'not-applicable', 'Entra', instanceFirst(), /SQL login/],
  [
    'instance-first.fence-own-login',
    'failed',
    'its own',
    instanceFirst(),
    /names APP/,
    {
      ...FIRST,
      instance: { ...FIRST.instance, authentication: { type: 'sql', user: 'APP', password: 'env:P' } },
    } as NonNullable<Case[5]>,
  ],
];

export const INSTANCE_FIRST_CASES: readonly Case[] = ROWS.map(([id, outcome, what, read, evidence, own]) => [
  id,
  outcome,
  what,
  read,
  evidence,
  own ?? FIRST,
]);
