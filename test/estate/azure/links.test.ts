/** The link through raw requests under a manual clock: statuses, operations, models, refusals. */
import { FAILOVER_VERSIONS, SET_ROLE_VERSIONS } from '../../../estate/azure/versions';
import {
  type Estate,
  INSTANCE,
  linkBody,
  linkedEstate,
  MI,
  prepareSqlServer,
  SQL,
  settle,
  sqlServerBlob,
  startEstate,
  VERSION,
} from './estate';
import type { RawResponse } from './raw';

const LINKS = `${INSTANCE}/distributedAvailabilityGroups`;
const LINK = `${LINKS}/DAG_Sales`;
const HOUR = 3_600_000;

const error = (answer: RawResponse): { code: string; message: string } =>
  (answer.body as { error: { code: string; message: string } }).error;
const properties = (answer: RawResponse): Record<string, unknown> =>
  (answer.body as { properties: Record<string, unknown> }).properties;

let estate: Estate;
afterEach(() => estate.stop());

describe('a link that is created', () => {
  beforeEach(async () => {
    estate = await startEstate();
    prepareSqlServer(estate.world);
    const blob = { properties: { publicBlob: `0x${sqlServerBlob(estate.world)}` } };
    await settle(estate, await estate.call('PUT', `${INSTANCE}/serverTrustCertificates/Cert_SQL1`, blob));
  });

  test('is accepted with 202, both operation URLs on the own host, and no Retry-After', async () => {
    const accepted = await estate.call('PUT', LINK, linkBody());
    expect(accepted.status).toBe(202);
    expect(accepted.body).toEqual({
      operation: 'DistributedAvailabilityGroupsLinkCreate',
      startTime: new Date(estate.world.clock.now()).toISOString(),
    });
    const asynchronous = new URL(String(accepted.headers['azure-asyncoperation']));
    const location = new URL(String(accepted.headers.location));
    expect(asynchronous.origin).toBe(estate.azure.endpoint);
    const base = `${SQL}/locations/westeurope/distributedAvailabilityGroups`;
    expect(asynchronous.pathname).toMatch(`${base}AzureAsyncOperation/`);
    expect(location.pathname).toMatch(`${base}OperationResults/`);
    expect([...asynchronous.searchParams.keys()]).toEqual(['api-version', 't', 'c', 's', 'h']);
    expect(asynchronous.href.length).toBeGreaterThan(3_000);
    expect(accepted.headers['retry-after']).toBeUndefined();
    expect(accepted.headers['x-ms-ratelimit-remaining-subscription-writes']).toMatch(/^\d+$/);
  });

  test('answers 200 InProgress and 202 while it runs, then Succeeded and the resource', async () => {
    const accepted = await estate.call('PUT', LINK, linkBody());
    const asynchronous = String(accepted.headers['azure-asyncoperation']);
    const location = String(accepted.headers.location);
    const running = await estate.call('GET', asynchronous);
    expect([running.status, (running.body as { status: string }).status]).toEqual([200, 'InProgress']);
    expect((await estate.call('GET', location)).status).toBe(202);
    const done = await settle(estate, accepted);
    expect(done.body).toMatchObject({ status: 'Succeeded' });
    const resource = await estate.call('GET', location);
    expect(resource.status).toBe(200);
    expect(resource.body).toMatchObject({ name: 'DAG_Sales', id: LINK });
  });

  test('is done before seeding is: databases appear later and synchronise later still', async () => {
    await settle(estate, await estate.call('PUT', LINK, linkBody()), 500);
    const early = properties(await estate.call('GET', LINK));
    expect(early).toMatchObject({ instanceLinkRole: 'Secondary', partnerLinkRole: 'Primary' });
    expect(early).not.toHaveProperty('databases');
    await estate.world.clock.advance(20_000);
    const [seeding] = properties(await estate.call('GET', LINK)).databases as Record<string, unknown>[];
    expect(seeding).toMatchObject({
      databaseName: 'Sales',
      connectedState: 'CONNECTED',
      synchronizationHealth: 'NOT_HEALTHY',
    });
    expect(seeding?.replicaState).not.toBe('LinkSynchronizing');
    await estate.world.clock.advance(2 * HOUR);
    const [seeded] = properties(await estate.call('GET', LINK)).databases as Record<string, unknown>[];
    expect(seeded).toMatchObject({
      replicaState: 'LinkSynchronizing',
      synchronizationHealth: 'HEALTHY',
      connectedState: 'CONNECTED',
      partnerAuthCertValidity: { certificateName: 'Cert_SQL1' },
    });
    expect(String(seeded?.lastHardenedLsn)).toMatch(/^\d{10,}$/);
  });

  test('created again alike is a success without effect', async () => {
    await settle(estate, await estate.call('PUT', LINK, linkBody()));
    const effects = estate.world.journal.effective(/DAG_Sales/).length;
    const again = await estate.call('PUT', LINK, linkBody());
    expect(again.status).toBe(202);
    expect((await settle(estate, again)).body).toMatchObject({ status: 'Succeeded' });
    expect(estate.world.journal.effective(/DAG_Sales/)).toHaveLength(effects);
  });

  test('is refused while the key of the SQL Server is missing', async () => {
    await settle(estate, await estate.call('DELETE', `${INSTANCE}/serverTrustCertificates/Cert_SQL1`));
    const accepted = await estate.call('PUT', LINK, linkBody());
    const code = accepted.status === 202 ? error(await settle(estate, accepted)).code : error(accepted).code;
    expect(code).toBe('ManagedInstanceLinkCertificateNotFoundOnManagedInstance');
  });

  test('shows in the first model as that model', async () => {
    const version = '2021-11-01-preview';
    const accepted = await estate.call('PUT', `${LINK}?api-version=${version}`, {
      properties: {
        targetDatabase: 'Sales',
        sourceEndpoint: 'TCP://SQL1:5022',
        primaryAvailabilityGroupName: 'AG_Sales',
        secondaryAvailabilityGroupName: 'AG_MI',
      },
    });
    await settle(estate, accepted);
    const old = properties(await estate.call('GET', `${LINK}?api-version=${version}`));
    expect(old).toMatchObject({
      targetDatabase: 'Sales',
      sourceEndpoint: 'TCP://SQL1:5022',
      primaryAvailabilityGroupName: 'AG_Sales',
      secondaryAvailabilityGroupName: 'AG_MI',
    });
    expect(old).not.toHaveProperty('databases');
    const list = await estate.call('GET', `${LINKS}?api-version=2025-08-01-preview`);
    const [only] = (list.body as { value: { properties: object }[] }).value;
    expect(only?.properties).toMatchObject({ linkMode: 'SingleDatabase' });
  });
});

