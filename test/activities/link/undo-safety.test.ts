/** An abort undoes what the run made, and never what others have come to need meanwhile. */
import type { LinkContext } from '../../../src/activities/link/context';
import { LINK_STEPS } from '../../../src/activities/link/steps/registry';
import { type Effect, effectDisplay, type Query } from '../../../src/model/statement';
import { linkSpec } from '../../support/link-spec';

interface World {
  link?: { instanceLinkRole: string };
  databases?: string[];
  /** Name and role of the distributed groups on the SQL Server. */
  links?: { name: string; role: string }[];
  endpoint?: boolean;
}

const SERVER = {
  server_time: '2026-11-01T00:00:00.000',
  server_name: 'SQL1',
  product_version: '16.0.4165.4',
  product_level: 'RTM',
  product_update_level: 'CU16',
  edition: 'Enterprise Edition',
  engine_edition: 3,
  host_platform: 'Linux',
  is_hadr_enabled: 1,
  collation: 'SQL_Latin1_General_CP1_CI_AS',
  is_sysadmin: 1,
  has_master_key: 1,
  can_validate_certificate_chain: 1,
  can_trust_certificate_issuers: 1,
};

const ENDPOINT = {
  name: 'database_mirroring_endpoint',
  state_desc: 'STARTED',
  role_desc: 'ALL',
  connection_auth_desc: 'CERTIFICATE',
  is_encryption_enabled: true,
  encryption_algorithm_desc: 'AES',
  certificate_name: 'Cert_SQL1_endpoint',
  port: 5022,
  ip_address: null,
};

function rowsOf(world: World, id: string): readonly Record<string, unknown>[] {
  switch (id) {
    case 'read-server':
      return [SERVER];
    case 'read-trace-flags':
    case 'read-certificates':
      return [];
    case 'read-endpoints':
      return world.endpoint === true ? [ENDPOINT] : [];
    case 'read-availability-groups':
      return (world.links ?? []).map(({ name, role }) => ({
        group_name: name,
        is_distributed: true,
        cluster_type_desc: 'NONE',
        local_role_desc: role,
        replica_server_name: 'AG_Sales',
        endpoint_url: null,
        availability_mode_desc: null,
        database_name: null,
      }));
    default:
      throw new Error(`no rows for ${id}`);
  }
}

function contextOf(world: World): LinkContext {
  const server = {
    name: 'sql1',
    query: async <Row>({ id, decode }: Query<Row>) => rowsOf(world, id).map(decode),
  };
  const azure = {
    readLink: async () =>
      world.link === undefined ? undefined : { name: 'DAG_Sales', database: null, ...world.link },
    readInstance: async () => ({ databaseNames: world.databases ?? [], databaseFormat: 'SQLServer2022' }),
  };
  return {
    ports: { server, instance: server, azure },
    spec: linkSpec(),
    clock: { now: () => 0 },
    signal: new AbortController().signal,
    secret: async () => 'secret',
  } as unknown as LinkContext;
}

const NOTHING = { link: null, databaseOnInstance: false, serverRole: null, canFailBack: true };
const shown = (effects: readonly Effect[]) => effects.map(effectDisplay);
const undo = (
  step: 'instance.link' | 'server.distributed-availability-group' | 'server.mirroring-endpoint',
  before: unknown,
  world: World,
  found?: unknown,
) => LINK_STEPS[step].undoTo(before, contextOf(world), found);

const ours = [{ name: 'DAG_Sales', role: 'PRIMARY' }];
const DELETES = ['DELETE distributedAvailabilityGroups/DAG_Sales', 'DELETE databases/Sales'];

describe('undoing the link', () => {
  test('deletes link and copy while the SQL Server is the primary', async () => {
    const world = { link: { instanceLinkRole: 'Secondary' }, databases: ['Sales'], links: ours };
    expect(shown((await undo('instance.link', NOTHING, world)).effects)).toEqual(DELETES);
  });

  test.each([
    ['the SQL Server says so', { link: { instanceLinkRole: 'Secondary' }, role: 'SECONDARY' }],
    ['Azure says so', { link: { instanceLinkRole: 'Primary' }, role: 'RESOLVING' }],
  ])('touches nothing once somebody failed over: %s', async (_who, { link, role }) => {
    const world = { link, databases: ['Sales'], links: [{ name: 'DAG_Sales', role }] };
    await expect(undo('instance.link', NOTHING, world)).rejects.toMatchObject({ code: 'InstanceIsPrimary' });
  });

  test('leaves a copy whose link somebody else deleted: it may be in use', async () => {
    const world = { databases: ['Sales'], links: ours };
    await expect(undo('instance.link', NOTHING, world)).rejects.toMatchObject({ code: 'CopyWithoutLink' });
  });

  test('deletes the copy when it was this undoing that deleted the link, an attempt ago', async () => {
    const first = { link: { instanceLinkRole: 'Secondary' }, databases: ['Sales'], links: ours };
    const { found } = await undo('instance.link', NOTHING, first);
    const again = await undo('instance.link', NOTHING, { databases: ['Sales'], links: ours }, found);
    expect(shown(again.effects)).toEqual(DELETES.slice(1));
    expect(again.found).toBe(found);
  });

  test('keeps the groups as well once somebody failed over', async () => {
    const world = { links: [{ name: 'DAG_Sales', role: 'SECONDARY' }] };
    const asked = undo('server.distributed-availability-group', { group: null }, world);
    await expect(asked).rejects.toMatchObject({ code: 'InstanceIsPrimary' });
  });
});

describe('undoing the trust', () => {
  const before = { certificateName: 'Cert_SQL1_endpoint', endpoint: null };

  test('drops an endpoint that nobody uses', async () => {
    const { effects } = await undo('server.mirroring-endpoint', before, { endpoint: true });
    expect(shown(effects)).toEqual(['DROP ENDPOINT [database_mirroring_endpoint];']);
  });

  test('leaves the endpoint to the link of another migration, and names it', async () => {
    const world = { endpoint: true, links: [{ name: 'DAG_Other', role: 'PRIMARY' }] };
    await expect(undo('server.mirroring-endpoint', before, world)).rejects.toMatchObject({
      code: 'TrustInUse',
      message: expect.stringContaining('DAG_Other'),
    });
  });
});
