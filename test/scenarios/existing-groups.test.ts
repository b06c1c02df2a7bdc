/** Links over availability groups that stand already: with a listener, with several replicas, with another link. */

import type { EstateDefinitionInput } from '../../estate/world/definition';
import type { EstateWorld } from '../../estate/world/world';
import { planLinkMigration } from '../../src/activities/link/plan';
import { Certificates } from '../../src/client/certificates';
import { onServer } from '../../src/model/link/replicas';
import type { ResolvedLink } from '../../src/model/link/spec';
import type { JournalEffect } from '../../src/model/run/journal';
import {
  APPLICATION,
  applicationOn,
  query,
  repointApplication,
  startApplication,
  until,
  verifyOn,
} from '../support/application';
import { overGroup, toInstance } from '../support/group-spec';
import { closeServer, QUICK_POLLING, type Stage, startStage } from '../support/scenario';
import { openSteps } from '../support/steps-without-temporal';
import { worldSnapshot } from '../support/world-snapshot';

afterAll(closeServer);

const GB = 1024 ** 3;
const LISTENER = '10.0.1.50';
const listener = { name: 'ag-sales', address: LISTENER };

type Instances = NonNullable<EstateDefinitionInput['instances']>;
type ServerInput = Extract<Instances[number], { kind: 'sql-server' }>;

const server = (name: string, changes: Partial<ServerInput> = {}): ServerInput => ({
  kind: 'sql-server',
  name,
  clustered: true,
  // As a cluster has it: Windows authentication between the replicas.
  endpoint: { name: 'Hadr_endpoint' },
  logins: [
    { name: 'sa', password: 'Ferry!Passw0rd' },
    { ...APPLICATION, roles: [] },
  ],
  ...changes,
});

const estate = (
  servers: readonly ServerInput[],
  changes: EstateDefinitionInput = {},
): EstateDefinitionInput => ({
  clock: { speed: 600 },
  instances: [
    ...servers,
    { kind: 'managed-instance', name: 'mi-west' },
    { kind: 'managed-instance', name: 'mi-east' },
    { kind: 'managed-instance', name: 'mi-north' },
  ],
  groups: [{ name: 'AG_Prod', replicas: servers.map(({ name }) => name), databases: ['Sales'], listener }],
  ...changes,
});

const sales = { name: 'Sales', dataBytes: 2 * GB, users: [{ name: APPLICATION.name }] };
const ONE = [server('SQL1', { databases: [sales] })];
const TWO = [...ONE, server('SQL2')];

const sections = (cutover: string, more = ''): string => `
logBackups: { directory: "C:\\\\Backup", every: 15m }
cutover: { fence: { disableLogins: [${APPLICATION.name}] }, ${cutover} }
${more}
${QUICK_POLLING}
`;
const APPROVED = 'approval: { required: false }';
const WAITING = 'approval: { required: true }';
const STAYS = 'purpose: disaster-recovery';

