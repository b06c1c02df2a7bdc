import type { EstateWorld } from '../../../estate/world/world';
import {
  createTable,
  distributedRequest,
  fqdn,
  groups,
  link,
  linkRequest,
  MI,
  makeGroup,
  newWorld,
  refusedWith,
  replicating,
  SQL,
  trust,
  trustRoots,
} from './story';

const MB = 1024 * 1024;

describe('CREATE AVAILABILITY GROUP refuses', () => {
  it.each([
    [{ recoveryModel: 'SIMPLE' }, [1465, 41152]],
    [{ fullBackup: false }, [1475, 41152]],
    [{ readOnly: true }, [1466, 41152]],
    [{ state: 'SUSPECT' }, [1467, 41152]],
    [{ state: 'RESTORING' }, [927, 41152]],
    [{ autoClose: true }, [1469, 41152]],
    [{ userAccess: 'SINGLE_USER' }, [1488, 41152]],
  ])('a database with %j', async (database, numbers) => {
    const world = newWorld({ database });
    expect(await refusedWith(() => makeGroup(world))).toEqual(numbers);
    expect(world.instances.get(SQL).groups.size).toBe(0);
    expect(world.databases.get(SQL, 'Sales').groupName).toBeUndefined();
  });

  it.each([
    [{ hadrEnabled: false }, [35221]],
    [{ edition: 'Express' }, [41199]],
    [{ version: '2016', clustered: false }, [35220]],
  ])('a server with %j', async (server, numbers) => {
    const world = newWorld({ server });
    expect(await refusedWith(() => makeGroup(world))).toEqual(numbers);
  });

  const replica = {
    name: SQL,
    endpointUrl: 'TCP://10.0.1.8:5022',
    availabilityMode: 'SYNCHRONOUS_COMMIT',
    failoverMode: 'MANUAL',
  } as const;

  it.each([
    ['a missing database', { databases: ['Nothing'], replicas: [replica] }, [35238, 41152]],
    ['a system database', { databases: ['msdb'], replicas: [replica] }, [35249, 41152]],
    ['another server', { databases: ['Sales'], replicas: [{ ...replica, name: 'SQL9' }] }, [35237]],
    ['a bad URL', { databases: ['Sales'], replicas: [{ ...replica, endpointUrl: 'http://x' }] }, [35232]],
    [
      'automatic failover',
      { databases: ['Sales'], replicas: [{ ...replica, failoverMode: 'AUTOMATIC' as const }] },
      [47102],
    ],
  ])('%s', async (_what, request, numbers) => {
    const world = newWorld();
    const create = () => world.groups.create(SQL, { name: 'AG', clusterType: 'NONE', ...request });
    expect(await refusedWith(create)).toEqual(numbers);
  });

  it('a second group of the same name or for the same database, and any on a managed instance', async () => {
    const world = newWorld();
    makeGroup(world);
    expect(await refusedWith(() => makeGroup(world))).toEqual([41042]);
    const other = { name: 'AG2', clusterType: 'NONE', databases: ['Sales'], replicas: [replica] } as const;
    expect(await refusedWith(() => world.groups.create(SQL, other))).toEqual([35244, 41152]);
    expect(await refusedWith(() => world.groups.create(MI, other))).toEqual([40510]);
  });
});

