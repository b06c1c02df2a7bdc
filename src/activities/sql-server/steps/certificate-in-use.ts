import type { CertificateFacts } from '../../../model/sql-server/observation';
import { sameName } from '../../../rules/names';
import { certificateNameToUse, endpointCertificateName } from '../../../rules/sql-server/certificate-name';
import { readCertificates } from '../../../tsql/queries/certificates';
import { readEndpoints } from '../../../tsql/queries/endpoints';
import { readServer } from '../../../tsql/queries/server';
import { FactMissing } from '../../run/failures';
import { queryServer, type TrustContext } from './endpoint-context';

export interface CertificateInUse {
  /** Certificate that the endpoint of the SQL Server shall use. */
  readonly name: string;
  /** Name in the spec, or the one by default; differs from `name` after a rotation. */
  readonly wanted: string;
  readonly certificates: readonly CertificateFacts[];
  readonly serverTime: string;
}

/** Which certificate the steps of a topology work with: after a rotation, the one that the endpoint has. */
export async function certificateInUse(context: TrustContext): Promise<CertificateInUse> {
  const [[server], certificates, [endpoint]] = await Promise.all([
    queryServer(context, readServer()),
    queryServer(context, readCertificates()),
    queryServer(context, readEndpoints()),
  ]);
  if (server === undefined) throw new FactMissing(context.ports.server.name, 'its properties');
  const { serverTime } = server;
  const wanted = endpointCertificateName(context.spec, server.serverName);
  const used = endpoint?.certificateName ?? null;
  if (endpoint === undefined || used === null || sameName(used, wanted)) {
    return { name: wanted, wanted, certificates, serverTime };
  }
  const trusted = await context.ports.azure.readTrustCertificates(context.signal);
  const isExplicit = context.spec.settings.certificate.name !== undefined;
  const name = certificateNameToUse(wanted, isExplicit, {
    endpoint,
    certificates,
    trusted,
    serverTime,
    servesReplicas: context.spec.servesReplicas,
  });
  return { name, wanted, certificates, serverTime };
}
