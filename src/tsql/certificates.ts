/** Certificates of the mirroring endpoint ("Configure link with scripts", section "Establish trust"). */
import type { Statement } from '../model/statement';
import { binaryLiteral, QuotingError, quoteAscii, quoteIdentifier, quoteLiteral } from './quote';
import { lines, statement } from './statement';

export interface NewCertificate {
  readonly name: string;
  readonly subject: string;
  /** ISO date (2027-01-31) or date and time; only the date counts. Default of the server: now. */
  readonly startDate?: string;
  /** ISO date; without one the server would choose one year. */
  readonly expiryDate: string;
}

/** Self-signed certificate, private key protected by the master key. @throws QuotingError on a malformed date */
export function createCertificate(options: NewCertificate): Statement {
  const start =
    options.startDate === undefined ? undefined : `START_DATE = ${dateLiteral(options.startDate)}`;
  const clauses = [
    `SUBJECT = ${quoteLiteral(options.subject)}`,
    ...(start === undefined ? [] : [start]),
    `EXPIRY_DATE = ${dateLiteral(options.expiryDate)}`,
  ];
  return statement(
    'create-certificate',
    lines(`CREATE CERTIFICATE ${quoteIdentifier(options.name)}`, `    WITH ${clauses.join(',\n         ')};`),
  );
}

/**
 * Imports a public key.
 * @param options.binaryHex DER, hexadecimal without 0x
 * @param options.label what `display` shows for it, for example `public key of sqlmi1`
 */
export function createCertificateFromBinary(options: {
  readonly name: string;
  readonly binaryHex: string;
  readonly label: string;
}): Statement {
  const head = `CREATE CERTIFICATE ${quoteIdentifier(options.name)} FROM BINARY = `;
  return statement('create-certificate-from-binary', `${head}${binaryLiteral(options.binaryHex)};`, {
    display: `${head}0x<${options.label}>;`,
  });
}

export const dropCertificate = (name: string): Statement =>
  statement('drop-certificate', `DROP CERTIFICATE ${quoteIdentifier(name)};`);

/**
 * Lets an imported root vouch for peers of these names.
 * @param options.dnsName for Azure `*.database.windows.net`
 */
export function addCertificateIssuer(options: {
  readonly certificateName: string;
  readonly dnsName: string;
}): Statement {
  return statement(
    'add-certificate-issuer',
    lines(
      `DECLARE @certificate_id int = CERT_ID(${quoteLiteral(options.certificateName)});`,
      `EXEC sp_certificate_add_issuer @certificate_id, ${quoteLiteral(options.dnsName)};`,
    ),
  );
}

/**
 * Fails when the imported certificate does not chain to a trusted root. SQL Server 2022 CU5 and later (2812 before);
 * may ask a revocation service over the internet.
 */
export function validateCertificateChain(options: { readonly certificateName: string }): Statement {
  return statement(
    'validate-certificate-chain',
    lines(
      `DECLARE @certificate_id int = CERT_ID(${quoteLiteral(options.certificateName)});`,
      'EXEC sp_validate_certificate_ca_chain @certificate_id;',
    ),
  );
}

/** 'yyyymmdd' reads the same under every SET LANGUAGE and SET DATEFORMAT, unlike the documented 'mm/dd/yyyy'. */
function dateLiteral(isoDate: string): string {
  const match = /^(\d{4})-(\d{2})-(\d{2})(?:T.*)?$/.exec(isoDate);
  if (match === null || Number.isNaN(Date.parse(isoDate))) {
    throw new QuotingError('a date must be written as 2027-01-31');
  }
  return quoteAscii(`${match[1]}${match[2]}${match[3]}`);
}
