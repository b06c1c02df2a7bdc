/** Runs CREATE / ALTER / DROP ENDPOINT. */
import type { EndpointDefinition } from '../../world/api';
import type { EndpointAuthentication } from '../../world/model';
import type { SessionContext } from '../context';
import { serverError } from '../messages/raise';
import type { EndpointProtocol, MirroringPayload, ParsedStatement } from '../syntax/ast';
import { requirePermission } from './io';

type Of<Kind extends ParsedStatement['kind']> = Extract<ParsedStatement, { kind: Kind }>;

const authentications: readonly EndpointAuthentication[] = [
  'CERTIFICATE',
  'NEGOTIATE',
  'KERBEROS',
  'NTLM',
  'NTLM, CERTIFICATE',
  'KERBEROS, CERTIFICATE',
  'NEGOTIATE, CERTIFICATE',
  'CERTIFICATE, NTLM',
  'CERTIFICATE, KERBEROS',
  'CERTIFICATE, NEGOTIATE',
];

const authenticationOf = (description: string): EndpointAuthentication =>
  authentications.find((known) => known === description) ?? 'NEGOTIATE';

const algorithms: Readonly<Record<string, EndpointDefinition['algorithm']>> = {
  NONE: 'NONE',
  AES: 'AES',
  RC4: 'RC4',
  'AES, RC4': 'AES RC4',
  'RC4, AES': 'RC4 AES',
};

const protocolChange = (protocol: EndpointProtocol | undefined): { port?: number; listenerIp?: string } => ({
  ...(protocol?.port === undefined ? {} : { port: checkedPort(protocol.port) }),
  ...(protocol?.address === undefined ? {} : { listenerIp: protocol.address }),
});

const checkedPort = (port: number): number => {
  if (port < 1 || port > 65_535) throw serverError(1080, [port]);
  return port;
};

const payloadChange = (payload: MirroringPayload | undefined): Partial<Omit<EndpointDefinition, 'name'>> => ({
  ...(payload?.role === undefined ? {} : { role: payload.role }),
  ...(payload?.authentication === undefined
    ? {}
    : {
        authentication: authenticationOf(payload.authentication.description),
        ...(payload.authentication.certificate === undefined
          ? {}
          : { certificateName: payload.authentication.certificate }),
      }),
  ...(payload?.encryption === undefined
    ? {}
    : {
        encryption: payload.encryption.mode,
        algorithm: algorithms[payload.encryption.algorithm] ?? 'AES',
      }),
});

export const createEndpoint = (context: SessionContext, statement: Of<'create-endpoint'>): void => {
  requirePermission(context, 'ALTER ANY ENDPOINT');
  if (context.managedInstance) throw serverError(40510, ['CREATE ENDPOINT']);
  if (statement.payload.role === undefined) throw serverError(102, [')']);
  if (statement.protocol.port === undefined) throw serverError(102, [')']);
  context.world.endpoints.create(context.instanceName, {
    name: statement.name,
    state: statement.state,
    port: statement.protocol.port,
    listenerIp: 'ALL',
    role: statement.payload.role,
    // Without the clause Windows authentication is negotiated and encryption required (CREATE ENDPOINT).
    authentication: 'NEGOTIATE',
    encryption: 'REQUIRED',
    algorithm: 'AES',
    ...protocolChange(statement.protocol),
    ...payloadChange(statement.payload),
  });
};

export const alterEndpoint = (context: SessionContext, statement: Of<'alter-endpoint'>): void => {
  requirePermission(context, 'ALTER ANY ENDPOINT');
  if (context.managedInstance) throw serverError(40510, ['ALTER ENDPOINT']);
  context.world.endpoints.alter(context.instanceName, statement.name, {
    ...(statement.state === undefined ? {} : { state: statement.state }),
    ...protocolChange(statement.protocol),
    ...payloadChange(statement.payload),
  });
};

export const dropEndpoint = (context: SessionContext, statement: Of<'drop-endpoint'>): void => {
  requirePermission(context, 'ALTER ANY ENDPOINT');
  context.world.endpoints.drop(context.instanceName, statement.name);
};
