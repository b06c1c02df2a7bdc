/** Certificates of a link: read, judged, rotated, imported again. */
import { createHash, X509Certificate } from 'node:crypto';
import type { LinkReplicaFacts } from '../../model/sql-server/observation';
import type { Clock } from '../../ports/clock';
import { SqlServerFailure } from '../../ports/failures';
import { sameName } from '../../rules/names';
import {
  type CertificateInventory,
  type ChainState,
  certificateInventory,
  type PresentedCertificate,
} from '../../rules/sql-server/certificate-inventory';
import { endpointCertificateName } from '../../rules/sql-server/certificate-name';
import {
  isLinkUp,
  type RotationFacts,
  rotationPlan,
  rotationRefusals,
} from '../../rules/sql-server/certificate-rotation';
import { AZURE_AUTHORITIES } from '../../tsql/azure-authorities';
import { validateCertificateChain } from '../../tsql/certificates';
import { readCertificates } from '../../tsql/queries/certificates';
import { readEndpoints } from '../../tsql/queries/endpoints';
import { readLogins } from '../../tsql/queries/logins';
import type { ActivityReporter } from '../run/activity-boundary';
import { callsOf, type Opening, type Shared } from '../run/call';
import { runStep, toJournalEffect, undoStep } from '../run/run-step';
import type { StepContext } from '../run/step';
import type { CertificateActivities, ConnectionProof, ProofInput, RotationVerdict } from './certificate-api';
import type { CertificateSpec } from './certificate-spec';
import { readAvailabilityGroupFacts } from './observe/availability-groups';
import { readServerFacts } from './observe/server';
import { type EndpointPorts, queryServer } from './steps/endpoint-context';
import { dropInstanceTrust, rotationStep } from './steps/rotation';

/** So many looks in a row must find all links up: one could fall between a connection and its end. */
const STABLE_LOOKS = 3;

/** One of the links of an endpoint, and the way to it. */
export interface EndpointEnd<Spec extends CertificateSpec, Ports extends EndpointPorts> {
  readonly spec: Spec;
  readonly ports: Ports;
}

/** All links of one endpoint, of which there is at least one. */
type Ends<Spec extends CertificateSpec, Ports extends EndpointPorts> = readonly [
  EndpointEnd<Spec, Ports>,
  ...EndpointEnd<Spec, Ports>[],
];

/** Reads the links of one SQL Server, each from the view of the side that leads it. */
export type ReadLinks<Spec extends CertificateSpec, Ports extends EndpointPorts> = (
  ends: Ends<Spec, Ports>,
  clock: Clock,
  signal: AbortSignal,
) => Promise<readonly LinkReplicaFacts[]>;

export interface CertificateDependencies<Spec extends CertificateSpec, Ports extends EndpointPorts>
  extends Opening<Spec, Ports>,
    Shared {
  readonly readLinks: ReadLinks<Spec, Ports>;
}

type Context = StepContext<EndpointPorts, CertificateSpec>;

export function createCertificateActivities<Spec extends CertificateSpec, Ports extends EndpointPorts>(
  dependencies: CertificateDependencies<Spec, Ports>,
): CertificateActivities<Spec> {
  const call = callsOf(dependencies);
  /** The links as seen now, and their ends. */
  const linksOf = async (specs: readonly [Spec, ...Spec[]]): Promise<Links> => {
    const [first, ...others] = specs;
    const end = async (spec: Spec) => ({ spec, ports: await dependencies.openPorts(spec) });
    const ends: Ends<Spec, Ports> = [await end(first), ...(await Promise.all(others.map(end)))];
    return { ends, read: (clock, signal) => dependencies.readLinks(ends, clock, signal) };
  };

  return {
    readLinkCertificates: ({ spec }) => call(spec, ({ context }) => readLinkCertificates(context)),

    planCertificateRotation: ({ spec, others }) =>
      call(spec, async ({ context }) => planRotation(context, await linksOf([spec, ...others]))),

    readCertificate: ({ spec, name }) =>
      call(spec, async ({ context }) => {
        const found = (await queryServer(context, readCertificates())).find((row) =>
          sameName(row.name, name),
        );
        if (found === undefined) return null;
        return { name: found.name, thumbprint: found.thumbprint, expiresAt: found.expiryDate };
      }),

    observeRotationStep: ({ spec, plan, stepId }) =>
      call(spec, async ({ context }) => {
        const seen = await rotationStep(plan, stepId).look(context);
        const before = seen.facts;
        if (seen.settled !== undefined) return { before, settled: seen.settled, planned: [] };
        return { before, planned: (await seen.effects()).map(toJournalEffect) };
      }),

    performRotationStep: ({ spec, plan, stepId, carried }) =>
      call(spec, ({ context, apply }) => runStep(rotationStep(plan, stepId), context, apply), carried),

    undoRotationStep: ({ spec, plan, stepId, before, carried }) =>
      call(
        spec,
        async ({ context, apply }) => {
          const { effects } = await undoStep(rotationStep(plan, stepId), before, context, apply);
          return effects;
        },
        carried,
      ),

    proveConnection: (input) =>
      call(input.spec, async ({ context, reporter }) =>
        proveConnection(context, await linksOf([input.spec, ...input.others]), reporter, input),
      ),

    dropInstanceTrust: ({ spec }) =>
      call(spec, async ({ context, apply }) => {
        const { fullyQualifiedDomainName } = await context.ports.azure.readInstance(context.signal);
        const names = [fullyQualifiedDomainName, ...AZURE_AUTHORITIES.map(({ name }) => name)];
        return runStep(dropInstanceTrust(names), context, apply);
      }),
  };
}

