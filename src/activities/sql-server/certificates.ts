/** Every certificate that the connections of an endpoint depend on: read and judged. */
import { createHash, X509Certificate } from 'node:crypto';
import { SqlServerFailure } from '../../ports/failures';
import {
  type CertificateInventory,
  type ChainState,
  certificateInventory,
  type PresentedCertificate,
} from '../../rules/sql-server/certificate-inventory';
import { AZURE_AUTHORITIES } from '../../tsql/azure-authorities';
import { validateCertificateChain } from '../../tsql/certificates';
import { readCertificates } from '../../tsql/queries/certificates';
import { readEndpoints } from '../../tsql/queries/endpoints';
import { readServerFacts } from './observe/server';
import type { CertificateContext } from './steps/endpoint-context';

/** Reads only: the validation of the chain changes nothing either. */
export async function readCertificateInventory(
  context: Omit<CertificateContext, 'secret'>,
): Promise<CertificateInventory> {
  const { ports, clock, signal } = context;
  const [server, endpoints, certificates, instance, presented, trusted] = await Promise.all([
    readServerFacts(ports.server, clock, signal),
    ports.server.query(readEndpoints(), { signal }),
    ports.server.query(readCertificates(), { signal }),
    ports.azure.readInstance(signal),
    ports.azure.readEndpointCertificate(signal),
    ports.azure.readTrustCertificates(signal),
  ]);
  const fqdn = instance.fullyQualifiedDomainName;
  const isImported = certificates.some(({ name }) => name.toLowerCase() === fqdn.toLowerCase());
  return certificateInventory({
    observedAt: new Date(clock.now()).toISOString(),
    serverTime: server.serverTime,
    serverName: server.serverName,
    instanceFqdn: fqdn,
    endpoint: endpoints[0] ?? null,
    certificates,
    trusted,
    presented: readPresented(presented),
    authorityNames: AZURE_AUTHORITIES.map(({ name }) => name),
    chain: await chainOf(context, fqdn, isImported, server.canValidateCertificateChain),
  });
}

async function chainOf(
  { ports, signal }: Omit<CertificateContext, 'secret'>,
  fqdn: string,
  isImported: boolean,
  canValidate: boolean,
): Promise<ChainState> {
  if (!isImported) return { state: 'not-checkable', detail: `${fqdn} is not imported on the SQL Server` };
  if (!canValidate) {
    const detail = 'this build has no sp_validate_certificate_ca_chain (SQL Server 2022 CU5 and later)';
    return { state: 'not-checkable', detail };
  }
  try {
    await ports.server.execute(validateCertificateChain({ certificateName: fqdn }), { signal });
    return { state: 'valid', detail: `the chain of ${fqdn} validates on the SQL Server` };
  } catch (error) {
    // Only an answer of the procedure says something about the chain; a lost connection does not.
    if (!(error instanceof SqlServerFailure) || error.transport !== undefined) throw error;
    return { state: 'broken', detail: error.errors[0]?.message ?? error.message };
  }
}

function readPresented(hex: string): PresentedCertificate {
  const der = Buffer.from(hex.replace(/^0x/i, ''), 'hex');
  return {
    thumbprint: createHash('sha1').update(der).digest('hex').toUpperCase(),
    expiresAt: new Date(new X509Certificate(der).validTo).toISOString(),
  };
}
