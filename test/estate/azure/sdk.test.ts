/** The real @azure/arm-sql: its own groups with the first model, and newer versions through sendOperationRequest. */
import type { SqlManagementClient } from '@azure/arm-sql';
import {
  createSerializer,
  type FullOperationResponse,
  type OperationArguments,
  type OperationSpec,
} from '@azure/core-client';
import {
  createHttpPoller,
  type LongRunningOperation,
  type LroResponse,
  type OperationState,
} from '@azure/core-lro';
import {
  type Estate,
  GROUP,
  linkBody,
  MI,
  prepareSqlServer,
  sdkClient,
  sqlServerBlob,
  startEstate,
} from './estate';

let estate: Estate;
let client: SqlManagementClient;
const quick = { updateIntervalInMs: 5 };

beforeEach(async () => {
  // Fast enough that hours of simulated time pass while the SDK polls a few times.
  estate = await startEstate({ clock: { mode: 'real', speed: 2_000 } });
  client = sdkClient(estate.azure);
  prepareSqlServer(estate.world);
});
afterEach(() => estate.stop());

const any = { type: { name: 'any' } } as const;
const segment = (name: string) => ({
  parameterPath: name,
  mapper: { serializedName: name, required: true, type: { name: 'String' as const } },
});

function linkSpec(
  httpMethod: OperationSpec['httpMethod'],
  action = '',
  version = '2025-01-01',
): OperationSpec {
  return {
    path: `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Sql/managedInstances/{managedInstanceName}/distributedAvailabilityGroups/{linkName}${action}`,
    httpMethod,
    serializer: createSerializer({}, false),
    responses: {
      200: { bodyMapper: any },
      201: { bodyMapper: any },
      202: { bodyMapper: any },
      204: {},
      default: {},
    },
    queryParameters: [
      {
        parameterPath: 'apiVersion',
        mapper: {
          serializedName: 'api-version',
          isConstant: true,
          defaultValue: version,
          type: { name: 'String' },
        },
      },
    ],
    urlParameters: ['subscriptionId', 'resourceGroupName', 'managedInstanceName', 'linkName'].map(segment),
    ...(httpMethod === 'GET' || httpMethod === 'DELETE'
      ? {}
      : {
          requestBody: { parameterPath: 'body', mapper: any },
          mediaType: 'json',
          contentType: 'application/json',
        }),
  };
}

async function send(args: OperationArguments, spec: OperationSpec): Promise<LroResponse<unknown>> {
  let raw: FullOperationResponse | undefined;
  const onResponse = (response: FullOperationResponse) => {
    raw = response;
  };
  const flatResponse: unknown = await client.sendOperationRequest(
    { ...args, options: { ...args.options, onResponse } },
    spec,
  );
  if (raw === undefined) throw new Error('no response');
  const { status, parsedBody, headers } = raw;
  return { flatResponse, rawResponse: { statusCode: status, body: parsedBody, headers: headers.toJSON() } };
}

function operation(spec: OperationSpec, body?: unknown): LongRunningOperation<unknown> {
  const args = { resourceGroupName: GROUP, managedInstanceName: MI, linkName: 'DAG_Sales', body };
  return {
    requestMethod: spec.httpMethod,
    requestPath: spec.path ?? '',
    sendInitialRequest: () => send(args, spec),
    sendPollRequest: (path) => {
      const { requestBody: _body, ...rest } = spec;
      return send(args, { ...rest, httpMethod: 'GET', path });
    },
  };
}

const poller = (spec: OperationSpec, body?: unknown, restoreFrom?: string) =>
  createHttpPoller<unknown, OperationState<unknown>>(operation(spec, body), {
    intervalInMs: 5,
    resolveOnUnsuccessful: true,
    ...(restoreFrom === undefined ? {} : { restoreFrom }),
  });

async function upload(): Promise<void> {
  const certificate = await client.serverTrustCertificates.beginCreateOrUpdateAndWait(
    GROUP,
    MI,
    'Cert_SQL1',
    { publicBlob: sqlServerBlob(estate.world) },
    quick,
  );
  expect(certificate).toMatchObject({ certificateName: 'Cert_SQL1' });
  expect(certificate.thumbprint).toMatch(/^[0-9A-F]{40}$/);
}

