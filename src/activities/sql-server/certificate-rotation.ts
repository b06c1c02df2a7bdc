/** Whether the certificate of an endpoint may be rotated, and whether its connections come back with the new one. */
import { pacingOf } from '../../model/run/pacing';
import type { DistributedReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import { ageMs } from '../../rules/run/age';
import { endpointCertificateName } from '../../rules/sql-server/certificate-name';
import {
  isUp,
  type RotationFacts,
  rotationPlan,
  rotationRefusals,
} from '../../rules/sql-server/certificate-rotation';
import { readCertificates } from '../../tsql/queries/certificates';
import { readEndpoints } from '../../tsql/queries/endpoints';
import { readLogins } from '../../tsql/queries/logins';
import type { ActivityReporter } from '../run/activity-boundary';
import type { ConnectionProof, ProofInput, RotationVerdict } from './certificate-api';
import type { CertificateSpec } from './certificate-spec';
import { readAvailabilityGroupFacts } from './observe/availability-groups';
import { readServerFacts } from './observe/server';
import { type CertificateContext, type EndpointPorts, queryServer } from './steps/endpoint-context';

/** So many looks in a row must find all connections up: one could fall between a connection and its end. */
const STABLE_LOOKS = 3;

/** One of the specs that use an endpoint, and the way to what it names. */
export interface EndpointEnd<
  Spec extends CertificateSpec = CertificateSpec,
  Ports extends EndpointPorts = EndpointPorts,
> {
  readonly spec: Spec;
  readonly ports: Ports;
}

/** All that use one endpoint, and a look at its distributed groups. */
export interface EndpointEnds {
  readonly ends: readonly EndpointEnd[];
  read(clock: Clock, signal: AbortSignal): Promise<readonly DistributedReplicaFacts[]>;
}

/** Whether a rotation may begin now, and what it would do. Changes nothing. */
export async function planRotation(
  context: CertificateContext,
  endpoint: EndpointEnds,
): Promise<RotationVerdict> {
  const { spec } = context;
  const facts = await readRotationFacts(context, endpoint);
  const refusals = rotationRefusals(facts);
  if (refusals.length > 0) return { refusals, plan: null };
  const trusted = await Promise.all(
    endpoint.ends.map(({ ports }) => ports.azure.readTrustCertificates(context.signal)),
  );
  const taken = [...facts.certificates, ...trusted.flat()].map(({ name }) => name);
  const base = endpointCertificateName(spec, facts.serverName);
  return {
    refusals: [],
    plan: rotationPlan(facts, base, taken, spec.settings.certificate.validFor) ?? null,
  };
}

async function readRotationFacts(
  context: CertificateContext,
  { ends, read }: EndpointEnds,
): Promise<RotationFacts> {
  const { ports, clock, signal } = context;
  const fenceLogins = ends.flatMap(({ spec }) => spec.settings.cutover.fence.disableLogins);
  const [server, endpoints, certificates, groups, replicas, logins, instances] = await Promise.all([
    readServerFacts(ports.server, clock, signal),
    queryServer(context, readEndpoints()),
    queryServer(context, readCertificates()),
    readAvailabilityGroupFacts(ports.server, signal),
    read(clock, signal),
    queryServer(context, readLogins(fenceLogins)),
    Promise.all(ends.map((end) => end.ports.azure.readInstance(signal))),
  ]);
  // While an instance leads, the logins on the SQL Server stay disabled: only a SQL Server that leads is being fenced.
  const leads = groups.some(
    ({ isDistributed, localRoleDesc }) => isDistributed && localRoleDesc === 'PRIMARY',
  );
  return {
    serverName: server.serverName,
    serverTime: server.serverTime,
    endpoint: endpoints[0] ?? null,
    certificates,
    replicas,
    groups,
    instances: instances.map(({ fullyQualifiedDomainName }) => fullyQualifiedDomainName),
    fencedLogins: leads ? logins.filter(({ isDisabled }) => isDisabled).map(({ name }) => name) : [],
  };
}

/**
 * Waits until all connections of the endpoint are back with the new certificate, or the limit is over.
 * @param since when the endpoint was changed, by the clock of this worker
 */
export async function proveConnection(
  { spec, clock }: CertificateContext,
  { read }: EndpointEnds,
  reporter: ActivityReporter,
  { plan, since, limitMs }: ProofInput,
): Promise<ConnectionProof> {
  // The limit counts from the first attempt, also when another worker goes on.
  const startedAt = typeof reporter.resumeState === 'number' ? reporter.resumeState : clock.now();
  reporter.saveResumeState(startedAt);
  let upSince: number | null = null;
  let stable = 0;
  for (let looks = 1; ; looks += 1) {
    const replicas = await read(clock, reporter.signal);
    const down = plan.groups.flatMap((name) => {
      const facts = replicas.find(({ groupName }) => groupName.toLowerCase() === name.toLowerCase());
      if (facts === undefined) return [`${name}: not there`];
      return isUp(facts) ? [] : [`${name}: ${stateOf(facts)}`];
    });
    const now = clock.now();
    upSince = down.length === 0 ? (upSince ?? now) : null;
    stable = down.length === 0 ? stable + 1 : 0;
    const without = ageMs(since, upSince ?? now);
    const proof = { secondsWithoutConnection: without === null ? null : Math.round(without) / 1_000, looks };
    if (stable >= STABLE_LOOKS) {
      const what =
        plan.groups.length === 0
          ? 'no distributed availability group uses the endpoint'
          : `${plan.groups.join(', ')}: CONNECTED, HEALTHY`;
      return {
        connected: true,
        evidence: `${what} (${stable} looks in a row after a new handshake)`,
        ...proof,
      };
    }
    if (now - startedAt >= limitMs) return { connected: false, evidence: down.join('; '), ...proof };
    reporter.report({
      version: 1,
      activity: 'rotating-certificate',
      waitingFor:
        down.length === 0 ? 'the connections to stay' : `the connections to come back (${down.join('; ')})`,
      observedAt: new Date(now).toISOString(),
    });
    await clock.sleep(pacingOf(spec.settings.polling).effectMs, reporter.signal);
  }
}

function stateOf(facts: Parameters<typeof isUp>[0]): string {
  const states = [
    facts.connectedStateDesc ?? 'not connected',
    facts.synchronizationHealthDesc ?? 'no health',
    ...(facts.isSuspended ? ['suspended'] : []),
  ].join(', ');
  const error = facts.lastConnectErrorDescription;
  return error === null ? states : `${states}; ${facts.lastConnectErrorNumber ?? ''} ${error}`;
}