describe('distributed groups refuse', () => {
  const change = (world: EstateWorld, member: Record<string, unknown>) => {
    const { name, members } = distributedRequest(world);
    return () =>
      world.groups.createDistributed(SQL, { name, members: [members[0], { ...members[1], ...member }] });
  };

  it('what a managed instance cannot be', async () => {
    const world = newWorld();
    expect(await refusedWith(change(world, {}))).toEqual([41044]);
    makeGroup(world);
    expect(await refusedWith(change(world, { seedingMode: 'MANUAL' }))).toEqual([47500]);
    expect(await refusedWith(change(world, { availabilityMode: 'SYNCHRONOUS_COMMIT' }))).toEqual([47501]);
    expect(await refusedWith(change(world, { failoverMode: 'AUTOMATIC' }))).toEqual([35277]);
    expect(await refusedWith(change(world, { endpointUrl: 'nowhere' }))).toEqual([35232]);
    change(world, {})();
    expect(await refusedWith(change(world, {}))).toEqual([41042]);
  });

  it('a local group without, or with more than, one database; and changes of it later', async () => {
    const world = newWorld({ server: { databases: [{ name: 'Sales' }, { name: 'Other' }] } });
    makeGroup(world);
    world.groups.removeDatabase(SQL, 'AG_Sales', 'Sales');
    expect(await refusedWith(change(world, {}))).toEqual([47519]);
    world.groups.addDatabase(SQL, 'AG_Sales', 'Sales');
    world.groups.addDatabase(SQL, 'AG_Sales', 'Other');
    expect(await refusedWith(change(world, {}))).toEqual([47502]);
    expect(await refusedWith(() => world.groups.addDatabase(SQL, 'AG_Sales', 'Other'))).toEqual([35280]);
    world.groups.removeDatabase(SQL, 'AG_Sales', 'Other');
    expect(await refusedWith(() => world.groups.removeDatabase(SQL, 'AG_Sales', 'Other'))).toEqual([41132]);
    change(world, {})();
    expect(await refusedWith(() => world.groups.addDatabase(SQL, 'AG_Sales', 'Other'))).toEqual([47503]);
    expect(await refusedWith(() => world.groups.removeDatabase(SQL, 'AG_Sales', 'Sales'))).toEqual([47520]);
    const modify = (member: Record<string, unknown>) => () =>
      world.groups.modifyMembers(SQL, 'DAG_Sales', [{ name: 'AG_Sales_MI', ...member }]);
    expect(await refusedWith(modify({ endpointUrl: 'tcp://x:5022' }))).toEqual([47523]);
    expect(await refusedWith(modify({ failoverMode: 'AUTOMATIC' }))).toEqual([35277]);
    expect(await refusedWith(() => world.groups.failover(SQL, 'DAG_Sales'))).toEqual([47511]);
    expect(await refusedWith(() => world.groups.drop(SQL, 'nothing'))).toEqual([15151]);
  });

  it.each([
    ['2016', 'SP3'],
    ['2017', 'CU31'],
    ['2019', 'CU17'],
  ] as const)('builds before the link came: %s %s', async (version, update) => {
    const world = newWorld({ version, update });
    makeGroup(world);
    expect(await refusedWith(change(world, {}))).toEqual([35104]);
  });
});

describe('databases in a group refuse', () => {
  it('to be dropped, frozen or taken offline, and refuse writes on the secondary', async () => {
    const world = newWorld();
    await world.databases.commit(SQL, 'Sales', [createTable]);
    await replicating(world);
    expect(await refusedWith(() => world.databases.drop(SQL, 'Sales'))).toEqual([3752]);
    expect(await refusedWith(() => world.databases.setOptions(SQL, 'Sales', { readOnly: true }))).toEqual([
      1468,
    ]);
    expect(await refusedWith(() => world.databases.setOnline(SQL, 'Sales', false))).toEqual([1468]);
    expect(await refusedWith(() => world.databases.storeForWrite(MI, 'Sales'))).toEqual([3906]);
    expect(await refusedWith(() => world.databases.get(SQL, 'Nothing'))).toEqual([911]);
  });
});