describe('bodies that are refused at once', () => {
  beforeEach(async () => {
    estate = await startEstate();
  });
  const INVALID = 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequest';

  test.each<[string, Record<string, unknown>, string]>([
    ['no databases', { databases: [] }, `${INVALID}Databases`],
    ['databases missing', { databases: undefined }, `${INVALID}Databases`],
    ['two databases', { databases: [{ databaseName: 'a' }, { databaseName: 'b' }] }, `${INVALID}Databases`],
    ['reserved name', { databases: [{ databaseName: 'msdb' }] }, 'CannotUseReservedDatabaseName'],
    ['trailing space', { databases: [{ databaseName: 'a ' }] }, 'CannotUseTrailingWhitespacesInDatabaseName'],
    [
      'empty instance group',
      { instanceAvailabilityGroupName: '' },
      `${INVALID}InstanceAvailabilityGroupName`,
    ],
    ['empty partner group', { partnerAvailabilityGroupName: '' }, `${INVALID}PartnerAvailabilityGroupName`],
    [
      'equal groups',
      { partnerAvailabilityGroupName: 'ag_mi' },
      'InstanceAvailabilityGroupNamePartnerAvailabilityGroupNameMatch',
    ],
    ['no endpoint', { partnerEndpoint: undefined }, `${INVALID}PartnerEndpoint`],
    ['bad endpoint', { partnerEndpoint: 'not_valid_value' }, 'InvalidParameterValue'],
    ['endpoint without port', { partnerEndpoint: 'TCP://SQL1' }, 'InvalidParameterValue'],
    ['manual seeding', { seedingMode: 'Manual' }, `${INVALID}SeedingMode`],
    ['unknown role', { instanceLinkRole: 'Witness' }, 'InvalidParameterValue'],
    ['unknown failover mode', { failoverMode: 'Automatic' }, 'InvalidParameterValue'],
  ])('%s', async (_name, change, code) => {
    const answer = await estate.call('PUT', LINK, linkBody(change));
    expect([answer.status, error(answer).code]).toEqual([400, code]);
    expect(estate.world.links.all()).toHaveLength(0);
  });

  test('the message about the endpoint names SourceEndpoint', async () => {
    const answer = await estate.call('PUT', LINK, linkBody({ partnerEndpoint: 'not_valid_value' }));
    expect(error(answer).message).toContain('parameter SourceEndpoint');
  });

  test('no properties, no JSON', async () => {
    expect(error(await estate.call('PUT', LINK, {})).code).toBe(INVALID);
    expect(error(await estate.call('PUT', LINK, '{')).code).toBe('InvalidRequestContent');
  });

  test('links of many databases', async () => {
    const body = linkBody({ linkMode: 'MultiDatabase' });
    const at = (name: string) => estate.call('PUT', `${LINKS}/${name}?api-version=2025-08-01-preview`, body);
    expect(error(await at('MultiLink1')).code).toBe('InvalidMultiDbDistributedAvailabilityGroupName');
    expect(error(await at('multi-link')).code).toBe('SubscriptionNotRegisteredForFeature');
    const older = await estate.call(
      'PUT',
      `${LINKS}/multi-link`,
      linkBody({ linkMode: 'MultiDatabase', databases: [] }),
    );
    expect(error(older).code).toBe(`${INVALID}Databases`);
  });

  test('nothing is accepted on a stopped instance', async () => {
    estate.world.instances.stop(MI);
    const answer = await estate.call('PUT', LINK, linkBody());
    expect([answer.status, error(answer).code]).toEqual([400, 'ManagedInstanceStoppingOrStopped']);
  });
});