/** The links of one endpoint, and a look at them. */
interface Links {
  readonly ends: readonly EndpointEnd<CertificateSpec, EndpointPorts>[];
  read(clock: Clock, signal: AbortSignal): Promise<readonly LinkReplicaFacts[]>;
}

/** Reads only: the validation of the chain changes nothing either. */
export async function readLinkCertificates(context: Omit<Context, 'secret'>): Promise<CertificateInventory> {
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
  { ports, signal }: Omit<Context, 'secret'>,
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

async function planRotation(context: Context, links: Links): Promise<RotationVerdict> {
  const { spec } = context;
  const facts = await readRotationFacts(context, links);
  const refusals = rotationRefusals(facts);
  if (refusals.length > 0) return { refusals, plan: null };
  const trusted = await Promise.all(
    links.ends.map(({ ports }) => ports.azure.readTrustCertificates(context.signal)),
  );
  const taken = [...facts.certificates, ...trusted.flat()].map(({ name }) => name);
  const base = endpointCertificateName(spec, facts.serverName);
  return {
    refusals: [],
    plan: rotationPlan(facts, base, taken, spec.settings.certificate.validFor) ?? null,
  };
}

async function readRotationFacts(context: Context, { ends, read }: Links): Promise<RotationFacts> {
  const { ports, clock, signal } = context;
  const fenceLogins = ends.flatMap(({ spec }) => spec.settings.cutover.fence.disableLogins);
  const [server, endpoints, certificates, groups, links, logins, instances] = await Promise.all([
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
    links,
    groups,
    instances: instances.map(({ fullyQualifiedDomainName }) => fullyQualifiedDomainName),
    fencedLogins: leads ? logins.filter(({ isDisabled }) => isDisabled).map(({ name }) => name) : [],
  };
}

async function proveConnection(
  { spec, clock }: Context,
  { read }: Links,
  reporter: ActivityReporter,
  { plan, since, limitMs }: ProofInput,
): Promise<ConnectionProof> {
  // The limit counts from the first attempt, also when another worker goes on.
  const startedAt = typeof reporter.resumeState === 'number' ? reporter.resumeState : clock.now();
  reporter.saveResumeState(startedAt);
  let upSince: number | null = null;
  let stable = 0;
  for (let looks = 1; ; looks += 1) {
    const links = await read(clock, reporter.signal);
    const down = plan.links.flatMap((name) => {
      const facts = links.find(({ linkName }) => linkName.toLowerCase() === name.toLowerCase());
      if (facts === undefined) return [`${name}: not there`];
      return isLinkUp(facts) ? [] : [`${name}: ${stateOf(facts)}`];
    });
    const now = clock.now();
    upSince = down.length === 0 ? (upSince ?? now) : null;
    stable = down.length === 0 ? stable + 1 : 0;
    const seconds = Math.max(0, (upSince ?? now) - Date.parse(since)) / 1_000;
    const proof = { secondsWithoutConnection: Math.round(seconds * 1_000) / 1_000, looks };
    if (stable >= STABLE_LOOKS) {
      const what =
        plan.links.length === 0
          ? 'no link uses the endpoint'
          : `${plan.links.join(', ')}: CONNECTED, HEALTHY`;
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
        down.length === 0 ? 'the links to stay connected' : `the links to come back (${down.join('; ')})`,
      observedAt: new Date(now).toISOString(),
    });
    await clock.sleep(Math.min(spec.settings.polling.active, 1_000), reporter.signal);
  }
}

function stateOf(facts: Parameters<typeof isLinkUp>[0]): string {
  const states = [
    facts.connectedStateDesc ?? 'not connected',
    facts.synchronizationHealthDesc ?? 'no health',
    ...(facts.isSuspended ? ['suspended'] : []),
  ].join(', ');
  const error = facts.lastConnectErrorDescription;
  return error === null ? states : `${states}; ${facts.lastConnectErrorNumber ?? ''} ${error}`;
}