describe('a group that stands already', () => {
  let stage: Stage;
  /** Each test has a name of its own on the shared server: a DR link outlives its test. */
  let name = '';
  let count = 0;
  beforeEach(() => {
    count += 1;
    name = `sales-${count}`;
  });
  afterEach(() => stage.close());

  const over = (spec: ResolvedLink, replicas: readonly string[] = []): ResolvedLink =>
    overGroup(spec, stage.estate, {
      replicas,
      listener: { address: LISTENER },
      availabilityGroup: 'AG_Prod',
    });
  const statusOf = async (run: string) => (await stage.migrations.view(run)).status;
  const untilPhase = (run: string, phase: string): Promise<void> =>
    until(`${run} is in ${phase}`, async () => (await statusOf(run)).phase === phase, 60_000);

  /** The application's login on the second replica, with the SID that its user in the database has. */
  async function sameLogin(): Promise<void> {
    const { sid } = stage.estate.world.instances.get('SQL1').logins.get(APPLICATION.name) ?? {};
    await query(
      stage.estate,
      'SQL2',
      `DROP LOGIN [${APPLICATION.name}]; CREATE LOGIN [${APPLICATION.name}]
       WITH PASSWORD = N'${APPLICATION.password}', SID = 0x${Buffer.from(sid ?? []).toString('hex')}`,
    );
  }

  const throughListener = () => {
    const [found] = stage.estate.listeners;
    if (found === undefined) throw new Error('the estate has no listener');
    return { ...applicationOn(stage.estate, 'SQL1'), host: found.host, port: found.port };
  };

  /** What a run never touches: the local group as every server knows it. */
  const localGroups = () =>
    stage.estate.world.instances
      .all()
      .flatMap(({ name, groups }) =>
        [...groups.values()]
          .filter((group) => group.name === 'AG_Prod')
          .map(({ replicas, databases, listeners, groupId, clusterType }) =>
            JSON.stringify([name, groupId, clusterType, replicas, databases, listeners]),
          ),
      );

  test('(a) of one replica with a listener: the database crosses, and the group is what it was', async () => {
    stage = await startStage({ estate: estate(ONE) });
    const { world } = stage.estate;
    const before = localGroups();
    const spec = over(stage.spec(sections(APPROVED), name));
    const opened = await openSteps(spec, stage.env);
    const plan = await planLinkMigration(opened.context, 'planned-failover');
    await opened.close();
    const shown = plan.steps.flatMap(({ effects }) => effects.map(({ display }) => display)).join('\n');
    expect(shown).toContain(`LISTENER_URL = 'TCP://${LISTENER}:5022'`);
    expect(shown).toContain(`"partnerEndpoint":"TCP://${LISTENER}:5022"`);
    expect(plan.steps.find(({ stepId }) => stepId === 'server.drop-availability-group')?.settled).toMatch(
      /stood there before the run/,
    );

    await stage.startWorker();
    await stage.migrations.start(spec);
    await until('the link is there', () => world.links.all().length > 0, 60_000);
    expect(world.links.all()[0]?.partnerEndpoint).toBe(`TCP://${LISTENER}:5022`);
    expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'completed' });
    expect(localGroups()).toEqual(before);
    expect(world.databases.get('SQL1', 'Sales').groupName).toBe('AG_Prod');
    // Of the groups the run made and dropped its own, and no other.
    const groups = world.journal.effective(/AVAILABILITY GROUP/).map(({ text }) => text.split('\n', 1)[0]);
    expect(groups.filter((text) => text?.includes('AG_Prod'))).toEqual([]);
    expect(groups).toEqual([
      'CREATE AVAILABILITY GROUP [DAG_Sales]',
      'ALTER AVAILABILITY GROUP [DAG_Sales] FAILOVER',
      'DROP AVAILABILITY GROUP [DAG_Sales]',
    ]);
  }, 120_000);

  const LOCAL_FAILOVERS: readonly [string, (world: EstateWorld) => Promise<unknown>][] = [
    ['fails over', () => query(stage.estate, 'SQL2', 'ALTER AVAILABILITY GROUP [AG_Prod] FAILOVER')],
    // The cluster brings the other replica up by itself; nobody sees the first one again.
    ['loses its primary', async (world) => world.instances.kill('SQL1')],
  ];

  test.each(LOCAL_FAILOVERS)(
    '(b) of two replicas, which %s: the link goes on, and no row is lost',
    async (_what, move) => {
      const automatic = {
        name: 'AG_Prod',
        replicas: ['SQL1', 'SQL2'],
        databases: ['Sales'],
        failoverMode: 'AUTOMATIC' as const,
        listener,
      };
      stage = await startStage({ estate: estate(TWO, { groups: [automatic] }) });
      const { world } = stage.estate;
      await sameLogin();
      const writer = startApplication(stage.estate);
      writer.repoint(throughListener());
      try {
        await stage.startWorker();
        await stage.migrations.start(over(stage.spec(sections(WAITING), name), ['SQL2']));
        await untilPhase(name, 'replicating');
        for (const name of ['SQL1', 'SQL2']) {
          expect(world.instances.get(name).endpoint).toMatchObject({
            authentication: 'NEGOTIATE, CERTIFICATE',
            certificateName: `Cert_${name}_endpoint`,
          });
        }
        const [managed] = world.instances.all().filter(({ name }) => name === 'mi-west');
        expect(
          [...(managed?.managed?.trustCertificates.values() ?? [])].map(({ name }) => name).sort(),
        ).toEqual(['Cert_SQL1_endpoint', 'Cert_SQL2_endpoint']);
        await until('the first leader is known', async () =>
          (await statusOf(name)).events.some(({ code }) => code === 'group.leader'),
        );

        const acknowledged = writer.report().acknowledged;
        await move(world);
        await until('the application writes on', () => writer.report().acknowledged > acknowledged + 50);
        await until('the run says where the group is', async () =>
          (await statusOf(name)).events.some(
            ({ code, message }) => code === 'group.failed-over' && message.startsWith('sql2 leads'),
          ),
        );
        await until('the link is up again', () => world.links.all()[0]?.connection.state === 'CONNECTED');
        expect(world.links.all()[0]).toMatchObject({ sqlServer: 'SQL2', seeded: true });

        expect(await stage.migrations.approve(name, { by: 'test' })).toMatchObject({ accepted: true });
        await untilPhase(name, 'after');
        // Fenced on all that answer: whichever replica had led, the application would have been kept out.
        for (const { state, logins } of ['SQL1', 'SQL2'].map((name) => world.instances.get(name)))
          expect(logins.get(APPLICATION.name)?.disabled).toBe(state === 'running');
        await repointApplication(stage.estate, writer);
        expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'completed' });
        expect(world.groups.get('SQL2', 'AG_Prod')?.databases).toEqual(['Sales']);
      } finally {
        await writer.stop();
      }
      expect(await verifyOn(stage.estate, 'mi-west', writer)).toMatchObject({ lost: [] });
    },
    180_000,
  );

  test('(b) a local failover behind the fence lets nobody write, and no row is lost', async () => {
    stage = await startStage({ estate: estate(TWO) });
    const { world } = stage.estate;
    await sameLogin();
    const writer = startApplication(stage.estate);
    writer.repoint(throughListener());
    try {
      await stage.startWorker();
      await stage.migrations.start(
        over(stage.spec(sections(`${APPROVED}, retryAfter: [1s]`), name), ['SQL2']),
      );
      await until('the copy is complete', () => world.links.all().some(({ seeded }) => seeded), 60_000);
      // Somebody whom the fence does not hold: the logs never stand equal while it is there.
      world.databases.setSyntheticLogRate('SQL1', 'Sales', 4_096);
      const isFenced = (name: string) => world.instances.get(name).logins.get(APPLICATION.name)?.disabled;
      await until('both replicas are fenced', () => isFenced('SQL1') === true && isFenced('SQL2') === true);
      await world.groups.failover('SQL2', 'AG_Prod');
      await until('the link is up again', () => world.links.all()[0]?.connection.state === 'CONNECTED');
      world.databases.setSyntheticLogRate('SQL2', 'Sales', 0);
      await untilPhase(name, 'after');
      await repointApplication(stage.estate, writer);
      expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'completed' });
    } finally {
      await writer.stop();
    }
    expect(await verifyOn(stage.estate, 'mi-west', writer)).toMatchObject({ lost: [] });
  }, 180_000);

  test('(b) an abort gives the trust of both replicas back, latest first', async () => {
    stage = await startStage({ estate: estate(TWO) });
    const before = worldSnapshot(stage.estate.world);
    const spec = over(stage.spec(sections(WAITING), name), ['SQL2']);
    const opened = await openSteps(spec, stage.env);
    const plan = await planLinkMigration(opened.context, 'planned-failover');
    await opened.close();
    await stage.startWorker();
    await stage.migrations.start(spec);
    await untilPhase(name, 'replicating');
    expect(await stage.migrations.abort(name, { by: 'test' })).toMatchObject({ accepted: true });
    expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'aborted', leftovers: [] });
    expect(worldSnapshot(stage.estate.world)).toEqual(before);
    const journal = await stage.migrations.journal(name);
    // The plan is the run, on each server (promise 4).
    const shownTrust = ({ phase, effects }: { phase: string; effects: readonly JournalEffect[] }) =>
      phase === 'trust' ? effects.map((effect) => [effect.server ?? effect.on, effect.display]) : [];
    expect(journal.filter(({ outcome }) => outcome === 'done').flatMap(shownTrust)).toEqual(
      plan.steps.flatMap(shownTrust),
    );
    const made = journal
      .filter(({ outcome }) => outcome === 'done')
      .map(({ stepId, server: on }) => [stepId, on]);
    expect(made.filter(([, on]) => on === 'sql2').map(([id]) => id)).toEqual(
      made.filter(([, on]) => on === 'sql1').map(([id]) => id),
    );
    const undone = journal
      .filter(({ outcome }) => outcome === 'undone')
      .map(({ stepId, server: on }) => [stepId, on]);
    expect(undone.slice(-2)).toEqual([
      ['server.endpoint-certificate', 'sql1'],
      ['server.master-key', 'sql1'],
    ]);
    // Each effect says where it ran.
    const places = journal.flatMap(({ effects }) => effects).filter(({ on }) => on === 'server');
    expect(new Set(places.map(({ server: on }) => on))).toEqual(new Set(['sql1', 'sql2', undefined]));
  }, 120_000);

  test('(b) a DR link crosses and comes back while the group moves beneath it', async () => {
    stage = await startStage({ estate: estate(TWO, { rates: { firstFullBackupDelayMs: 30_000 } }) });
    const { world } = stage.estate;
    await sameLogin();
    const spec = over(stage.spec(sections(APPROVED, `${STAYS}\nfailover: { coolDown: 1s }`), name), ['SQL2']);
    await stage.startWorker();
    await stage.migrations.start(spec);
    await untilPhase(name, 'replicating');
    const failOver = async (to: 'server' | 'instance', count: number) => {
      await until(
        `the failover to the ${to} is accepted`,
        async () =>
          (
            await stage.migrations.failover(name, {
              by: 'test',
              to,
              type: 'planned',
              acknowledgedBy: 'test',
            })
          ).accepted,
      );
      await until(
        `the ${to} leads`,
        async () => {
          const { protection } = await statusOf(name);
          return protection?.failovers.filter(({ outcome }) => outcome === 'done').length === count;
        },
        60_000,
      );
    };
    await failOver('instance', 1);
    expect(world.links.all()[0]?.instanceLinkRole).toBe('Primary');
    // While the instance leads, the replica that takes its log changes.
    await query(stage.estate, 'SQL2', 'ALTER AVAILABILITY GROUP [AG_Prod] FAILOVER');
    await until('the link is up again', () => world.links.all()[0]?.connection.state === 'CONNECTED');
    await failOver('server', 2);
    expect(world.links.all()[0]).toMatchObject({ instanceLinkRole: 'Secondary', sqlServer: 'SQL2' });
    for (const name of ['SQL1', 'SQL2'])
      expect(world.instances.get(name).logins.get(APPLICATION.name)?.disabled).toBe(false);
  }, 180_000);

  test('(b) the certificate of one replica is rotated, and the link holds when that replica leads', async () => {
    stage = await startStage({ estate: estate(TWO) });
    const { world } = stage.estate;
    await stage.startWorker();
    const spec = over(stage.spec(sections(WAITING), name), ['SQL2']);
    await stage.migrations.start(spec);
    await untilPhase(name, 'replicating');
    const certificates = new Certificates(stage.client, { taskQueue: stage.taskQueue });
    await certificates.rotate({
      spec: onServer(spec, 'sql2'),
      others: [],
      by: 'test',
      rotateEndpoint: true,
      reimportInstance: false,
    });
    const result = await certificates.result('sql2');
    expect(result).toMatchObject({ outcome: 'done', oldCertificate: { name: 'Cert_SQL2_endpoint' } });
    const { name: rotated = '' } = result.newCertificate ?? {};
    expect(world.instances.get('SQL2').endpoint).toMatchObject({
      certificateName: rotated,
      authentication: 'NEGOTIATE, CERTIFICATE',
    });
    expect(world.instances.get('SQL1').endpoint?.certificateName).toBe('Cert_SQL1_endpoint');
    await query(stage.estate, 'SQL2', 'ALTER AVAILABILITY GROUP [AG_Prod] FAILOVER');
    await until(
      'the link is up',
      () =>
        world.links.all()[0]?.sqlServer === 'SQL2' && world.links.all()[0]?.connection.state === 'CONNECTED',
    );

    // Also what a rotation made since goes with an abort.
    expect(await stage.migrations.abort(name, { by: 'test' })).toMatchObject({ accepted: true });
    expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'aborted', leftovers: [] });
    for (const name of ['SQL1', 'SQL2'])
      expect([...world.instances.get(name).certificates.keys()]).toEqual([]);
  }, 120_000);

  test('(c) of one database linked to two instances: one link goes, the other stays healthy', async () => {
    stage = await startStage({ estate: estate(ONE) });
    const { world } = stage.estate;
    await stage.startWorker();
    const west = over(stage.spec(sections(APPROVED, STAYS), 'west'));
    await stage.migrations.start(west);
    await untilPhase('west', 'replicating');
    const trusted = () => {
      const { certificates, endpoint } = world.instances.get('SQL1');
      return [...certificates.keys(), endpoint?.certificateName];
    };
    const between = trusted();
    await stage.migrations.start(
      toInstance(over(stage.spec(sections(APPROVED, STAYS), 'east')), stage.estate, 'mi-east'),
    );
    await untilPhase('east', 'replicating');
    expect(world.links.all().map(({ name, state }) => [name, state])).toEqual([
      ['DAG_Sales', 'LinkSynchronizing'],
      ['DAG_Sales_mi-east', 'LinkSynchronizing'],
    ]);

    // Two links over one group: a planned failover of one of them waits for a person, who is told why.
    expect(
      await stage.migrations.failover('east', { by: 'test', to: 'instance', type: 'planned' }),
    ).toMatchObject({
      accepted: true,
    });
    await until('the failover is refused', async () => {
      const { events, blockedBy } = await statusOf('east');
      return JSON.stringify([events, blockedBy]).includes('also leads DAG_Sales');
    });
    expect(world.groups.get('SQL1', 'DAG_Sales_mi-east')?.role).toBe('PRIMARY');
    await stage.migrations.pause('east', { by: 'test' });
    await until(
      'the failover is withdrawn',
      async () =>
        (await statusOf('east')).protection?.failovers.some(({ outcome }) => outcome === 'withdrawn') ??
        false,
    );
    await stage.migrations.resume('east', { by: 'test' });

    await until(
      'the removal is accepted',
      async () => (await stage.migrations.remove('east', { by: 'test' })).accepted,
    );
    expect(await stage.migrations.result('east')).toMatchObject({ outcome: 'removed' });
    expect(world.links.all().map(({ name }) => name)).toEqual(['DAG_Sales']);
    expect([...world.instances.get('SQL1').groups.keys()].sort()).toEqual(['ag_prod', 'dag_sales']);
    // What the first link needs is there, and what the second one added for its instance, too (a removal keeps trust).
    expect(trusted()).toEqual(expect.arrayContaining(between));
    await until('the first link is healthy', async () => (await statusOf('west')).health?.healthy === true);
    expect(world.links.all()[0]).toMatchObject({
      state: 'LinkSynchronizing',
      connection: { state: 'CONNECTED' },
    });

    // Nor does an abort of a third link take what the first one needs; what only the third one had goes.
    const third = { ...toInstance(over(stage.spec(sections(WAITING), 'third')), stage.estate, 'mi-north') };
    const found = trusted();
    await stage.migrations.start(third);
    await untilPhase('third', 'replicating');
    expect(await stage.migrations.abort('third', { by: 'test' })).toMatchObject({ accepted: true });
    expect(await stage.migrations.result('third')).toMatchObject({ outcome: 'aborted', leftovers: [] });
    expect(trusted()).toEqual(found);
    expect([...world.instances.get('SQL1').groups.keys()].sort()).toEqual(['ag_prod', 'dag_sales']);
    expect(world.links.all()[0]).toMatchObject({ connection: { state: 'CONNECTED' } });
  }, 240_000);

  test.each([
    ['WINDOWS NTLM', 'PARTNER', 'REQUIRED ALGORITHM AES', 'NEGOTIATE, CERTIFICATE'],
    ['WINDOWS KERBEROS', 'ALL', 'SUPPORTED ALGORITHM AES RC4', 'NEGOTIATE, CERTIFICATE'],
    ['WINDOWS NEGOTIATE', 'ALL', 'REQUIRED ALGORITHM RC4', 'NEGOTIATE, CERTIFICATE'],
    ['CERTIFICATE [Old] WINDOWS KERBEROS', 'PARTNER', 'REQUIRED ALGORITHM AES', 'NEGOTIATE, CERTIFICATE'],
  ])(
    '(d) an endpoint with %s, role %s, encryption %s is altered, and given back',
    async (authentication, role, encryption, altered) => {
      stage = await startStage({
        estate: estate(
          ONE.map((one) => ({
            ...one,
            masterKey: true,
            certificates: [{ name: 'Old', subject: 'of the house' }],
          })),
        ),
      });
      const { world } = stage.estate;
      await query(
        stage.estate,
        'SQL1',
        `ALTER ENDPOINT [Hadr_endpoint] STATE = STARTED AS TCP (LISTENER_PORT = 5022)
       FOR DATABASE_MIRRORING (ROLE = ${role}, AUTHENTICATION = ${authentication}, ENCRYPTION = ${encryption})`,
      );
      const before = worldSnapshot(world);
      const endpoint = { ...world.instances.get('SQL1').endpoint };
      await stage.startWorker();
      await stage.migrations.start(over(stage.spec(sections(WAITING), name)));
      await untilPhase(name, 'replicating');
      expect(world.instances.get('SQL1').endpoint).toMatchObject({
        authentication: altered,
        port: 5022,
        role,
        certificateName: 'Cert_SQL1_endpoint',
        ...(encryption.includes('AES')
          ? { encryption: endpoint.encryption, algorithm: endpoint.algorithm }
          : { algorithm: 'AES' }),
      });
      expect(await stage.migrations.abort(name, { by: 'test' })).toMatchObject({ accepted: true });
      expect(await stage.migrations.result(name)).toMatchObject({ outcome: 'aborted', leftovers: [] });
      expect(worldSnapshot(world)).toEqual(before);
      expect(world.instances.get('SQL1').endpoint).toEqual(endpoint);
    },
    120_000,
  );
});
