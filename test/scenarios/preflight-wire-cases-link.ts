import { LINK_STEPS } from '../../src/activities/link/steps/registry';
import { runStep } from '../../src/activities/run/run-step';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { LinkStepId } from '../../src/model/link/step';
import { openSteps } from '../support/steps-without-temporal';
import type { Arranging, WireCase } from './preflight-wire';

const LOG_BACKUPS = 'logBackups: { directory: "C:\\\\Backup" }';
const cutover = (yaml: string): string => `${LOG_BACKUPS}\ncutover: ${yaml}\n`;
const FENCED = 'fence: { disableLogins: [sales_app] }';

const ENDPOINT = 'TCP://SQL1:5022';
const REPLICA = `N'SQL1' WITH (ENDPOINT_URL = '${ENDPOINT}', AVAILABILITY_MODE = SYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC)`;
const group = (name: string, database: string): string =>
  `CREATE AVAILABILITY GROUP [${name}] WITH (CLUSTER_TYPE = NONE) FOR DATABASE [${database}] REPLICA ON ${REPLICA};`;
const distributed = (name: string, here: string, there: string, url: string): string =>
  `CREATE AVAILABILITY GROUP [${name}] WITH (DISTRIBUTED) AVAILABILITY GROUP ON
   N'${here}' WITH (LISTENER_URL = '${ENDPOINT}', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC),
   N'${there}' WITH (LISTENER_URL = '${url}', AVAILABILITY_MODE = ASYNCHRONOUS_COMMIT, FAILOVER_MODE = MANUAL, SEEDING_MODE = AUTOMATIC);`;

const TRUST: readonly LinkStepId[] = [
  'server.master-key',
  'server.endpoint-certificate',
  'instance.trust-server-certificate',
  'server.trust-instance-certificate',
  'server.trust-azure-authorities',
  'server.mirroring-endpoint',
];
const LINK: readonly LinkStepId[] = [
  ...TRUST,
  'server.availability-group',
  'server.distributed-availability-group',
  'instance.link',
];

/** Performs steps of the product, to have what an earlier run leaves behind. */
async function perform({ spec, stage }: Arranging, steps: readonly LinkStepId[]): Promise<void> {
  const opened = await openSteps(spec, stage.env);
  try {
    for (const id of steps) await runStep(LINK_STEPS[id], opened.context, opened.apply);
  } finally {
    await opened.close();
  }
}

const miUrl = ({ stage }: Arranging): string =>
  `tcp://${stage.estate.instance('mi-west').fqdn}:5022;Server=[mi-west]`;

/** Two copies of a definition differ in nothing but their name. */
const otherDatabase = { name: 'Other', brokerEnabled: true };

