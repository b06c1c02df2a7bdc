import { until } from '../support/application';
import { type Arranging, LOGINS, type WireCase, type World } from './preflight-wire';

const [, APPLICATION] = LOGINS;
if (APPLICATION === undefined) throw new Error('fixture');
const BACKUPS = 'logBackups: { directory: "C:\\\\Backup" }';
const sections = (login: string): string =>
  `purpose: disaster-recovery\ninitialPrimary: instance\n${BACKUPS}\ncutover: { fence: { disableLogins: [${login}] } }\n`;

type Database = NonNullable<NonNullable<World['instance']>['databases']>[number];

/** The database lives on the instance, and the SQL Server is empty, unless a case says otherwise. */
const on = (changes: World = {}, database: Partial<Database> = {}): World => ({
  ...changes,
  server: { databases: [], ...changes.server },
  instance: {
    logins: [{ name: 'ferryadmin', password: 'Ferry!Passw0rd', roles: ['sysadmin'] }, APPLICATION],
    databases: [{ name: 'Sales', ...database }],
    ...changes.instance,
  },
});

const REPLICA = `N'SQL1' WITH (ENDPOINT_URL = 'TCP://SQL1:5022', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`;

/** Somebody else links the same database from the instance. */
async function linkElsewhere({ stage }: Arranging): Promise<void> {
  const { world } = stage.estate;
  world.links.put('mi-west', {
    name: 'DAG_Other',
    databaseName: 'Sales',
    partnerAvailabilityGroupName: 'AG_Other',
    instanceAvailabilityGroupName: 'AG_Other_MI',
    partnerEndpoint: 'TCP://SQL1:5022',
    instanceLinkRole: 'Primary',
    failoverMode: 'Manual',
    seedingMode: 'Automatic',
  });
  world.clock.speed = 200;
  await until('the instance has its groups', () => world.instances.get('mi-west').groups.size > 0);
  world.clock.speed = 1;
}

const cases: readonly WireCase[] = [
  {
    id: 'instance-first.build',
    what: '2019',
    world: on({ server: { version: '2019', databases: [] } }),
    evidence: /2019 does not have it/,
    remedy: /CU10/,
    also: ['server.chain-validation', 'instance-first.failover'],
  },
  {
    id: 'instance-first.build',
    what: '2022 CU9',
    world: on({ server: { update: '16.0.4085.2', databases: [] } }),
    evidence: /from 16\.0\.4095\.4; this is 16\.0\.4085\.2/,
    remedy: /CU10/,
    also: ['instance-first.failover'],
  },
  {
    id: 'instance-first.failover',
    world: on({ server: { update: 'CU10', databases: [] } }),
    evidence: /from 16\.0\.4125\.3/,
    remedy: /CU13/,
  },
  {
    id: 'instance-first.update-policy',
    world: on({ server: { version: '2025', databases: [] } }),
    evidence: /SQLServer2022 does not match SQL Server 2025/,
    remedy: /SQLServer2025 for 2025/,
    also: ['instance-first.failover'],
  },
  {
    id: 'instance-first.database',
    world: on({}, { name: 'Stock' }),
    evidence: /mi-west has no database "Sales"/,
    remedy: /initialPrimary/,
  },
  {
    id: 'instance-first.not-linked',
    world: on(),
    arrange: linkElsewhere,
    evidence: /AG_Other_MI, the group of another link/,
    remedy: /other link first/,
  },
  {
    id: 'instance-first.service-managed-key',
    world: on({}, { tdeKey: 'service-managed' }),
    evidence: /encrypted by CERTIFICATE, a key of the service/,
    remedy: /Key Vault/,
  },
  {
    id: 'instance-first.key-vault',
    world: on({}, { tdeKey: 'customer-managed' }),
    outcome: 'unknown',
    evidence: /key of Azure Key Vault/,
    remedy: /extensible key management/,
  },
  {
    id: 'instance-first.name-on-server',
    world: on({ server: { databases: [{ name: 'Sales' }] } }),
    evidence: /sql1 has a database Sales already; it is ONLINE/,
    remedy: /Drop or rename/,
  },
  {
    id: 'instance-first.group-name',
    world: on({ server: { databases: [{ name: 'Stock' }] } }),
    arrange: (at) =>
      at.onServer(
        `CREATE AVAILABILITY GROUP [AG_Sales] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [Stock] REPLICA ON ${REPLICA};`,
      ),
    evidence: /AG_Sales exists as a group with \[Stock\]/,
    remedy: /DROP AVAILABILITY GROUP/,
  },
  {
    id: 'instance-first.fence-own-login',
    world: on(),
    sections: sections('ferryadmin'),
    evidence: /names ferryadmin, which sqlferry uses/,
    remedy: /login of its own/,
  },
];

/** What is asked when the instance leads the link first. */
export const INSTANCE_FIRST_WIRE_CASES: readonly WireCase[] = cases.map((each) => ({
  sections: sections(APPLICATION.name),
  ...each,
}));
