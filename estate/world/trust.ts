/** Does SQL Server trust a managed instance's certificate: signature, dates, and an imported root that covers its name. */
import type { Certificate } from './model';
import { authorities, MANAGED_ROOT_CN } from './pki';
import { key, type MutableInstance } from './state';
import { isSignedBy } from './x509';

/**
 * Why the chain does not hold, or undefined. The issuing authority comes from the host's store, as it does on a real
 * host; the root has to be imported and to be an issuer for the name (sp_certificate_add_issuer). Roots are recognised
 * by name, so that Microsoft's published root certificates serve as well as the estate's own.
 */
export function chainProblem(
  instance: MutableInstance,
  certificate: Certificate,
  now: number,
): string | undefined {
  if (certificate.expiryDate <= now) return 'the certificate has expired';
  if (certificate.startDate > now) return 'the certificate is not yet valid';
  if (!isSignedBy(certificate.der, authorities().issuing)) return 'it was not issued by a trusted authority';
  const root = [...instance.certificates.values()].find(
    (one) => one.subject.includes(`CN=${MANAGED_ROOT_CN}`) && one.issuerFor.length > 0,
  );
  if (!root) return `the root certificate '${MANAGED_ROOT_CN}' is not imported or not trusted as an issuer`;
  if (root.expiryDate <= now) return `the root certificate '${root.name}' has expired`;
  const host = /CN=([^,]+)/.exec(certificate.subject)?.[1] ?? '';
  return root.issuerFor.some((pattern) => covers(pattern, host))
    ? undefined
    : `no trusted issuer covers '${host}'`;
}

/** `*.database.windows.net` covers any name below it (the pattern of the documentation spans several labels). */
function covers(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*')) return key(pattern) === key(host);
  return key(host).endsWith(key(pattern.slice(1)));
}
