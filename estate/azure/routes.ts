/** Which requests the simulated resource manager knows: path, method, permission, api-versions, handler. */
import * as certificates from './certificates';
import { type ArmContext, managedInstance, nameAt, ok } from './context';
import * as databases from './databases';
import { childNotFound } from './errors';
import * as failoverGroups from './failover-groups';
import type { HttpResponse } from './http';
import { InstanceOperationHandlers } from './instance-operations';
import { InstanceRecords } from './instance-settings';
import { InstanceHandlers } from './instances';
import { LinkHandlers } from './links';
import * as subscriptions from './subscriptions';
import {
  FAILOVER_VERSIONS,
  LINK_VERSIONS,
  RESOURCES_VERSIONS,
  SET_ROLE_VERSIONS,
  SQL_VERSIONS,
} from './versions';

export interface Route {
  /** ARM action that the caller needs, for example `Microsoft.Sql/managedInstances/read`. */
  readonly action: string;
  readonly versions: readonly string[];
  readonly handle: (context: ArmContext) => HttpResponse;
}

export interface ResourceType {
  /** As ARM writes it: `Microsoft.Sql/managedInstances`. */
  readonly name: string;
  readonly methods: Readonly<Record<string, Route>>;
}

const MI = 'Microsoft.Sql/managedInstances';
const RESOURCES = 'Microsoft.Resources';

/** @returns resource types by their path key (see ResourcePath.key). */
export function makeRoutes(): ReadonlyMap<string, ResourceType> {
  return new Map<string, ResourceType>([
    ...directoryRoutes(),
    ...instanceRoutes(new InstanceRecords()),
    ...databaseRoutes(),
    ...linkRoutes(new LinkHandlers()),
    ...certificateRoutes(),
    ...failoverGroupRoutes(),
  ]);
}

type Entry = readonly [string, ResourceType];

function directoryRoutes(): Entry[] {
  const read = (action: string, handle: Route['handle']) => ({
    GET: { action: `${RESOURCES}/${action}`, versions: RESOURCES_VERSIONS, handle },
  });
  const group = 'subscriptions/resourceGroups';
  return [
    [
      'subscriptions',
      {
        name: `${RESOURCES}/subscriptions`,
        methods: read('subscriptions/read', subscriptions.listSubscriptions),
      },
    ],
    [
      'subscriptions/*',
      {
        name: `${RESOURCES}/subscriptions`,
        methods: read('subscriptions/read', subscriptions.getSubscription),
      },
    ],
    [
      'resourcegroups',
      { name: `${RESOURCES}/${group}`, methods: read(`${group}/read`, subscriptions.listGroups) },
    ],
    [
      'resourcegroups/*',
      { name: `${RESOURCES}/${group}`, methods: read(`${group}/read`, subscriptions.getGroup) },
    ],
    [
      'providers',
      {
        name: `${RESOURCES}/providers`,
        methods: read('subscriptions/providers/read', subscriptions.listProviders),
      },
    ],
    [
      'providers/*',
      {
        name: `${RESOURCES}/providers`,
        methods: read('subscriptions/providers/read', subscriptions.getProvider),
      },
    ],
  ];
}

function instanceRoutes(records: InstanceRecords): Entry[] {
  const instances = new InstanceHandlers(records);
  const operations = new InstanceOperationHandlers(records);
  const at = route(SQL_VERSIONS);
  const post = (action: string, handle: Route['handle']): ResourceType => ({
    name: MI,
    methods: { POST: at(`${MI}/${action}/action`, handle) },
  });
  return [
    ['managedinstances', { name: MI, methods: { GET: at(`${MI}/read`, (c) => instances.list(c)) } }],
    [
      'managedinstances/*',
      {
        name: MI,
        methods: {
          GET: at(`${MI}/read`, (c) => instances.get(c)),
          PATCH: at(`${MI}/write`, (c) => instances.patch(c)),
          PUT: at(`${MI}/write`, (c) => instances.put(c)),
          DELETE: at(`${MI}/delete`, (c) => instances.delete(c)),
        },
      },
    ],
    ['managedinstances/*/failover', post('failover', (c) => instances.failover(c))],
    ['managedinstances/*/stop', post('stop', (c) => instances.stop(c))],
    ['managedinstances/*/start', post('start', (c) => instances.start(c))],
    [
      'managedinstances/*/operations',
      { name: `${MI}/operations`, methods: { GET: at(`${MI}/operations/read`, (c) => operations.list(c)) } },
    ],
    [
      'managedinstances/*/operations/*',
      { name: `${MI}/operations`, methods: { GET: at(`${MI}/operations/read`, (c) => operations.get(c)) } },
    ],
    [
      'managedinstances/*/operations/*/cancel',
      {
        name: `${MI}/operations`,
        methods: { POST: at(`${MI}/operations/cancel/action`, (c) => operations.cancel(c)) },
      },
    ],
    [
      'managedinstances/*/encryptionprotector',
      {
        name: `${MI}/encryptionProtector`,
        methods: {
          GET: at(`${MI}/encryptionProtector/read`, (c) => ok({ value: [encryptionProtector(c)] })),
        },
      },
    ],
    [
      'managedinstances/*/encryptionprotector/*',
      {
        name: `${MI}/encryptionProtector`,
        methods: { GET: at(`${MI}/encryptionProtector/read`, getEncryptionProtector) },
      },
    ],
  ];
}