describe('backups refuse', () => {
  const request = { device: 'x', userName: 'sa' };

  it('a log backup under SIMPLE or before the first full backup', async () => {
    const simple = newWorld({ database: { recoveryModel: 'SIMPLE' } });
    expect(await refusedWith(() => simple.backups.log(SQL, 'Sales', request))).toEqual([4208, 3013]);
    const world = newWorld({ database: { fullBackup: false } });
    expect(await refusedWith(() => world.backups.log(SQL, 'Sales', request))).toEqual([4214, 3013]);
    expect(await refusedWith(() => world.backups.full(SQL, 'Nothing', request))).toEqual([911, 3013]);
    expect(await refusedWith(() => world.backups.full(MI, 'Sales', request))).toEqual([911, 3013]);
  });

  it('to begin the chain with a copy-only backup', async () => {
    const world = newWorld({ database: { fullBackup: false } });
    const take = async (copyOnly: boolean) => {
      const backup = world.backups.full(SQL, 'Sales', { ...request, copyOnly });
      await world.clock.advance(60_000);
      await backup;
    };
    await take(true);
    expect(await refusedWith(() => makeGroup(world))).toEqual([1475, 41152]);
    await take(false);
    makeGroup(world);
    expect(world.instances.get(SQL).backups.map((one) => one.copyOnly)).toEqual([true, false]);
  });
});

describe('trust and endpoints refuse', () => {
  it('in the order in which things depend on each other', async () => {
    const world = newWorld();
    const endpoint = {
      name: 'ep',
      state: 'STARTED',
      port: 5022,
      listenerIp: 'ALL',
      role: 'ALL',
      authentication: 'CERTIFICATE',
      certificateName: 'c',
      encryption: 'REQUIRED',
      algorithm: 'AES',
    } as const;
    const certificate = () => world.certificates.create(SQL, { name: 'c', subject: 's' });
    expect(await refusedWith(certificate)).toEqual([15581]);
    world.certificates.createMasterKey(SQL);
    expect(await refusedWith(() => world.certificates.createMasterKey(SQL))).toEqual([15578]);
    expect(await refusedWith(() => world.endpoints.create(SQL, endpoint))).toEqual([15151]);
    certificate();
    expect(await refusedWith(certificate)).toEqual([15232]);
    world.endpoints.create(SQL, endpoint);
    expect(await refusedWith(() => world.endpoints.create(SQL, endpoint))).toEqual([7862]);
    expect(await refusedWith(() => world.certificates.drop(SQL, 'c'))).toEqual([15352]);
    const garbage = () => world.certificates.createFromBinary(SQL, 'x', Uint8Array.of(1, 2, 3));
    expect(await refusedWith(garbage)).toEqual([15468]);
  });

  it('a chain without its root, and procedures that the build lacks', async () => {
    const world = newWorld();
    const { der } = world.certificates.endpointCertificate(MI);
    const { certificateId } = world.certificates.createFromBinary(SQL, fqdn(world), der);
    expect(await refusedWith(() => world.certificates.validateChain(SQL, certificateId))).toEqual([28038]);
    trustRoots(world);
    expect(await refusedWith(() => world.certificates.validateChain(SQL, certificateId))).toEqual([]);
    for (const version of ['2016', '2017', '2019'] as const) {
      const old = newWorld({ version });
      expect(await refusedWith(() => old.certificates.validateChain(SQL, 1))).toEqual([2812]);
    }
  });

  it('logins', async () => {
    const world = newWorld();
    const login = world.logins.create(SQL, { name: 'app', password: 'Right!1' });
    expect(world.logins.authenticate(SQL, 'APP', 'Right!1').sid).toEqual(login.sid);
    expect(await refusedWith(() => world.logins.authenticate(SQL, 'app', 'wrong'))).toEqual([18456]);
    expect(await refusedWith(() => world.logins.authenticate(SQL, 'none', 'x'))).toEqual([18456]);
    expect(await refusedWith(() => world.logins.create(SQL, { name: 'app', password: 'x' }))).toEqual([
      15025,
    ]);
    expect(
      await refusedWith(() => world.logins.create(SQL, { name: 'b', password: 'x', sid: login.sid })),
    ).toEqual([15433]);
    world.logins.create(MI, {
      name: 'app',
      passwordHash: login.passwordHash ?? new Uint8Array(),
      sid: login.sid,
    });
    expect(world.logins.checkPassword(MI, 'app', 'Right!1')).toBe(true);
    world.logins.alter(SQL, 'app', { disabled: true });
    expect(await refusedWith(() => world.logins.authenticate(SQL, 'app', 'Right!1'))).toEqual([18470]);
  });
});

