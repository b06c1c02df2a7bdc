import type { ResolvedLinkMigration } from '../../model/link/spec';

/** Name of the source's endpoint certificate; a backslash (named instance) is not allowed in it. */
export function endpointCertificateName(spec: ResolvedLinkMigration, serverName: string): string {
  return spec.migration.certificate.name ?? `Cert_${serverName.replaceAll('\\', '_')}_endpoint`;
}