/** Groups, the managed instance, and what the migration file asks for. */
export const LINK_WIRE_CASES: readonly WireCase[] = [
  {
    id: 'database.availability-group',
    arrange: async (at) => {
      await perform(at, TRUST);
      await at.onServer(group('Prod', 'Sales'));
    },
    evidence: /It is in the availability group Prod/,
    remedy: /link\.availabilityGroup/,
  },
  {
    id: 'group.availability-group-name',
    world: { moreDatabases: [otherDatabase] },
    arrange: async (at) => {
      await perform(at, TRUST);
      await at.onServer(group('AG_Sales', 'Other'));
    },
    evidence: /AG_Sales exists as a group with \[Other\]/,
    remedy: /DROP AVAILABILITY GROUP/,
  },
  {
    id: 'group.link-name',
    world: { moreDatabases: [otherDatabase] },
    arrange: async (at) => {
      await perform(at, TRUST);
      await at.onServer(group('AG_Other', 'Other'));
      await at.onServer(distributed('DAG_Sales', 'AG_Other', 'AG_Other_MI', miUrl(at)));
    },
    evidence: /DAG_Sales exists with the members \[AG_Other, AG_Other_MI\]/,
    remedy: /link\.name/,
  },
  {
    id: 'group.instance-group-name',
    world: { moreDatabases: [otherDatabase] },
    arrange: async (at) => {
      await perform(at, TRUST);
      await at.onServer(group('AG_Other', 'Other'));
      await at.onServer(distributed('DAG_Other', 'AG_Other', 'AG_Sales_MI', miUrl(at)));
    },
    evidence: /DAG_Other uses AG_Sales_MI on the same instance/,
    remedy: /link\.instanceAvailabilityGroup/,
  },
  {
    id: 'group.link-name-on-instance',
    what: 'the group here was dropped, the link there was not',
    world: { database: { dataBytes: 8 * 1024 ** 2 } },
    arrange: async (at) => {
      at.stage.estate.world.clock.speed = 1000;
      await perform(at, LINK);
      at.stage.estate.world.clock.speed = 1;
      await at.onServer('DROP AVAILABILITY GROUP [DAG_Sales]; DROP AVAILABILITY GROUP [AG_Sales];');
    },
    evidence: /A link DAG_Sales exists, but SQL Server has no such distributed availability group/,
    remedy: /az sql mi link delete/,
    also: ['instance.database-name'],
  },

  {
    id: 'instance.ready',
    arrange: async ({ stage }) => stage.estate.world.instances.stop('mi-west'),
    evidence: /Its state is Stopped/,
    remedy: /az sql mi start/,
  },
  {
    id: 'instance.engine',
    inventory: (spec, { estate }) =>
      atHost(
        { ...spec, instance: { ...spec.instance, authentication: spec.server.authentication } },
        estate.instance('SQL1'),
      ),
    evidence: /engine edition is 3; 8 is a managed instance/,
    remedy: /Correct host/,
    also: ['instance.identity'],
  },
  {
    id: 'instance.identity',
    world: { moreInstances: [{ kind: 'managed-instance', name: 'mi-east' }] },
    inventory: (spec, { estate }) => atHost(spec, estate.instance('mi-east')),
    evidence: /@@SERVERNAME is mi-east\..*; Azure says mi-west\./,
    remedy: /host or resourceId/,
  },
  {
    id: 'instance.failover-group',
    world: { instance: { inFailoverGroup: true } },
    evidence: /It is in a failover group/,
    remedy: /Remove the failover group/,
  },
  {
    id: 'instance.database-name',
    world: { instance: { databases: [{ name: 'sales' }] } },
    evidence: /has a database Sales already/,
    remedy: /Drop or rename/,
  },
  {
    id: 'instance.database-capacity',
    world: {
      instance: {
        tier: 'BusinessCritical',
        databases: Array.from({ length: 100 }, (_, index) => ({ name: `db${index}` })),
      },
    },
    evidence: /100 other databases; the tier is BusinessCritical/,
    remedy: /not needed, or take another instance/,
  },
  {
    id: 'instance.update-policy',
    world: { server: { version: '2025' } },
    evidence: /SQL Server 2025, update policy SQLServer2022/,
    remedy: /cannot be changed back/,
    also: ['instance.way-back'],
  },
  {
    id: 'instance.way-back',
    world: { instance: { databaseFormat: 'AlwaysUpToDate' } },
    evidence: /SQL Server 2022, update policy AlwaysUpToDate/,
    remedy: /otherwise the cutover is final/,
  },

  {
    id: 'seeding.deadline',
    sections: `${cutover(`{ ${FENCED} }`)}seeding: { deadline: 10m, warnBefore: [1m] }\n`,
    evidence: /take about .*; the deadline is 10m/,
    remedy: /Measure the network/,
  },
  {
    id: 'cutover.route',
    world: { server: { version: '2022', update: 'CU10' } },
    sections: cutover(`{ ${FENCED}, afterwards: keep-link }`),
    evidence: /The cutover deletes the link: .*/,
    remedy: /remove-link, or take SQL Server 2022 CU13/,
  },
  {
    id: 'cutover.fence-logins',
    sections: cutover('{ fence: { disableLogins: [sales_app, sales_ap] } }'),
    evidence: /There is no login sales_ap\./,
    remedy: /misspelt/,
  },
  {
    id: 'cutover.fence-own-login',
    sections: cutover('{ fence: { disableLogins: [sales_app, SA] } }'),
    evidence: /disableLogins names sa, which sqlferry uses/,
    remedy: /login of its own/,
  },
  {
    id: 'cutover.fence-empty',
    sections: LOG_BACKUPS,
    evidence: /nothing stops writing at the cutover/,
    remedy: /stop the applications yourself/,
  },
  {
    id: 'cutover.schedule',
    sections: cutover(`{ ${FENCED}, schedule: { type: at, time: "2026-01-01T00:00:00Z" } }`),
    evidence: /2026-01-01T00:00:00(\.000)?Z has passed/,
    remedy: /give a later time/,
  },
];

const atHost = (
  spec: ResolvedLink,
  { host, port }: { readonly host: string; readonly port: number },
): ResolvedLink => ({ ...spec, instance: { ...spec.instance, host, port } });
