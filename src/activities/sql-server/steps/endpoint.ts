import type { EndpointFacts } from '../../../model/sql-server/observation';
import {
  alterMirroringEndpoint,
  createMirroringEndpoint,
  dropEndpoint,
  restoreMirroringEndpoint,
} from '../../../tsql/endpoints';
import { readEndpoints } from '../../../tsql/queries/endpoints';
import { certificateInUse } from './certificate-in-use';
import { defineTrustStep, queryServer } from './endpoint-context';
import { unlessInUse } from './shared-trust';

interface EndpointState {
  readonly certificateName: string;
  readonly endpoint: EndpointFacts | null;
}

/** What a distributed group needs of an endpoint (link-with-scripts, "Alter an existing endpoint"). */
function fits(endpoint: EndpointFacts, certificateName: string): boolean {
  return (
    endpoint.stateDesc === 'STARTED' &&
    endpoint.isEncryptionEnabled &&
    endpoint.encryptionAlgorithmDesc.includes('AES') &&
    endpoint.connectionAuthDesc.includes('CERTIFICATE') &&
    endpoint.certificateName?.toLowerCase() === certificateName.toLowerCase()
  );
}

const usesWindows = (endpoint: EndpointFacts): boolean =>
  /NTLM|KERBEROS|NEGOTIATE/.test(endpoint.connectionAuthDesc);

export const mirroringEndpoint = defineTrustStep<EndpointState>({
  id: 'server.mirroring-endpoint',
  async observe(context) {
    const [{ name }, endpoints] = await Promise.all([
      certificateInUse(context),
      queryServer(context, readEndpoints()),
    ]);
    return {
      certificateName: name,
      // An instance has at most one endpoint for DATABASE_MIRRORING.
      endpoint: endpoints[0] ?? null,
    };
  },
  settled({ endpoint, certificateName }) {
    if (endpoint === null || !fits(endpoint, certificateName)) return undefined;
    return `endpoint ${endpoint.name} is started on port ${endpoint.port} with certificate ${certificateName} and AES`;
  },
  async effects({ endpoint, certificateName }, context) {
    if (endpoint === null) {
      const { name, port } = context.spec.server.endpoint;
      return [
        {
          kind: 'tsql',
          on: 'server',
          statement: createMirroringEndpoint({ name, port, certificateName }),
          undo: dropEndpoint(name).display,
        },
      ];
    }
    const statement = alterMirroringEndpoint({
      name: endpoint.name,
      port: endpoint.port,
      certificateName,
      ipAddress: endpoint.ipAddress ?? null,
      authentication: usesWindows(endpoint) ? 'negotiate-and-certificate' : 'certificate',
      before: endpoint,
    });
    return [{ kind: 'tsql', on: 'server', statement, undo: restoreMirroringEndpoint(endpoint).display }];
  },
  async undo(before, now, context) {
    if (now.endpoint === null) return [];
    if (before.endpoint === null) {
      return unlessInUse(
        [{ kind: 'tsql', on: 'server', statement: dropEndpoint(now.endpoint.name) }],
        context,
      );
    }
    if (JSON.stringify(before.endpoint) === JSON.stringify(now.endpoint)) return [];
    return [{ kind: 'tsql', on: 'server', statement: restoreMirroringEndpoint(before.endpoint) }];
  },
});
