/** Whether the certificate of an endpoint may be rotated now, and how. */
import type {
  AvailabilityGroupFacts,
  CertificateFacts,
  DistributedReplicaFacts,
  EndpointFacts,
} from '../../model/sql-server/observation';
import { includesName, sameName } from '../names';
import { rotatedCertificateName } from './certificate-name';
import { isReplicating } from './seeding';

export const ROTATION_STEP_IDS = [
  'rotation.create-certificate',
  'rotation.trust-certificate',
  'rotation.switch-endpoint',
  'rotation.force-reconnect',
  'rotation.distrust-old-certificate',
  'rotation.drop-old-certificate',
] as const;
export type RotationStepId = (typeof ROTATION_STEP_IDS)[number];

export interface RotatedCertificate {
  readonly name: string;
  readonly thumbprint: string;
  readonly expiresAt: string;
}

/** What a rotation will do; decided once, before anything is changed. */
export interface RotationPlan {
  readonly endpointName: string;
  readonly old: RotatedCertificate & { readonly expired: boolean };
  /** Certificate to be made. */
  readonly nextName: string;
  /** ISO date. */
  readonly nextExpiresOn: string;
  /** Every distributed group of the endpoint: all of them must come back. */
  readonly groups: readonly string[];
}

/** A reason not to touch the endpoint, with its rule. */
export interface RotationRefusal {
  readonly ruleId: string;
  readonly reason: string;
  readonly nextStep: string;
}

export interface RotationFacts {
  readonly serverName: string;
  readonly serverTime: string;
  readonly endpoint: EndpointFacts | null;
  readonly certificates: readonly CertificateFacts[];
  /** Distributed groups of the server by their databases, each from the view of its primary. */
  readonly replicas: readonly DistributedReplicaFacts[];
  readonly groups: readonly AvailabilityGroupFacts[];
  /** FQDNs of the instances that get the new public key. */
  readonly instances: readonly string[];
  /** Logins of the fence that are disabled although the SQL Server leads: a cutover is under way. */
  readonly fencedLogins: readonly string[];
}

/** All reasons, in the order in which they should be met. Empty: the rotation may go on. */
export function rotationRefusals(facts: RotationFacts): readonly RotationRefusal[] {
  const own = endpointCertificate(facts);
  if (facts.endpoint === null || own === undefined) return [NO_CERTIFICATE];
  return [
    ...facts.replicas.flatMap(seedingRefusal),
    ...facts.replicas.flatMap(failoverRefusal),
    ...fenceRefusal(facts),
    ...partnerRefusals(facts, facts.endpoint),
    ...(isExpired(own, facts.serverTime) ? [] : facts.replicas.flatMap(healthRefusal)),
  ];
}

/**
 * @param base name without a day; @param taken names that exist on the server or an instance
 * @param validForMs how long the new certificate shall be valid
 * @returns undefined when the endpoint has no certificate to rotate
 */
export function rotationPlan(
  facts: RotationFacts,
  base: string,
  taken: readonly string[],
  validForMs: number,
): RotationPlan | undefined {
  const own = endpointCertificate(facts);
  if (facts.endpoint === null || own === undefined) return undefined;
  const expires = new Date(Date.parse(facts.serverTime) + validForMs).toISOString();
  return {
    endpointName: facts.endpoint.name,
    old: {
      name: own.name,
      thumbprint: own.thumbprint,
      expiresAt: own.expiryDate,
      expired: isExpired(own, facts.serverTime),
    },
    nextName: rotatedCertificateName(base, facts.serverTime, taken),
    nextExpiresOn: expires.slice(0, 10),
    groups: facts.replicas.map(({ groupName }) => groupName),
  };
}

/** Connected and taking the log: what every distributed group of the endpoint must be after the switch. */
export const isUp = (facts: DistributedReplicaFacts): boolean =>
  facts.connectedStateDesc === 'CONNECTED' && !facts.isSuspended && isReplicating(facts);

const NO_CERTIFICATE: RotationRefusal = {
  ruleId: 'rotation.no-certificate',
  reason: 'the SQL Server has no mirroring endpoint with a certificate',
  nextStep: 'start the migration: it makes endpoint and certificate',
};

/**
 * A lost connection makes a seeding start over from zero. A group that is disconnected has none to lose, and one that
 * seeded long ago keeps its row, so only what runs counts.
 */
