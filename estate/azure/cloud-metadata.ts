/**
 * `GET /metadata/endpoints` of Resource Manager: where a cloud's services are. `az cloud register` and other tools
 * that are given only the address of a Resource Manager read it, without a token. The shape since api-version
 * 2022-09-01 is one object (Azure CLI, `_populate_from_metadata_endpoint`); before, an array.
 */
import type { HttpRequest, HttpResponse } from './http';

/** First api-version that answers with the asked cloud alone. */
const SINGLE_SINCE = '2022-09-01';

/** Answers the request, or undefined when the path belongs to somebody else. */
export function cloudMetadata({ method, segments, query, origin }: HttpRequest): HttpResponse | undefined {
  const path = segments.join('/').toLowerCase();
  if (path !== 'metadata/endpoints' || method !== 'GET') return undefined;
  const cloud = describeCloud(origin);
  const version = query.get('api-version') ?? SINGLE_SINCE;
  return { status: 200, headers: {}, body: version < SINGLE_SINCE ? [cloud] : cloud };
}

/** Only what the estate has: one address for everything. */
function describeCloud(origin: string): unknown {
  return {
    name: 'SimulatedEstate',
    resourceManager: origin,
    portal: origin,
    graphAudience: origin,
    authentication: {
      loginEndpoint: origin,
      // The Azure CLI asks for tokens of the first one.
      audiences: ['https://management.core.windows.net/', 'https://management.azure.com/'],
      tenant: 'common',
      identityProvider: 'AAD',
    },
    suffixes: { sqlServerHostname: 'database.windows.net' },
  };
}
