import type { Statement } from '../model/statement';
import { AZURE_DNS_NAME, type AzureAuthority } from './azure-authorities';
import { addCertificateIssuer, createCertificateFromBinary } from './certificates';
import { lines, statement } from './statement';

/**
 * Imports a root authority and lets it vouch for managed instances, in one batch as the documented script does: a
 * root without its issuer entry would look complete in sys.certificates and trust nothing.
 * @param options.dnsName names for which the root may vouch; those of Azure by default
 */
export function trustAzureAuthority(options: {
  readonly authority: AzureAuthority;
  readonly dnsName?: string;
}): Statement {
  const { authority, dnsName = AZURE_DNS_NAME } = options;
  const create = createCertificateFromBinary({
    name: authority.name,
    binaryHex: authority.binaryHex,
    label: authority.label,
  });
  const issue = addCertificateIssuer({ certificateName: authority.name, dnsName });
  return statement('trust-azure-authority', lines(create.text, issue.text), {
    display: lines(create.display, issue.display),
  });
}
