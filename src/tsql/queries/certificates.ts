import type { CertificateFacts } from '../../model/sql-server/observation';
import type { Query } from '../../model/statement';
import { query } from '../query';
import { readInteger, readNullableText, readText, readUtcTime } from '../rows';

/** Certificates of master. Dates in sys.certificates are UTC; thumbprints come as hexadecimal without 0x (style 2). */
export const readCertificates = (): Query<CertificateFacts> =>
  query(
    'read-certificates',
    `
SELECT
    name, certificate_id, subject, issuer_name,
    CONVERT(varchar(33), start_date, 126) AS start_date,
    CONVERT(varchar(33), expiry_date, 126) AS expiry_date,
    CONVERT(varchar(100), thumbprint, 2) AS thumbprint,
    pvt_key_encryption_type
FROM sys.certificates
ORDER BY certificate_id;
`,
    (row) => ({
      name: readText(row, 'name'),
      certificateId: readInteger(row, 'certificate_id'),
      subject: readNullableText(row, 'subject') ?? '',
      issuerName: readNullableText(row, 'issuer_name') ?? '',
      startDate: readUtcTime(row, 'start_date'),
      expiryDate: readUtcTime(row, 'expiry_date'),
      thumbprint: readText(row, 'thumbprint').toUpperCase(),
      privateKeyEncryptionType: readText(row, 'pvt_key_encryption_type').trim(),
    }),
  );

export interface CertificatePublicKeyRow {
  /** DER, hexadecimal without 0x; null when there is no such certificate. */
  readonly publicKey: string | null;
}

/** Public part of a certificate. One row. */
export const readCertificatePublicKey = (name: string): Query<CertificatePublicKeyRow> =>
  query(
    'read-certificate-public-key',
    'SELECT CONVERT(varchar(max), CERTENCODED(CERT_ID(@certificate)), 2) AS public_key;',
    (row) => ({ publicKey: readNullableText(row, 'public_key')?.toUpperCase() ?? null }),
    { parameters: { certificate: name } },
  );
