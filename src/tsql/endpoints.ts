/** The database mirroring endpoint: an instance has at most one (7862), shared by all availability groups. */
import type { EndpointFacts } from '../model/sql-server/observation';
import type { Statement } from '../model/statement';
import { integerLiteral, QuotingError, quoteAscii, quoteIdentifier } from './quote';
import { lines, statement } from './statement';

export interface MirroringEndpoint {
  readonly name: string;
  readonly port: number;
  readonly certificateName: string;
  /** Address that it stays bound to; null or absent for all. */
  readonly ipAddress?: string | null;
}

interface EndpointClauses {
  readonly state: string;
  readonly port: number;
  readonly address: string;
  readonly role: string;
  readonly authentication: string;
  readonly encryption: string;
}

/** Endpoint as the link needs it: certificate authentication, AES required. */
export function createMirroringEndpoint(endpoint: MirroringEndpoint): Statement {
  return statement(
    'create-mirroring-endpoint',
    endpointText('CREATE', endpoint.name, linkClauses(endpoint, 'certificate')),
  );
}

/**
 * Makes an existing endpoint fit for the link, and keeps what its other partners may rely on: address, port, role, and
 * an encryption that the link can use.
 * @param endpoint.authentication `negotiate-and-certificate` keeps Windows authentication for availability groups that use it
 * @param endpoint.before the endpoint as it was read; absent: role ALL, AES required
 * @throws QuotingError when the facts hold a value that ALTER ENDPOINT has no word for
 */
export function alterMirroringEndpoint(
  endpoint: MirroringEndpoint & {
    readonly authentication: 'certificate' | 'negotiate-and-certificate';
    readonly before?: EndpointFacts;
  },
): Statement {
  const clauses = linkClauses(endpoint, endpoint.authentication);
  const { before } = endpoint;
  const kept = before === undefined ? {} : keptClauses(before);
  return statement('alter-mirroring-endpoint', endpointText('ALTER', endpoint.name, { ...clauses, ...kept }));
}

/** Role WITNESS and an encryption without AES are of no use to a link (41998). */
function keptClauses(before: EndpointFacts): Partial<EndpointClauses> {
  const role = before.roleDesc.toUpperCase() === 'PARTNER' ? { role: 'PARTNER' } : {};
  const isUseful = before.isEncryptionEnabled && before.encryptionAlgorithmDesc.includes('AES');
  return isUseful ? { ...role, encryption: encryptionClause(before) } : role;
}

/**
 * Undo of {@link alterMirroringEndpoint}: the endpoint as it was read before.
 * @throws QuotingError when the facts hold a value that ALTER ENDPOINT has no word for
 */
export function restoreMirroringEndpoint(before: EndpointFacts): Statement {
  return statement(
    'restore-mirroring-endpoint',
    endpointText('ALTER', before.name, {
      state: keyword(before.stateDesc, ['STARTED', 'STOPPED', 'DISABLED'], 'state'),
      port: before.port,
      address: listenerAddress(before.ipAddress),
      role: keyword(before.roleDesc, ['ALL', 'PARTNER', 'WITNESS'], 'role'),
      authentication: authenticationClause(before),
      encryption: encryptionClause(before),
    }),
  );
}

/**
 * Gives the endpoint another certificate and leaves everything else as it was read: port, role, form of authentication,
 * encryption.
 * @throws QuotingError when the facts hold a value that ALTER ENDPOINT has no word for
 */
export function switchEndpointCertificate(before: EndpointFacts, certificateName: string): Statement {
  const { text } = restoreMirroringEndpoint({ ...before, certificateName });
  return statement('switch-endpoint-certificate', text);
}

/** Cuts all connections of the endpoint until it is started again. */
export const stopEndpoint = (name: string): Statement =>
  statement('stop-endpoint', `ALTER ENDPOINT ${quoteIdentifier(name)} STATE = STOPPED;`);

export const startEndpoint = (name: string): Statement =>
  statement('start-endpoint', `ALTER ENDPOINT ${quoteIdentifier(name)} STATE = STARTED;`);

export const dropEndpoint = (name: string): Statement =>
  statement('drop-endpoint', `DROP ENDPOINT ${quoteIdentifier(name)};`);

function linkClauses(
  endpoint: MirroringEndpoint,
  authentication: 'certificate' | 'negotiate-and-certificate',
): EndpointClauses {
  const certificate = `CERTIFICATE ${quoteIdentifier(endpoint.certificateName)}`;
  return {
    state: 'STARTED',
    port: endpoint.port,
    address: listenerAddress(endpoint.ipAddress),
    role: 'ALL',
    authentication: authentication === 'certificate' ? certificate : `WINDOWS NEGOTIATE ${certificate}`,
    encryption: 'REQUIRED ALGORITHM AES',
  };
}

function endpointText(verb: 'CREATE' | 'ALTER', name: string, clauses: EndpointClauses): string {
  return lines(
    `${verb} ENDPOINT ${quoteIdentifier(name)}`,
    `    STATE = ${clauses.state}`,
    `    AS TCP (LISTENER_PORT = ${integerLiteral(clauses.port)}, LISTENER_IP = ${clauses.address})`,
    '    FOR DATABASE_MIRRORING (',
    `        ROLE = ${clauses.role},`,
    `        AUTHENTICATION = ${clauses.authentication},`,
    `        ENCRYPTION = ${clauses.encryption}`,
    '    );',
  );
}

/** `ALL`, `(10.0.1.8)` or `('fd00::8')` (CREATE ENDPOINT, LISTENER_IP). */
function listenerAddress(address: string | null | undefined): string {
  if (address === null || address === undefined) return 'ALL';
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address)) return `(${address})`;
  if (/^[0-9a-f:.]+$/i.test(address) && address.includes(':')) return `(${quoteAscii(address)})`;
  throw new QuotingError('the address that the endpoint is bound to is no IP address');
}

/** connection_auth_desc: NTLM, KERBEROS, NEGOTIATE, CERTIFICATE, or two of them in order ("NEGOTIATE, CERTIFICATE"). */
function authenticationClause(facts: EndpointFacts): string {
  const methods = facts.connectionAuthDesc.split(',').map((method) => {
    const word = keyword(method.trim(), ['NTLM', 'KERBEROS', 'NEGOTIATE', 'CERTIFICATE'], 'authentication');
    if (word !== 'CERTIFICATE') return `WINDOWS ${word}`;
    if (facts.certificateName === null) throw new QuotingError('the endpoint names no certificate');
    return `CERTIFICATE ${quoteIdentifier(facts.certificateName)}`;
  });
  return methods.join(' ');
}

/** encryption_algorithm_desc begins with NONE where encryption is supported but not required. */
function encryptionClause(facts: EndpointFacts): string {
  if (!facts.isEncryptionEnabled) return 'DISABLED';
  const algorithms = facts.encryptionAlgorithmDesc
    .split(',')
    .map((word) => keyword(word.trim(), ['NONE', 'AES', 'RC4'], 'encryption algorithm'));
  const named = algorithms.filter((word) => word !== 'NONE');
  if (named.length === 0) return 'DISABLED';
  return `${algorithms.includes('NONE') ? 'SUPPORTED' : 'REQUIRED'} ALGORITHM ${named.join(' ')}`;
}

function keyword(value: string, known: readonly string[], what: string): string {
  const word = value.toUpperCase();
  if (known.includes(word)) return word;
  throw new QuotingError(`no word in ALTER ENDPOINT is known for this ${what}`);
}