test('its own groups: certificates, link in the first model, databases, instance', async () => {
  const endpoint = await client.endpointCertificates.get(GROUP, MI, 'DATABASE_MIRRORING');
  expect(endpoint.publicBlob).toMatch(/^0x3082/);
  await upload();
  const link = await client.distributedAvailabilityGroups.beginCreateOrUpdateAndWait(
    GROUP,
    MI,
    'DAG_Sales',
    {
      targetDatabase: 'Sales',
      sourceEndpoint: 'TCP://SQL1:5022',
      primaryAvailabilityGroupName: 'AG_Sales',
      secondaryAvailabilityGroupName: 'AG_MI',
    },
    quick,
  );
  expect(link).toMatchObject({ name: 'DAG_Sales', targetDatabase: 'Sales', replicationMode: 'Async' });
  const names: (string | undefined)[] = [];
  for await (const each of client.distributedAvailabilityGroups.listByInstance(GROUP, MI))
    names.push(each.name);
  expect(names).toEqual(['DAG_Sales']);
  await client.distributedAvailabilityGroups.beginDeleteAndWait(GROUP, MI, 'DAG_Sales', quick);
  await expect(client.distributedAvailabilityGroups.get(GROUP, MI, 'DAG_Sales')).rejects.toMatchObject({
    statusCode: 404,
    code: 'ResourceNotFound',
  });
  const instance = await client.managedInstances.beginUpdateAndWait(
    GROUP,
    MI,
    { tags: { by: 'sdk' } },
    quick,
  );
  expect(instance.tags).toEqual({ by: 'sdk' });
  const created = await client.managedDatabases.beginCreateOrUpdateAndWait(
    GROUP,
    MI,
    'Fresh',
    { location: 'westeurope' },
    quick,
  );
  expect(created.status).toBe('Online');
  await client.managedDatabases.beginDeleteAndWait(GROUP, MI, 'Fresh', quick);
  const operations: unknown[] = [];
  for await (const each of client.managedInstanceOperations.listByManagedInstance(GROUP, MI))
    operations.push(each.state);
  expect(operations).toEqual(['Succeeded']);
});

test('newer versions: create, resume by another poller, force over, delete', async () => {
  await upload();
  const creating = await poller(linkSpec('PUT'), linkBody());
  await creating.poll();
  const state = creating.toString();
  expect(JSON.parse(state)).toHaveProperty('state.config.operationLocation');
  // A new process that knows the state only: it must not send the PUT again.
  const resumed = await poller(linkSpec('PUT'), linkBody(), state);
  await resumed.pollUntilDone();
  expect(resumed.getResult()).toMatchObject({ name: 'DAG_Sales' });
  expect(
    estate.world.journal
      .all()
      .filter((each) => each.text.startsWith('PUT') && each.text.endsWith('DAG_Sales')),
  ).toHaveLength(1);

  const planned = send(
    {
      resourceGroupName: GROUP,
      managedInstanceName: MI,
      linkName: 'DAG_Sales',
      body: { failoverType: 'Planned' },
    },
    linkSpec('POST', '/failover'),
  );
  await expect(planned).rejects.toMatchObject({
    statusCode: 400,
    code: 'InvalidDistributedAvailabilityGroupFailoverInstanceRole',
  });

  const seeded = () => estate.world.links.get(MI, 'DAG_Sales')?.state === 'LinkSynchronizing';
  while (!seeded()) await estate.world.clock.sleep(10_000);
  const forced = await poller(linkSpec('POST', '/failover'), { failoverType: 'ForcedAllowDataLoss' });
  await forced.pollUntilDone();
  expect(forced.getOperationState()?.status).toBe('succeeded');
  expect(forced.getResult()).toMatchObject({ properties: { instanceLinkRole: 'Primary' } });

  const deleting = await poller(linkSpec('DELETE'));
  await deleting.pollUntilDone();
  expect(estate.world.links.all()).toHaveLength(0);
});

test('a failed operation gives its code to a poller that resolves', async () => {
  await upload();
  estate.world.faults.add({
    surface: 'arm',
    method: 'PUT',
    path: 'distributedAvailabilityGroups',
    count: 1,
    action: { kind: 'failed-operation', code: 'ManagedInstanceLinkConnectivityIsNotEstablished' },
  });
  const creating = await poller(linkSpec('PUT'), linkBody());
  await creating.pollUntilDone();
  const ended = creating.getOperationState();
  expect(ended?.status).toBe('failed');
  expect(String(ended?.error)).toContain('ManagedInstanceLinkConnectivityIsNotEstablished');
  expect(estate.world.links.all()).toHaveLength(0);
});