function seedingRefusal(replica: DistributedReplicaFacts): readonly RotationRefusal[] {
  const isConnected = replica.connectedStateDesc === 'CONNECTED';
  const isUnfinished = isConnected && !isReplicating(replica) && !replica.isSuspended;
  if (replica.seeding?.isStreaming !== true && !isUnfinished) return [];
  const state = replica.seeding?.currentState ?? 'about to begin';
  return [
    {
      ruleId: 'rotation.seeding',
      reason: `${replica.database} is being seeded over distributed availability group ${replica.groupName} (${state}): a reconnect would start it over`,
      nextStep: 'rotate when the seeding is over; sqlferry status shows how long it takes',
    },
  ];
}

function failoverRefusal(replica: DistributedReplicaFacts): readonly RotationRefusal[] {
  if (replica.localRoleDesc === 'PRIMARY') return [];
  return [
    {
      ruleId: 'rotation.failover',
      reason: `distributed availability group ${replica.groupName} is being failed over: no side is seen as its primary (${replica.localRoleDesc})`,
      nextStep: 'rotate when the failover is over',
    },
  ];
}

function fenceRefusal({ fencedLogins }: RotationFacts): readonly RotationRefusal[] {
  if (fencedLogins.length === 0) return [];
  return [
    {
      ruleId: 'rotation.fence',
      reason: `the SQL Server is fenced: ${fencedLogins.join(', ')} disabled`,
      nextStep: 'rotate when the cutover or failover is over',
    },
  ];
}

function healthRefusal(replica: DistributedReplicaFacts): readonly RotationRefusal[] {
  if (isUp(replica) || seedingRefusal(replica).length > 0 || failoverRefusal(replica).length > 0) return [];
  const error = replica.lastConnectErrorDescription;
  return [
    {
      ruleId: 'rotation.not-healthy',
      reason: `distributed availability group ${replica.groupName} is not healthy (${replica.connectedStateDesc ?? 'not connected'}${error === null ? '' : `: ${error}`}), so nothing could prove the new certificate`,
      nextStep: 'mend the connection first; the present certificate is still valid',
    },
  ];
}

/** Whoever else connects to this endpoint must have the new public key before the switch. */
function partnerRefusals(facts: RotationFacts, endpoint: EndpointFacts): readonly RotationRefusal[] {
  const strangers = facts.groups.flatMap((group) => strangersOf(group, facts, endpoint));
  return strangers.map(({ group, host }) => ({
    ruleId: 'rotation.other-partner',
    reason: `${host} (availability group ${group}) connects to this endpoint, and this rotation does not know how to give it the new public key`,
    nextStep:
      'if it is a managed instance, name the migration to it, too: --with FILE; else give it the key by hand, or rotate by hand',
  }));
}

function strangersOf(group: AvailabilityGroupFacts, facts: RotationFacts, endpoint: EndpointFacts) {
  // Replicas of an ordinary group that authenticate by Windows never look at the certificate.
  const usesWindows = /NTLM|KERBEROS|NEGOTIATE/.test(endpoint.connectionAuthDesc.toUpperCase());
  if (!group.isDistributed && usesWindows) return [];
  const own = new Set(ownAddresses(group, facts));
  return group.replicas
    .filter(({ name }) => !own.has(name.toLowerCase()))
    .map(({ endpointUrl }) => hostOf(endpointUrl))
    .filter((host) => host !== '' && !includesName(facts.instances, host))
    .map((host) => ({ group: group.name, host }));
}

/** In a distributed group the own member is a local group; in a local group it is this server. */
function ownAddresses(
  group: AvailabilityGroupFacts,
  { groups, serverName }: RotationFacts,
): readonly string[] {
  if (!group.isDistributed) return [serverName.toLowerCase()];
  return groups.filter(({ isDistributed }) => !isDistributed).map(({ name }) => name.toLowerCase());
}

/** Host of `tcp://host:port;Server=[...]`. */
const hostOf = (url: string): string => /^tcp:\/\/(\[[^\]]+\]|[^:/;\s]+)/i.exec(url.trim())?.[1] ?? '';

const endpointCertificate = ({ endpoint, certificates }: RotationFacts): CertificateFacts | undefined =>
  endpoint?.certificateName == null
    ? undefined
    : certificates.find(({ name }) => sameName(name, endpoint.certificateName ?? ''));

const isExpired = ({ expiryDate }: CertificateFacts, serverTime: string): boolean =>
  Date.parse(expiryDate) <= Date.parse(serverTime);