describe('a link that is not there', () => {
  beforeEach(async () => {
    estate = await startEstate();
  });

  test.each([
    ['GET', ''],
    ['PATCH', ''],
    ['POST', '/failover'],
    ['POST', '/setRole'],
  ])('%s %s: 404', async (method, action) => {
    const answer = await estate.call(method, `${LINKS}/none${action}`, method === 'GET' ? undefined : {});
    expect([answer.status, error(answer).code]).toEqual([404, 'ResourceNotFound']);
    expect(answer.headers['x-ms-failure-cause']).toBeUndefined();
  });

  test('DELETE is accepted all the same, without effect', async () => {
    const accepted = await estate.call('DELETE', `${LINKS}/none`);
    expect(accepted.status).toBe(202);
    expect(accepted.body).toMatchObject({ operation: 'DistributedAvailabilityGroupsDropLink' });
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
    expect(estate.world.journal.effective()).toHaveLength(0);
    expect(estate.world.journal.all().map((each) => each.outcome)).toEqual(['no-op']);
  });

  test('the list is empty', async () => {
    expect((await estate.call('GET', LINKS)).body).toEqual({ value: [] });
  });
});

describe('operations of older versions', () => {
  test('failover and setRole exist from their versions on', async () => {
    estate = await startEstate();
    for (const [action, versions] of [
      ['failover', FAILOVER_VERSIONS],
      ['setRole', SET_ROLE_VERSIONS],
    ] as const) {
      const at = async (version: string) =>
        error(await estate.call('POST', `${LINKS}/none/${action}?api-version=${version}`, {})).code;
      expect(await at(versions[0] ?? '')).toBe('ResourceNotFound');
      expect(await at('2023-02-01-preview')).toBe('NoRegisteredProviderFound');
      expect(await at('2021-11-01-preview')).toBe('NoRegisteredProviderFound');
    }
  });
});