describe('the link does not come up', () => {
  const failures: readonly [string, (world: EstateWorld) => void, string, string][] = [
    [
      'the network is down',
      (world) => world.network.disconnect(SQL, MI),
      '41962',
      'ManagedInstanceLinkConnectivityIsNotEstablished',
    ],
    [
      'the endpoint is stopped',
      (world) => world.endpoints.alter(SQL, 'database_mirroring_endpoint', { state: 'STOPPED' }),
      '41962',
      'ManagedInstanceLinkConnectivityIsNotEstablished',
    ],
    [
      'encryption is off',
      (world) => world.endpoints.alter(SQL, 'database_mirroring_endpoint', { encryption: 'DISABLED' }),
      '41962',
      'ManagedInstanceLinkConnectivityIsNotEstablished',
    ],
    [
      'our certificate is not on the instance',
      (world) => world.certificates.deleteTrust(MI, 'Cert_SQL1_endpoint'),
      '41973',
      'ManagedInstanceLinkCertificateNotFoundOnManagedInstance',
    ],
    [
      'its certificate is not here',
      (world) => world.certificates.drop(SQL, fqdn(world)),
      '41974',
      'ManagedInstanceLinkCertificateNotFoundOnSqlServer',
    ],
    [
      'our certificate has expired',
      (world) => world.certificates.expireNow(SQL, 'Cert_SQL1_endpoint'),
      '41962',
      'ManagedInstanceLinkConnectivityIsNotEstablished',
    ],
    [
      'there is no distributed group',
      (world) => world.groups.drop(SQL, 'DAG_Sales'),
      '41976',
      'CloudLifterChimeraAvailabilityGroupConnectionCannotBeEstablished',
    ],
  ];

  it.each(failures)('when %s', async (_why, spoil, number, code) => {
    const world = newWorld();
    await trust(world);
    await groups(world);
    spoil(world);
    const { operation } = world.links.put(MI, linkRequest());
    await world.clock.advance(290_000);
    expect(operation.status).toBe('InProgress');
    await world.clock.advance(11_000);
    expect(operation).toMatchObject({ status: 'Failed', error: { code } });
    expect(link(world)).toMatchObject({ state: 'LinkInitError', mostRecentError: number });
    expect(world.instances.get(MI).databases.size).toBe(0);
  });

  it('but does once the cause is gone within five minutes', async () => {
    const world = newWorld();
    await trust(world);
    await groups(world);
    world.endpoints.alter(SQL, 'database_mirroring_endpoint', { state: 'STOPPED' });
    const { operation } = world.links.put(MI, linkRequest());
    await world.clock.advance(60_000);
    const row = world.groups.replicaStates(SQL).find((one) => one.distributed && !one.isLocal);
    expect(row).toMatchObject({ connectedState: 'DISCONNECTED', lastConnectErrorNumber: 35204 });
    world.endpoints.alter(SQL, 'database_mirroring_endpoint', { state: 'STARTED' });
    await world.clock.advance(20_000);
    expect(operation.status).toBe('Succeeded');
  });

  it.each([
    [
      { extraFiles: [{ type: 'LOG', name: 'log2' }] },
      '41948',
      'ManagedInstanceLinkSourceDbHasMultipleLogFiles',
    ],
    [
      { extraFiles: [{ type: 'FILESTREAM', name: 'fs' }] },
      '41950',
      'ManagedInstanceLinkSourceDbHasFilestream',
    ],
    [
      { extraFiles: [{ type: 'ROWS', name: 'd', state: 'DEFUNCT' }] },
      '41951',
      'ManagedInstanceLinkSourceDbHasDefunctFiles',
    ],
    [
      { extraFiles: Array.from({ length: 280 }, (_, n) => ({ type: 'ROWS', name: `d${n}`, sizeBytes: MB })) },
      '41949',
      'ManagedInstanceLinkUnsupportedNumberOfFilesOnSourceDb',
    ],
    [{ memoryOptimized: true }, '41947', 'ManagedInstanceLinkSourceDbHasHekatonFile'],
    [{ tdeCertificate: 'TdeCert' }, '41923', 'ManagedInstanceLinkTdeCertificateMissing'],
    [{ versionStoreFilegroup: 'PVS' }, '41939', 'ManagedInstanceLinkUnsupportedFeature'],
    [{ unsupportedFeature: 'FileTable' }, '41952', 'ManagedInstanceLinkUnsupportedFeature'],
  ])('for a database with %j', async (database, number, code) => {
    const world = newWorld({ database });
    await trust(world);
    await groups(world);
    const { operation } = world.links.put(MI, linkRequest());
    await world.clock.advance(20_000);
    expect(operation).toMatchObject({ status: 'Failed', error: { code } });
    expect(link(world).mostRecentError).toBe(number);
  });

  it('and a live connection outlives the expiry of its certificate, a new one does not', async () => {
    const world = newWorld();
    await replicating(world);
    world.certificates.expireNow(SQL, 'Cert_SQL1_endpoint');
    await world.clock.advance(600_000);
    expect(link(world).connection.state).toBe('CONNECTED');
    world.network.disconnect(SQL, MI, 1_000);
    await world.clock.advance(600_000);
    expect(link(world).connection).toMatchObject({ state: 'DISCONNECTED', lastError: { number: 28035 } });
  });
});

