/** All certificates that the connection to a managed instance depends on, judged. */
import type {
  CertificateFacts,
  EndpointFacts,
  TrustCertificateFacts,
} from '../../model/sql-server/observation';
import { sameName } from '../names';
import { type CertificateLevel, judgeExpiry, worstLevel } from './certificate-expiry';

export type CertificateUse =
  /** The SQL Server's own: it proves the SQL Server to the instance. */
  | 'endpoint'
  /** Its public key on the instance. */
  | 'trust-on-instance'
  /** What the instance proves itself with; Azure renews it. */
  | 'instance'
  /** Its public key on the SQL Server, under the FQDN of the instance. */
  | 'instance-on-server'
  /** Root that vouches for the instance. */
  | 'authority';

export interface CertificateItem {
  readonly use: CertificateUse;
  readonly where: 'server' | 'instance';
  readonly name: string;
  /** Hexadecimal SHA-1, upper case; null when there is no such certificate. */
  readonly thumbprint: string | null;
  readonly expiresAt: string | null;
  readonly daysLeft: number | null;
  readonly level: CertificateLevel;
  /** One sentence for people. */
  readonly note: string;
}

export interface ChainState {
  readonly state: 'valid' | 'broken' | 'not-checkable';
  readonly detail: string;
}

export interface CertificateInventory {
  readonly observedAt: string;
  /** Clock of the SQL Server, which judges by it. */
  readonly serverTime: string;
  readonly serverName: string;
  readonly instanceFqdn: string;
  readonly endpointName: string | null;
  readonly items: readonly CertificateItem[];
  readonly chain: ChainState;
  readonly worst: CertificateLevel;
}

/** A certificate read from its DER. */
export interface PresentedCertificate {
  readonly thumbprint: string;
  readonly expiresAt: string;
}

export interface InventoryFacts {
  readonly observedAt: string;
  readonly serverTime: string;
  readonly serverName: string;
  readonly instanceFqdn: string;
  readonly endpoint: EndpointFacts | null;
  readonly certificates: readonly CertificateFacts[];
  readonly trusted: readonly TrustCertificateFacts[];
  /** What the instance proves itself with. */
  readonly presented: PresentedCertificate;
  /** Names under which the roots of Azure stand on the SQL Server. */
  readonly authorityNames: readonly string[];
  readonly chain: ChainState;
}

export function certificateInventory(facts: InventoryFacts): CertificateInventory {
  const { observedAt, serverTime, serverName, instanceFqdn, endpoint, chain } = facts;
  const items = [
    ofEndpoint(facts),
    ofTrust(facts),
    ofInstance(facts),
    ofImported(facts),
    ...ofAuthorities(facts),
  ];
  const levels = items.map(({ level }) => level);
  return {
    observedAt,
    serverTime,
    serverName,
    instanceFqdn,
    endpointName: endpoint?.name ?? null,
    items,
    chain,
    worst: worstLevel(chain.state === 'broken' ? [...levels, 'critical'] : levels),
  };
}

/** Why the SQL Server's certificate should be rotated now; null when it need not. */
export function rotationDue(inventory: CertificateInventory, rotateBeforeMs: number): string | null {
  const own = inventory.items.find(({ use }) => use === 'endpoint');
  if (own?.expiresAt == null) return null;
  if (own.level === 'expired') return `${own.name} expired on ${own.expiresAt}`;
  const left = Date.parse(own.expiresAt) - Date.parse(inventory.serverTime);
  return left < rotateBeforeMs ? `${own.name} expires in ${own.daysLeft} days` : null;
}

/** Why what the SQL Server holds of the instance should be imported again; null when it need not. */
export function reimportDue(inventory: CertificateInventory): string | null {
  if (inventory.chain.state === 'broken') return inventory.chain.detail;
  const bad = inventory.items.find(
    ({ use, level }) =>
      (use === 'instance-on-server' || use === 'authority') && (level === 'missing' || level === 'expired'),
  );
  return bad === undefined ? null : `${bad.name}: ${bad.note}`;
}

function ofEndpoint(facts: InventoryFacts): CertificateItem {
  const own = endpointCertificateOf(facts);
  const name = facts.endpoint?.certificateName ?? 'endpoint certificate';
  if (own === undefined) {
    const note =
      facts.endpoint === null
        ? 'the SQL Server has no mirroring endpoint'
        : `endpoint ${facts.endpoint.name} has no certificate`;
    return missing('endpoint', 'server', name, note);
  }
  return judged(
    'endpoint',
    'server',
    own,
    facts,
    `endpoint ${facts.endpoint?.name ?? ''} proves itself with it`,
  );
}

function ofTrust(facts: InventoryFacts): CertificateItem {
  const own = endpointCertificateOf(facts);
  if (own === undefined) {
    return missing(
      'trust-on-instance',
      'instance',
      'public key of the SQL Server',
      'there is nothing to trust',
    );
  }
  const match = facts.trusted.find(({ thumbprint }) => sameName(thumbprint, own.thumbprint));
  if (match === undefined) {
    return missing('trust-on-instance', 'instance', own.name, 'the instance does not trust the certificate');
  }
  return judged(
    'trust-on-instance',
    'instance',
    { ...own, name: match.name },
    facts,
    'the instance trusts it',
  );
}

function ofInstance(facts: InventoryFacts): CertificateItem {
  const { thumbprint, expiresAt } = facts.presented;
  const certificate = { name: facts.instanceFqdn, thumbprint, expiryDate: expiresAt };
  return judged('instance', 'instance', certificate, facts, 'Azure renews it by itself');
}

function ofImported(facts: InventoryFacts): CertificateItem {
  const { instanceFqdn, presented } = facts;
  const imported = facts.certificates.find(({ name }) => sameName(name, instanceFqdn));
  if (imported === undefined) {
    return missing(
      'instance-on-server',
      'server',
      instanceFqdn,
      'not imported: the instance cannot connect (41974)',
    );
  }
  const isSame = sameName(imported.thumbprint, presented.thumbprint);
  // The SQL Server trusts by authority and name, so an older key is no fault (best practices of the link).
  const note = isSame ? 'holds the key that the instance has' : 'holds an older key of the instance';
  return judged('instance-on-server', 'server', imported, facts, note);
}

function ofAuthorities(facts: InventoryFacts): CertificateItem[] {
  return facts.authorityNames.map((wanted) => {
    const found = facts.certificates.find(({ name }) => sameName(name, wanted));
    return found === undefined
      ? missing('authority', 'server', wanted, 'not imported: the SQL Server cannot validate the instance')
      : judged('authority', 'server', found, facts, 'vouches for the instance');
  });
}

const endpointCertificateOf = ({ endpoint, certificates }: InventoryFacts): CertificateFacts | undefined =>
  certificates.find(({ name }) => sameName(name, endpoint?.certificateName ?? ''));

function judged(
  use: CertificateUse,
  where: CertificateItem['where'],
  certificate: Pick<CertificateFacts, 'name' | 'thumbprint' | 'expiryDate'>,
  { serverTime }: InventoryFacts,
  note: string,
): CertificateItem {
  const { name, thumbprint, expiryDate } = certificate;
  return {
    use,
    where,
    name,
    thumbprint: thumbprint.toUpperCase(),
    expiresAt: expiryDate,
    ...judgeExpiry(expiryDate, Date.parse(serverTime)),
    note,
  };
}

const missing = (
  use: CertificateUse,
  where: CertificateItem['where'],
  name: string,
  note: string,
): CertificateItem => ({
  use,
  where,
  name,
  thumbprint: null,
  expiresAt: null,
  daysLeft: null,
  level: 'missing',
  note,
});
