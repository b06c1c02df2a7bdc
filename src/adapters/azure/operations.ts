/**
 * The ARM requests of this adapter as operation specs for SqlManagementClient.sendOperationRequest. The generated
 * operations of @azure/arm-sql 10 cannot be used: their api-versions are constants (links: 2021-11-01-preview, the old
 * model without failover), and their mappers drop every property they do not know.
 */
import { createSerializer, type OperationSpec } from '@azure/core-client';
import type { ArmRequest, LinkRequestBody } from '../../model/arm-request';

/** Oldest stable version with the link's new model (databases[], roles, failover). */
export const API_VERSION = '2023-08-01';

/** Body as it is: unknown properties and enum values survive (promise 12). */
const RAW = { type: { name: 'any' } } as const;
const serializer = createSerializer({}, false);

const segment = (name: string) =>
  ({
    parameterPath: name,
    mapper: { serializedName: name, required: true, type: { name: 'String' } },
  }) as const;

const GROUP = '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Sql';
const INSTANCE = `${GROUP}/managedInstances/{managedInstanceName}`;

type Method = OperationSpec['httpMethod'];

function spec(httpMethod: Method, path: string): OperationSpec {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');
  return {
    path,
    httpMethod,
    serializer,
    responses: {
      200: { bodyMapper: RAW },
      201: { bodyMapper: RAW },
      202: { bodyMapper: RAW },
      204: {},
      default: {},
    },
    queryParameters: [
      {
        parameterPath: 'apiVersion',
        mapper: {
          serializedName: 'api-version',
          isConstant: true,
          defaultValue: API_VERSION,
          type: { name: 'String' },
        },
      },
    ],
    urlParameters: names.map(segment),
    ...(httpMethod === 'PUT' || httpMethod === 'POST'
      ? {
          requestBody: { parameterPath: 'body', mapper: RAW },
          mediaType: 'json',
          contentType: 'application/json',
        }
      : {}),
  };
}

export const READS = {
  'read-instance': spec('GET', INSTANCE),
  'list-databases': spec('GET', `${INSTANCE}/databases`),
  'list-links': spec('GET', `${INSTANCE}/distributedAvailabilityGroups`),
  'read-link': spec('GET', `${INSTANCE}/distributedAvailabilityGroups/{name}`),
  'list-trust-certificates': spec('GET', `${INSTANCE}/serverTrustCertificates`),
  'read-endpoint-certificate': spec('GET', `${INSTANCE}/endpointCertificates/{name}`),
  'list-failover-groups': spec('GET', `${GROUP}/locations/{location}/instanceFailoverGroups`),
} as const;
export type Read = keyof typeof READS;

const LINK = `${INSTANCE}/distributedAvailabilityGroups/{name}`;
const TRUST_CERTIFICATE = `${INSTANCE}/serverTrustCertificates/{name}`;

const CHANGES: Readonly<Record<ArmRequest['operation'], OperationSpec>> = {
  'put-server-trust-certificate': spec('PUT', TRUST_CERTIFICATE),
  'delete-server-trust-certificate': spec('DELETE', TRUST_CERTIFICATE),
  'put-link': spec('PUT', LINK),
  'delete-link': spec('DELETE', LINK),
  'fail-over-link': spec('POST', `${LINK}/failover`),
  'demote-instance': spec('POST', `${LINK}/setRole`),
  'delete-database': spec('DELETE', `${INSTANCE}/databases/{name}`),
};

export interface PreparedChange {
  readonly spec: OperationSpec;
  readonly parameters: { readonly name: string; readonly body?: unknown };
}

/** @returns what to send for a request. */
export function prepareChange(request: ArmRequest): PreparedChange {
  return { spec: CHANGES[request.operation], parameters: parametersOf(request) };
}

function parametersOf(request: ArmRequest): PreparedChange['parameters'] {
  switch (request.operation) {
    case 'put-server-trust-certificate':
      return { name: request.certificateName, body: { properties: { publicBlob: request.publicBlob } } };
    case 'delete-server-trust-certificate':
      return { name: request.certificateName };
    case 'put-link':
      return { name: request.linkName, body: { properties: linkProperties(request.link) } };
    case 'delete-link':
      return { name: request.linkName };
    case 'fail-over-link':
      return { name: request.linkName, body: { failoverType: request.failoverType } };
    case 'demote-instance':
      return { name: request.linkName, body: { instanceRole: 'Secondary', roleChangeType: 'Forced' } };
    case 'delete-database':
      return { name: request.database };
    default:
      return request satisfies never;
  }
}

function linkProperties(link: LinkRequestBody) {
  return {
    databases: [{ databaseName: link.database }],
    partnerAvailabilityGroupName: link.partnerAvailabilityGroupName,
    instanceAvailabilityGroupName: link.instanceAvailabilityGroupName,
    partnerEndpoint: link.partnerEndpoint,
    instanceLinkRole: link.instanceLinkRole,
    failoverMode: link.failoverMode,
    // The only mode that a creation accepts (InvalidDistributedAvailabilityGroups...RequestSeedingMode).
    seedingMode: 'Automatic',
  };
}