function databaseRoutes(): Entry[] {
  const at = route(SQL_VERSIONS);
  const type = `${MI}/databases`;
  return [
    [
      'managedinstances/*/databases',
      { name: type, methods: { GET: at(`${type}/read`, databases.listDatabases) } },
    ],
    [
      'managedinstances/*/databases/*',
      {
        name: type,
        methods: {
          GET: at(`${type}/read`, databases.getDatabase),
          PUT: at(`${type}/write`, databases.putDatabase),
          DELETE: at(`${type}/delete`, databases.deleteDatabase),
        },
      },
    ],
    [
      'managedinstances/*/databases/*/restoredetails/*',
      {
        name: `${type}/restoreDetails`,
        methods: { GET: at(`${type}/restoreDetails/read`, databases.getRestoreDetails) },
      },
    ],
  ];
}

function linkRoutes(links: LinkHandlers): Entry[] {
  const type = `${MI}/distributedAvailabilityGroups`;
  const at = route(LINK_VERSIONS);
  return [
    [
      'managedinstances/*/distributedavailabilitygroups',
      { name: type, methods: { GET: at(`${type}/read`, (c) => links.list(c)) } },
    ],
    [
      'managedinstances/*/distributedavailabilitygroups/*',
      {
        name: type,
        methods: {
          GET: at(`${type}/read`, (c) => links.get(c)),
          PUT: at(`${type}/write`, (c) => links.put(c)),
          PATCH: at(`${type}/write`, (c) => links.patch(c)),
          DELETE: at(`${type}/delete`, (c) => links.delete(c)),
        },
      },
    ],
    [
      'managedinstances/*/distributedavailabilitygroups/*/failover',
      {
        name: type,
        methods: { POST: route(FAILOVER_VERSIONS)(`${type}/failover/action`, (c) => links.failover(c)) },
      },
    ],
    [
      'managedinstances/*/distributedavailabilitygroups/*/setrole',
      {
        name: type,
        methods: { POST: route(SET_ROLE_VERSIONS)(`${type}/setRole/action`, (c) => links.setRole(c)) },
      },
    ],
  ];
}

function certificateRoutes(): Entry[] {
  const at = route(LINK_VERSIONS);
  const trust = `${MI}/serverTrustCertificates`;
  const endpoint = `${MI}/endpointCertificates`;
  return [
    [
      'managedinstances/*/servertrustcertificates',
      { name: trust, methods: { GET: at(`${trust}/read`, certificates.listTrust) } },
    ],
    [
      'managedinstances/*/servertrustcertificates/*',
      {
        name: trust,
        methods: {
          GET: at(`${trust}/read`, certificates.getTrust),
          PUT: at(`${trust}/write`, certificates.putTrust),
          DELETE: at(`${trust}/delete`, certificates.deleteTrust),
        },
      },
    ],
    [
      'managedinstances/*/endpointcertificates',
      { name: endpoint, methods: { GET: at(`${endpoint}/read`, certificates.listEndpoint) } },
    ],
    [
      'managedinstances/*/endpointcertificates/*',
      { name: endpoint, methods: { GET: at(`${endpoint}/read`, certificates.getEndpoint) } },
    ],
  ];
}

function failoverGroupRoutes(): Entry[] {
  const type = 'Microsoft.Sql/locations/instanceFailoverGroups';
  const read = (handle: Route['handle']) => ({
    name: type,
    methods: { GET: route(SQL_VERSIONS)(`${type}/read`, handle) },
  });
  return [
    ['locations/*/instancefailovergroups', read(failoverGroups.listFailoverGroups)],
    ['locations/*/instancefailovergroups/*', read(failoverGroups.getFailoverGroup)],
  ];
}

const route =
  (versions: readonly string[]) =>
  (action: string, handle: Route['handle']): Route => ({ action, versions, handle });

function getEncryptionProtector(context: ArmContext): HttpResponse {
  const name = nameAt(context, 1);
  if (name.toLowerCase() !== 'current') throw childNotFound(`${MI}/encryptionProtector`, name);
  return ok(encryptionProtector(context));
}

/** Service-managed key: the default of every instance. */
function encryptionProtector(context: ArmContext): unknown {
  const { managed } = managedInstance(context);
  return {
    kind: 'servicemanaged',
    properties: {
      serverKeyName: 'ServiceManaged',
      serverKeyType: 'ServiceManaged',
      autoRotationEnabled: false,
    },
    id: `${managed.resourceId}/encryptionProtector/current`,
    name: 'current',
    type: `${MI}/encryptionProtector`,
  };
}