describe('the Resource Manager refuses at once', () => {
  const refusal = async (world: EstateWorld, change: Record<string, unknown>) => {
    try {
      world.links.put(MI, { ...linkRequest(), ...change });
    } catch (error) {
      return (error as { code: string }).code;
    }
    return undefined;
  };

  it.each([
    [{ databaseName: '' }, 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestDatabases'],
    [
      { instanceAvailabilityGroupName: '' },
      'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestInstanceAvailabilityGroupName',
    ],
    [
      { partnerAvailabilityGroupName: '' },
      'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestPartnerAvailabilityGroupName',
    ],
    [{ partnerEndpoint: 'not_valid_value' }, 'InvalidParameterValue'],
    [{ seedingMode: 'Manual' }, 'InvalidDistributedAvailabilityGroupsCreateOrUpdateRequestSeedingMode'],
    [
      { instanceAvailabilityGroupName: 'AG_Sales' },
      'InstanceAvailabilityGroupNamePartnerAvailabilityGroupNameMatch',
    ],
    [{ databaseName: 'master' }, 'CannotUseReservedDatabaseName'],
  ])('%j', async (change, code) => {
    expect(await refusal(newWorld(), change)).toBe(code);
  });

  it('names in use, formats that differ, no room', async () => {
    const taken = newWorld({ managed: { databases: [{ name: 'Sales' }] } });
    expect(await refusal(taken, {})).toBe('ManagedDatabaseNameInUse');
    const format = newWorld({ managed: { databaseFormat: 'AlwaysUpToDate' } });
    expect(await refusal(format, {})).toBe(
      'CloudLifterChimeraBoxAndMiOnDifferentDbVersionsFailoverModeManual',
    );
    const small = newWorld({ managed: { storageSizeInGB: 1 } });
    expect(await refusal(small, {})).toBe('NoMoreSpaceInManagedInstance');
    const world = newWorld({ server: { databases: [{ name: 'Sales' }, { name: 'Other' }] } });
    world.links.put(MI, linkRequest());
    expect(
      await refusal(world, { name: 'L2', databaseName: 'Other', partnerAvailabilityGroupName: 'AG_X' }),
    ).toBe('CloudLifterChimeraMIAgNameIsAlreadyUsed');
    expect(await refusal(world, { databaseName: 'Other' })).toBe(
      'ManagedInstanceLinkForProvidedAvailabilityGroupsAlreadyExists',
    );
  });
});