describe('a link that replicates', () => {
  beforeEach(async () => {
    estate = await linkedEstate();
    await estate.world.clock.advance(2 * HOUR);
  });

  test('planned failover is refused while the instance is secondary, in the recorded words', async () => {
    const answer = await estate.call('POST', `${LINK}/failover`, { failoverType: 'Planned' });
    expect(answer.status).toBe(400);
    expect(error(answer)).toEqual({
      code: 'InvalidDistributedAvailabilityGroupFailoverInstanceRole',
      message:
        'Planned failover can be executed on a link in the primary role only. Current state of the specified link is secondary.',
    });
  });

  test('forced failover makes the instance primary; its Location answers the link', async () => {
    const accepted = await estate.call('POST', `${LINK}/failover`, { failoverType: 'ForcedAllowDataLoss' });
    expect(accepted.body).toMatchObject({ operation: 'DistributedAvailabilityGroupsLinkFailover' });
    const second = await estate.call('POST', `${LINK}/failover`, { failoverType: 'ForcedAllowDataLoss' });
    expect([second.status, error(second).code]).toEqual([
      409,
      'DistributedAvailabilityGroupSetRoleChangeRoleAlreadyInProgress',
    ]);
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
    const resource = await estate.call('GET', String(accepted.headers.location));
    expect(resource.status).toBe(200);
    expect(properties(resource)).toMatchObject({ instanceLinkRole: 'Primary' });
    const [database] = properties(resource).databases as Record<string, unknown>[];
    expect(database).not.toHaveProperty('lastReceivedLsn');
  });

  test('planned failover goes back to SQL Server while the instance is primary', async () => {
    await settle(estate, await estate.call('PATCH', LINK, { properties: { replicationMode: 'Sync' } }));
    await estate.world.clock.advance(60_000);
    const over = estate.world.groups.failover('SQL1', 'DAG_Sales');
    await estate.world.clock.advance(120_000);
    await over;
    const primary = properties(await estate.call('GET', LINK));
    expect(primary).toMatchObject({ instanceLinkRole: 'Primary', partnerLinkRole: 'Secondary' });
    const [sending] = primary.databases as Record<string, unknown>[];
    expect(sending).toMatchObject({ lastCommitLsn: '0', connectedState: 'CONNECTED' });
    expect(sending).toHaveProperty('lastSentLsn');
    const back = await estate.call('POST', `${LINK}/failover`, { failoverType: 'Planned' });
    expect(back.status).toBe(202);
    const meanwhile = await estate.call('DELETE', LINK);
    expect(meanwhile.status).toBe(409);
    expect((await settle(estate, back)).body).toMatchObject({ status: 'Succeeded' });
    expect(properties(await estate.call('GET', LINK))).toMatchObject({ instanceLinkRole: 'Secondary' });
  });

  test('PATCH changes the replication mode', async () => {
    const accepted = await estate.call('PATCH', LINK, { properties: { replicationMode: 'Sync' } });
    expect(accepted.status).toBe(202);
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
    expect(properties(await estate.call('GET', LINK))).toMatchObject({ replicationMode: 'Sync' });
    const wrong = await estate.call('PATCH', LINK, { properties: { replicationMode: 'Both' } });
    expect(error(wrong).code).toBe('InvalidParameterValue');
  });

  test('DELETE leaves the database and takes the link away', async () => {
    const accepted = await estate.call('DELETE', LINK);
    expect((await settle(estate, accepted)).body).toMatchObject({ status: 'Succeeded' });
    expect((await estate.call('GET', String(accepted.headers.location))).status).toBe(204);
    expect((await estate.call('GET', LINK)).status).toBe(404);
    expect((await estate.call('GET', `${INSTANCE}/databases/Sales`)).body).toMatchObject({
      properties: { status: 'Online' },
    });
  });

  test('setRole refuses what it cannot do', async () => {
    const set = (instanceRole: string, roleChangeType: string) =>
      estate.call('POST', `${LINK}/setRole`, { instanceRole, roleChangeType });
    expect(error(await set('Secondary', 'Forced')).code).toBe(
      'DistributedAvailabilityGroupSetRoleInstanceAlreadyInRequestedRole',
    );
    const planned = await set('Primary', 'Planned');
    expect([planned.status, error(planned).code]).toEqual([
      409,
      'DistributedAvailabilityGroupSetRolePrimaryPlannedNotSupported',
    ]);
    expect(error(await set('Primary', 'Sometimes')).code).toBe('InvalidParameterValue');
  });

  test('its database cannot be dropped, and has no restore details', async () => {
    const dropped = await estate.call('DELETE', `${INSTANCE}/databases/Sales`);
    expect([dropped.status, error(dropped).code]).toEqual([400, 'OperationCanNotStartDueToMiLink']);
    const details = await estate.call('GET', `${INSTANCE}/databases/Sales/restoreDetails/Default`);
    expect(details.status).toBe(404);
  });
});

describe('operation URLs', () => {
  test('must come back as given; bare ones are read by id; unknown ids are 404', async () => {
    estate = await startEstate();
    const accepted = await estate.call('DELETE', `${LINKS}/none`);
    const url = new URL(String(accepted.headers['azure-asyncoperation']));
    expect((await estate.call('GET', url.href)).status).toBe(200);
    const bare = `${url.pathname}?api-version=${VERSION}`;
    expect((await estate.call('GET', bare)).status).toBe(200);
    const altered = new URL(url);
    altered.searchParams.set('s', `${altered.searchParams.get('s')?.slice(1)}A`);
    expect((await estate.call('GET', altered.href)).status).toBe(403);
    const unknown = await estate.call('GET', bare.replace(/[^/]+\?/, 'nope?'));
    expect([unknown.status, error(unknown).code]).toEqual([404, 'OperationIdNotFound']);
    expect((await estate.call('DELETE', bare)).status).toBe(405);
  });
});
